// weir: tests of a loop that gives memory back to the system when its pool no longer needs it.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "tests/support/test_world.h"
#include "weir/loop/event_loop.h"
#include "weir/loop/timer.h"
#include "weir/sys/calls.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;

class PoolTrimTest : public SimulatedTest {
 protected:
  /// Takes and releases half of the pool.
  void burst() {
    std::vector<Block> blocks;
    for (int i = 0; i < 512; ++i) blocks.push_back(pool_.allocate(64_KiB));
  }

  /// What is neither in use nor in the thread's cache.
  std::size_t idle() const {
    const PoolStats stats = pool_.stats();
    return stats.idle - stats.cached;
  }

  std::uint64_t waits() {
    return world().local().calls(sys::Call::wait_epoll) + world().local().calls(sys::Call::poll);
  }

  Pool pool_{{.limit = 512_MiB, .cached = true}};
  EventLoop loop_{{.pool = &pool_}};
};

TEST_F(PoolTrimTest, a_loop_with_nothing_to_do_wakes_to_give_back_what_a_burst_has_left_and_then_sleeps) {
  Timer far(loop_, [](Timer&) {});
  far.start(1h);
  burst();
  ASSERT_GE(idle(), 8_MiB);
  std::size_t idle_after_seconds = unlimited;
  Timer look(loop_, [&](Timer&) {
    idle_after_seconds = idle();
    burst();
  });
  look.start(4s);
  const std::uint64_t waits_before = waits();

  ASSERT_TRUE(loop_.run());  // an hour

  EXPECT_EQ(idle_after_seconds, 0U);
  EXPECT_EQ(idle(), 0U);
  EXPECT_LE(waits() - waits_before, 40U) << "a far timer takes some turns by itself";
}

TEST_F(PoolTrimTest, a_busy_loop_keeps_what_it_uses_each_second) {
  std::size_t least_idle = unlimited;
  int left = 20;
  Timer often(loop_, [&](Timer& timer) {
    burst();
    least_idle = std::min(least_idle, idle());
    if (--left == 0) timer.cancel();
  });
  often.start_every(500ms);

  ASSERT_TRUE(loop_.run());

  EXPECT_GE(least_idle, 8_MiB);
}

}  // namespace
}  // namespace weir
