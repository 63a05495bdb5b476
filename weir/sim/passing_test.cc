// weir: tests of descriptors under way on a simulated host: what a conformance script cannot show.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <span>
#include <vector>

#include "tests/support/sim_support.h"
#include "weir/base/bytes.h"
#include "weir/sys/calls.h"

namespace weir::sim {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;

class PassingTest : public testing::Test {
 protected:
  std::array<int, 2> pair() {
    std::array<int, 2> ends{};
    host.run([&] { EXPECT_TRUE(sys::create_socket_pair(AF_UNIX, SOCK_STREAM, ends)); });
    return ends;
  }

  sys::CallResult pass(int socket, std::span<const int> passed) {
    std::array<char, 1> byte{'x'};
    const iovec piece{.iov_base = byte.data(), .iov_len = 1};
    return sys::send_with_descriptors(socket, {&piece, 1}, passed);
  }

  World world;
  Host& host = world.add_host("host");
};

TEST_F(PassingTest, no_more_are_under_way_than_may_be_open) {
  host.set_descriptor_limit(300);
  const auto [left, right] = pair();
  const std::vector<int> many(sys::PassedDescriptors::most, left);

  EXPECT_TRUE(pass(left, many));
  EXPECT_TRUE(pass(left, many));  // Linux looks at those that are under way already
  EXPECT_EQ(pass(left, many).error_number(), ETOOMANYREFS);
  EXPECT_TRUE(pass(left, {}));

  std::array<std::byte, 8> bytes{};
  EXPECT_EQ(sys::receive(right, bytes).count(), 1U);
  EXPECT_TRUE(pass(left, many));
  EXPECT_TRUE(sys::close(left));
  EXPECT_TRUE(sys::close(right));
}

TEST_F(PassingTest, a_crash_closes_what_is_under_way_in_itself) {
  const auto [left, right] = pair();
  EXPECT_TRUE(pass(left, std::array{left, right}));
  EXPECT_TRUE(pass(right, std::array{left, right}));

  host.crash();  // LeakSanitizer tells if not

  EXPECT_EQ(host.open_descriptors(), 0U);
  EXPECT_EQ(sys::close(left).error_number(), EBADF);
}

TEST_F(PassingTest, a_descriptor_of_another_host_is_none_here) {
  Host& stranger = world.add_host("stranger");
  const auto [left, right] = pair();
  const int theirs = stranger.run([] { return sys::create_event_counter().number(); });

  EXPECT_EQ(pass(left, std::array{theirs}).error_number(), EBADF);

  for (const int number : {left, right, theirs}) EXPECT_TRUE(sys::close(number));
}

}  // namespace
}  // namespace weir::sim
