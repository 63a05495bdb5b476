// weir: tests of connections that come from an address of the program's choice.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/loop_fixture.h"
#include "tests/support/option_value.h"
#include "tests/support/test_world.h"
#include "weir/net/connector.h"
#include "weir/net/listener.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;

class LocalAddress : public testing::Test {
 protected:
  /// Connects to `address`, and waits for what comes of it.
  static Result<Socket> connect(const Address& address, const ConnectOptions& options) {
    EventLoop loop;
    Result<Socket> outcome = errc::canceled;
    int calls = 0;
    const Connector connector = Connector::start(loop, address, options, [&](Result<Socket> socket) {
      ++calls;
      outcome = std::move(socket);
    });
    EXPECT_EQ(calls, 0) << "never called at once";
    EXPECT_EQ(*loop.run(), RunEnd::empty);
    EXPECT_EQ(calls, 1);
    return outcome;
  }
  static Result<Socket> connect(const ListeningSocket& to, std::string_view from, bool reuse_address = false) {
    return connect(Address(to.name), {.local_address = *Address::parse(from), .reuse_address = reuse_address});
  }
  static Address without_port(const Address& address) {
    const std::string text = address.to_string();
    return *Address::parse(text.substr(0, text.rfind(':')) + ":0");
  }
};

TEST_F(LocalAddress, is_where_the_connection_comes_from) {
  const ListeningSocket listening;

  const Result<Socket> socket = connect(listening, "127.0.0.2:0");

  ASSERT_TRUE(socket) << socket.error().message();
  EXPECT_TRUE(without_port(*socket->local_address()) == *Address::parse("127.0.0.2:0"));
  EXPECT_NE(socket->local_address()->port(), 0);
}

TEST_F(LocalAddress, of_ipv6) {
  if (!Socket::open_stream(Address::Family::v6)) GTEST_SKIP() << "no IPv6 here";
  EventLoop loop;
  const auto listener = Listener::open(loop, *Address::parse("[::1]:0"), {}, [](Socket, const Address&) {});
  ASSERT_TRUE(listener);

  const Result<Socket> socket = connect(listener->address(), {.local_address = *Address::parse("[::1]:0")});

  ASSERT_TRUE(socket) << socket.error().message();
  EXPECT_EQ(option_value(socket->number(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT), 1);
}

TEST_F(LocalAddress, with_a_port_is_taken_as_it_is) {
  const ListeningSocket listening;
  const ListeningSocket elsewhere;
  const std::string from = Address(elsewhere.name).to_string();

  const Result<Socket> taken = connect(listening, from);
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error(), std::errc::address_in_use);

  const Result<Socket> beside = connect(listening, "127.0.0.2" + from.substr(from.rfind(':')));
  ASSERT_TRUE(beside) << beside.error().message();
  EXPECT_EQ(beside->local_address()->port(), Address(elsewhere.name).port());
}

TEST_F(LocalAddress, can_have_several_connections_that_reuse_it) {
  const ListeningSocket first;
  const ListeningSocket second;
  const std::string from = "127.0.0.2:" + std::to_string(Address(second.name).port());  // a port that nobody has there

  const Result<Socket> one = connect(first, from, true);
  EXPECT_EQ(connect(second, from).error(), std::errc::address_in_use);
  const Result<Socket> other = connect(second, from, true);

  ASSERT_TRUE(one) << one.error().message();
  ASSERT_TRUE(other) << other.error().message();
  EXPECT_TRUE(*other->local_address() == *one->local_address());
}

TEST_F(LocalAddress, that_is_none_of_this_machines_is_an_error) {
  const ListeningSocket listening;

  const Result<Socket> socket = connect(listening, "192.0.2.1:0");

  ASSERT_FALSE(socket);
  EXPECT_EQ(socket.error(), std::errc::address_not_available);
}

TEST_F(LocalAddress, of_another_family_is_an_error) {
  const ListeningSocket listening;

  EXPECT_FALSE(connect(listening, "[::1]:0"));
  EXPECT_FALSE(connect(listening, "unix:@weir-another-family"));
}

TEST_F(LocalAddress, names_a_unix_client) {
  EventLoop loop;
  Address seen;
  const auto listener = Listener::open(loop, *Address::parse("unix:@weir-local-address"), {},
                                       [&](Socket, const Address& peer) { seen = peer; });
  ASSERT_TRUE(listener);
  const Address name = *Address::parse("unix:@weir-local-client");

  const Result<Socket> socket = connect(listener->address(), {.local_address = name});

  ASSERT_TRUE(socket) << socket.error().message();
  ASSERT_TRUE(loop.run_until([&] { return seen.family() != Address::Family::none; }));
  EXPECT_TRUE(seen == name);
}

TEST_F(LocalAddress, without_a_port_needs_one_for_each_peer_only) {
  if (!is_simulated()) GTEST_SKIP() << "needs a machine with few ports";
  sim::Host& server = world().add_host("server");
  sim::Host& client = world().add_host("client", {.first_ephemeral_port = 50'000, .last_ephemeral_port = 50'001});
  std::vector<Listener> listeners;
  for (std::uint16_t port = 80; port < 83; ++port) {
    listeners.push_back(server.run(
        [&] { return *Listener::open(server.loop(), server.address(port), {}, [](Socket, const Address&) {}); }));
  }
  std::vector<Result<Socket>> outcomes;
  std::vector<Connector> connectors;
  for (const Listener& listener : listeners) {
    for (int i = 0; i < 2; ++i) {
      connectors.push_back(client.run([&] {
        return Connector::start(client.loop(), listener.address(), {.local_address = client.address(0)},
                                [&](Result<Socket> socket) { outcomes.push_back(std::move(socket)); });
      }));
    }
  }

  (void)world().run_for(1s);

  ASSERT_EQ(outcomes.size(), 6U);
  for (const Result<Socket>& outcome : outcomes) EXPECT_TRUE(outcome) << outcome.error().message();
}

}  // namespace
}  // namespace weir
