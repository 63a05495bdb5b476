// weir: tests of addresses: what parses, what does not, and that both ways agree.
// SPDX-License-Identifier: MIT
#include "weir/net/address.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/descriptor_check.h"
#include "weir/net/socket.h"

namespace weir {
namespace {

using namespace std::string_literals;

struct Good {
  std::string_view text;
  std::string_view formatted;
  Address::Family family;
  std::uint16_t port;
};

TEST(Address, parses_every_good_form_and_formats_it_in_one) {
  constexpr auto v4 = Address::Family::v4;
  constexpr auto v6 = Address::Family::v6;
  constexpr auto local = Address::Family::local;
  for (const Good& good : {
           Good{"127.0.0.1:7777", "127.0.0.1:7777", v4, 7777},
           Good{"0.0.0.0:0", "0.0.0.0:0", v4, 0},
           Good{"255.255.255.255:65535", "255.255.255.255:65535", v4, 65535},
           Good{":80", "127.0.0.1:80", v4, 80},
           Good{"localhost:80", "127.0.0.1:80", v4, 80},
           Good{"1.2.3.4:00080", "1.2.3.4:80", v4, 80},
           Good{"[::1]:7777", "[::1]:7777", v6, 7777},
           Good{"[::]:0", "[::]:0", v6, 0},
           Good{"[2001:DB8::0:1]:443", "[2001:db8::1]:443", v6, 443},
           Good{"[::ffff:1.2.3.4]:1", "[::ffff:1.2.3.4]:1", v6, 1},
           Good{"[1:2:3:4:5:6:7:8]:1", "[1:2:3:4:5:6:7:8]:1", v6, 1},
           Good{"[fe80::1%2]:80", "[fe80::1%2]:80", v6, 80},
           Good{"[fe80::1%4294967295]:80", "[fe80::1%4294967295]:80", v6, 80},
           Good{"unix:/run/a.sock", "unix:/run/a.sock", local, 0},
           Good{"unix:relative", "unix:relative", local, 0},
           Good{"unix:with:colon:80", "unix:with:colon:80", local, 0},
           Good{"unix:@abstract", "unix:@abstract", local, 0},
           Good{"unix:@a", "unix:@a", local, 0},
       }) {
    const Result<Address> address = Address::parse(good.text);
    ASSERT_TRUE(address) << good.text;
    EXPECT_EQ(address->to_string(), good.formatted);
    EXPECT_EQ(address->family(), good.family) << good.text;
    EXPECT_EQ(address->port(), good.port) << good.text;
    const Result<Address> again = Address::parse(address->to_string());
    ASSERT_TRUE(again) << good.text;
    EXPECT_TRUE(*again == *address) << good.text;
  }
}

TEST(Address, refuses_every_bad_form) {
  std::vector<std::string> bad = {
      "",
      ":",
      "::",
      "80",
      "127.0.0.1",
      "127.0.0.1:",
      "127.0.0.1:65536",
      "127.0.0.1:-1",
      "127.0.0.1:+1",
      "127.0.0.1:1x",
      "127.0.0.1: 1",
      "127.0.0.1:1 ",
      " 127.0.0.1:1",
      "127.0.0.1:0x50",
      "127.0.0.1:99999999999999999999",
      "127.0.0:1",
      "127.0.0.1.1:1",
      "127.0.0.256:1",
      "1.2.3.:1",
      "1.2.3.04x:1",
      "example.org:80",
      "LOCALHOST.:80",
      "[]:80",
      "[:80",
      "]:80",
      "[::1]",
      "[::1]:",
      "[::1]80",
      "[::1",
      "::1:80",
      "[::1]]:80",
      "[[::1]]:80",
      "[127.0.0.1]:80",
      "[1:2:3:4:5:6:7:8:9]:1",
      "[::1%]:80",
      "[::1%eth0]:80",
      "[::1%-1]:80",
      "[::1%4294967296]:80",
      "[fe80::%1%2]:1",
      "[g::1]:1",
      "unix",
      "unix:",
      "unix:@",
      "UNIX:/a",
  };
  bad.push_back("127.0.0.1\0:80"s);
  bad.push_back("127.0.0.1\0x:80"s);
  bad.push_back("[::1\0]:80"s);
  bad.push_back("127.0.0.1:8\0"s);
  bad.push_back("unix:/a\0b"s);
  bad.push_back("unix:@a\0b"s);
  bad.push_back("["s + std::string(5000, '1') + "]:80");  // CVE-2016-10196 in libevent
  bad.push_back(std::string(5000, '1') + ":80");
  bad.push_back("127.0.0.1:" + std::string(5000, '1'));
  for (const std::string& text : bad) {
    const Result<Address> address = Address::parse(text);
    ASSERT_FALSE(address) << testing::PrintToString(text);
    EXPECT_EQ(address.error(), errc::bad_address);
  }
}

TEST(Address, of_a_unix_path_may_be_as_long_as_the_kernel_takes_and_no_longer) {
  constexpr std::size_t room = sizeof(sockaddr_un{}.sun_path);
  const auto path = [](std::size_t size) { return "/" + std::string(size - 1, 'p'); };

  for (const std::size_t size : {std::size_t{1}, room - 2, room - 1}) {
    const Result<Address> address = Address::parse("unix:" + path(size));
    ASSERT_TRUE(address) << size;
    EXPECT_EQ(address->path(), path(size));
    EXPECT_EQ(address->to_string(), "unix:" + path(size));
    EXPECT_EQ(address->path().data()[size], '\0');
  }
  for (const std::size_t size : {room, room + 1, std::size_t{100'000}}) {
    const Result<Address> too_long = Address::parse("unix:" + path(size));
    ASSERT_FALSE(too_long) << size;
    EXPECT_EQ(too_long.error(), errc::path_too_long);
    EXPECT_EQ(too_long.error(), std::errc::filename_too_long);
  }
}

TEST(Address, of_an_abstract_name_may_fill_the_array) {
  constexpr std::size_t room = sizeof(sockaddr_un{}.sun_path);

  const Result<Address> longest = Address::parse("unix:@" + std::string(room - 1, 'n'));
  const Result<Address> too_long = Address::parse("unix:@" + std::string(room, 'n'));

  ASSERT_TRUE(longest);
  EXPECT_EQ(longest->to_string(), "unix:@" + std::string(room - 1, 'n'));
  EXPECT_EQ(longest->path(), "");
  ASSERT_FALSE(too_long);
  EXPECT_EQ(too_long.error(), errc::path_too_long);
}

TEST(Address, that_is_none_is_equal_to_itself_only) {
  const Address none;

  EXPECT_EQ(none.family(), Address::Family::none);
  EXPECT_EQ(none.port(), 0);
  EXPECT_EQ(none.path(), "");
  EXPECT_EQ(none.to_string(), "no address");
  EXPECT_TRUE(none == Address());
  EXPECT_FALSE(none == *Address::parse(":80"));
}

TEST(Address, of_a_name_that_the_kernel_left_empty_is_none) {
  sys::SocketName name;
  name.any.sa_family = AF_INET;
  for (const socklen_t length : {0U, 1U}) {
    name.length = length;  // old kernels answer accept(2) so
    const Address address(name);

    EXPECT_EQ(address.family(), Address::Family::none);
    EXPECT_EQ(address.to_string(), "no address");
  }
}

TEST(Address, compares_every_part) {
  const auto at = [](std::string_view text) { return *Address::parse(text); };

  EXPECT_TRUE(at("1.2.3.4:5") == at("1.2.3.4:5"));
  EXPECT_FALSE(at("1.2.3.4:5") == at("1.2.3.4:6"));
  EXPECT_FALSE(at("1.2.3.4:5") == at("1.2.3.5:5"));
  EXPECT_FALSE(at("[::1]:5") == at("[::1]:6"));
  EXPECT_FALSE(at("[::1]:5") == at("[::2]:5"));
  EXPECT_FALSE(at("[fe80::1%1]:5") == at("[fe80::1%2]:5"));
  EXPECT_FALSE(at("0.0.0.0:5") == at("[::]:5"));
  EXPECT_FALSE(at("unix:/a") == at("unix:/b"));
  EXPECT_FALSE(at("unix:/a") == at("unix:/ab"));
  EXPECT_FALSE(at("unix:a") == at("unix:@a"));
}

TEST(Address, of_a_bound_unix_socket_is_what_it_was_bound_to) {
  const Address wanted = *Address::parse("unix:@weir-address-test");
  Socket socket = *Socket::open_stream(Address::Family::local);
  ASSERT_TRUE(socket.bind(wanted));

  EXPECT_TRUE(*socket.local_address() == wanted);
  EXPECT_EQ(Socket::open_stream(Address::Family::local)->local_address()->to_string(), "unix:");
}

TEST(Address, of_random_text_parses_or_does_not_but_what_parses_comes_back) {
  std::mt19937 random(11);
  constexpr std::string_view alphabet = "0123456789abf:.[]%@/unix -+";
  std::size_t parsed = 0;
  for (int i = 0; i < 200'000; ++i) {
    std::string text = random() % 4 == 0 ? "unix:" : random() % 3 == 0 ? "[::" : "";
    for (std::size_t n = random() % 16; n > 0; --n) text += alphabet[random() % alphabet.size()];
    const Result<Address> address = Address::parse(text);
    if (!address) continue;
    ++parsed;
    const Result<Address> again = Address::parse(address->to_string());
    ASSERT_TRUE(again) << text;
    ASSERT_TRUE(*again == *address) << text;
  }
  EXPECT_GT(parsed, 1000U);
}

}  // namespace
}  // namespace weir
