// weir: tests of precise timers on a loop.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tests/support/test_world.h"
#include "tests/support/throws.h"
#include "weir/loop/event_loop.h"
#include "weir/loop/timer.h"
#include "weir/sys/calls.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;

const TimerOptions precise{.precise = true};

class PreciseTimers : public SimulatedTest {
 protected:
  EventLoop loop_;
};

TEST_F(PreciseTimers, fire_at_the_very_moment) {
  const TimePoint begin = world().now();
  TimePoint fired{};
  Timer timer(loop_, precise, [&](Timer&) { fired = world().now(); });
  timer.start(1234567ns);
  EXPECT_TRUE(timer.is_armed());

  EXPECT_EQ(*loop_.run(), RunEnd::empty);

  EXPECT_EQ(fired - begin, 1234567ns);
  EXPECT_FALSE(timer.is_armed());
}

TEST_F(PreciseTimers, keep_the_exact_order_of_their_deadlines) {
  std::mt19937 random(5);
  std::vector<std::unique_ptr<Timer>> timers;
  std::vector<Duration> lengths;
  std::vector<Duration> fired;
  for (int i = 0; i < 1000; ++i) {
    const Duration length(random() % 3'000'000);
    lengths.push_back(length);
    timers.push_back(std::make_unique<Timer>(loop_, precise, [&fired, length](Timer&) { fired.push_back(length); }));
    timers.back()->start(length);
  }

  EXPECT_EQ(*loop_.run(), RunEnd::empty);

  std::stable_sort(lengths.begin(), lengths.end());
  EXPECT_EQ(fired, lengths);
}

TEST_F(PreciseTimers, repeat_from_the_deadline_before_without_making_up_for_missed_ones) {
  const TimePoint begin = world().now();
  std::vector<Duration> fired;
  Timer timer(loop_, precise, [&](Timer& t) {
    fired.push_back(world().now() - begin);
    if (fired.size() == 2) world().run_for(250us);  // the callback takes long
    if (fired.size() == 5) t.cancel();
  });
  timer.start_every(100us);

  EXPECT_EQ(*loop_.run(), RunEnd::empty);

  EXPECT_EQ(fired, (std::vector<Duration>{100us, 200us, 450us, 500us, 600us}));
}

TEST_F(PreciseTimers, may_be_destroyed_in_their_own_callback_and_in_those_of_others) {
  std::vector<std::unique_ptr<Timer>> timers(3);
  int fired = 0;
  for (auto& timer : timers) {
    timer = std::make_unique<Timer>(loop_, precise, [&](Timer& self) {
      ++fired;
      const auto own = std::find_if(timers.begin(), timers.end(), [&](const auto& t) { return t.get() == &self; });
      own->reset();
      if (timers[2] != nullptr) timers[2].reset();
    });
    timer->start(1ms);
  }

  EXPECT_EQ(*loop_.run(), RunEnd::empty);

  EXPECT_EQ(fired, 2);
}

TEST_F(PreciseTimers, and_coarse_ones_do_not_starve_each_other_when_one_always_throws) {
  if (!can_throw()) GTEST_SKIP() << "needs exceptions";
  for (const bool is_thrower_precise : {false, true}) {
    int fired = 0;
    Timer thrower(loop_, {.precise = is_thrower_precise}, [](Timer& t) {
      t.start(0ms);
      throw_something();
    });
    Timer other(loop_, {.precise = !is_thrower_precise}, [&](Timer&) { ++fired; });
    thrower.start(0ms);
    other.start(1ms);
    for (int i = 0; i < 20 && fired == 0; ++i) {
      world().run_for(1ms);  // both are due
      throws_something([&] { (void)loop_.run(); });
    }

    EXPECT_EQ(fired, 1) << is_thrower_precise;
  }
}

TEST_F(PreciseTimers, a_loop_that_stops_in_one_fires_the_rest_in_the_next_run) {
  std::string fired;
  Timer first(loop_, precise, [&](Timer&) {
    fired += 'a';
    loop_.break_now();
  });
  Timer second(loop_, precise, [&](Timer&) { fired += 'b'; });
  first.start(1us);
  second.start(1us);

  EXPECT_EQ(*loop_.run(), RunEnd::stopped);
  EXPECT_EQ(fired, "a");
  EXPECT_EQ(*loop_.run(), RunEnd::empty);

  EXPECT_EQ(fired, "ab");
}

TEST(PreciseTimersForReal, are_never_early) {
  const OnRealKernel real;
  EventLoop loop;
  Duration earliest = 1s;
  int left = 50;
  TimePoint started = sys::monotonic_now();
  Timer timer(loop, precise, [&](Timer& t) {
    earliest = std::min(earliest, sys::monotonic_now() - started);
    started = sys::monotonic_now();
    if (--left > 0) t.start(300us);
  });
  timer.start(300us);

  EXPECT_EQ(*loop.run(), RunEnd::empty);

  EXPECT_GE(earliest, 300us);
}

}  // namespace
}  // namespace weir
