// weir: tests of how soon a peer that takes nothing is cut, where the system has room that it does not report.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <memory>

#include "tests/support/stream_support.h"
#include "tests/support/test_world.h"
#include "weir/loop/event_loop.h"
#include "weir/loop/timer.h"
#include "weir/stream/stream.h"
#include "weir/sys/calls.h"
#include "weir/sys/fault_kernel.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;

/// A stream over TCP whose peer has taken a little of what waits: too little for the system to report the room.
class StreamStall : public testing::Test {
 protected:
  void open(TimeLimits limits, std::size_t taken) {
    connection = connect(loop, {.time_limits = limits}, Transport::tcp, {.send = 100'000}, {.receive = 4096});
    record(*connection, told);
    connection->write(pattern(1_MiB));
    settle(loop);
    connection.peer.receive(taken);
    settle(loop);
    start = sys::monotonic_now();
  }

  Duration until_closed() {
    EXPECT_TRUE(loop.run_until([&] { return told.closed > 0; }));
    return sys::monotonic_now() - start;
  }

  sys::FaultKernel kernel;
  EventLoop loop;
  Record told;
  Connection connection;
  TimePoint start;
};

TEST_F(StreamStall, ends_little_after_the_limit_whatever_room_is_left_in_the_system) {
  for (const std::size_t taken : {0U, 1U, 4'000U, 20'000U, 60'000U}) {
    told = {};
    open({.write = 800ms}, taken);

    const Duration elapsed = until_closed();

    EXPECT_EQ(told.error, errc::write_timed_out);
    EXPECT_GE(elapsed, 750ms) << taken;
    EXPECT_LE(elapsed, 920ms + (is_simulated() ? 2ms : 150ms)) << taken;
  }
}

TEST_F(StreamStall, is_none_while_the_peer_takes_a_little_in_each_of_its_limits) {
  if (!is_simulated()) GTEST_SKIP() << "needs a peer whose system tells of the smallest room";
  open({.write = 200ms}, 0);
  int rounds = 0;
  Timer taking(loop, [&](Timer&) {
    connection.peer.receive(2'500);
    if (++rounds == 20) loop.stop();
  });
  taking.start_every(150ms);

  ASSERT_TRUE(loop.run());

  EXPECT_EQ(told.closed, 0);
}

/// The worst moment to take something is right after the stream has tried, and the whole of it must count until then.
TEST_F(StreamStall, is_none_when_the_peer_takes_something_after_the_first_try) {
  open({.write = 800ms}, 0);
  Timer taking(loop, [&](Timer&) { connection.peer.receive(20'000); });
  taking.start(300ms);

  const Duration elapsed = until_closed();

  EXPECT_EQ(told.error, errc::write_timed_out);
  EXPECT_GE(elapsed, 1100ms);
}

TEST_F(StreamStall, that_is_short_costs_no_try) {
  if (!is_simulated()) GTEST_SKIP() << "needs virtual time";
  open({.write = 800ms}, 0);
  const std::uint64_t before = kernel.calls(sys::Call::send);
  loop.stop_after(90ms);
  ASSERT_TRUE(loop.run());
  EXPECT_EQ(kernel.calls(sys::Call::send), before);

  loop.stop_after(600ms);
  ASSERT_TRUE(loop.run());
  EXPECT_LE(kernel.calls(sys::Call::send), before + 2) << "one try, and what tells it that there is no more room";

  connection->abort();
}

}  // namespace
}  // namespace weir
