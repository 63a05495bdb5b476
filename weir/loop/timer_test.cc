// weir: tests of timers on a loop, most of them in virtual time.
// SPDX-License-Identifier: MIT
#include "weir/loop/timer.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "tests/support/test_world.h"
#include "tests/support/throws.h"
#include "weir/loop/event_loop.h"
#include "weir/sys/calls.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;

class TimerTest : public SimulatedTest {
 protected:
  /// Runs until the loop is empty.
  void run() {
    const Result<RunEnd> end = loop_.run();
    ASSERT_TRUE(end);
    EXPECT_EQ(*end, RunEnd::empty);
  }

  std::uint64_t waits() {
    return world().local().calls(sys::Call::wait_epoll) + world().local().calls(sys::Call::poll);
  }

  EventLoop loop_;
};

TEST_F(TimerTest, fires_once_after_its_time) {
  int fired = 0;
  Timer timer(loop_, [&](Timer&) { ++fired; });
  const TimePoint begin = world().now();
  timer.start(50ms);
  EXPECT_TRUE(timer.is_armed());

  run();

  EXPECT_EQ(fired, 1);
  EXPECT_FALSE(timer.is_armed());
  EXPECT_GE(world().now() - begin, 50ms);
  EXPECT_LE(world().now() - begin, 51ms);
}

TEST_F(TimerTest, never_fires_early_and_hardly_late) {
  std::mt19937 random(3);
  std::vector<std::unique_ptr<Timer>> timers;
  std::size_t fired = 0;
  for (int i = 0; i < 500; ++i) {
    world().run_for(Duration(random() % 1'000'000));
    const Duration after(random() % 3 == 0 ? random() % 5'000'000 : random());  // up to four seconds
    const TimePoint deadline = world().now() + after;
    timers.push_back(std::make_unique<Timer>(loop_, [&, deadline](Timer&) {
      ++fired;
      EXPECT_GE(world().now(), deadline);
      EXPECT_LE(world().now(), deadline + 2ms);  // one of them is the pause before a poll, below
    }));
    timers.back()->start(after);
    (void)loop_.poll();
  }

  run();

  EXPECT_EQ(fired, timers.size());
}

TEST_F(TimerTest, of_the_same_millisecond_fire_in_the_order_of_their_start) {
  std::string order;
  Timer a(loop_, [&](Timer&) { order += 'a'; });
  Timer b(loop_, [&](Timer&) { order += 'b'; });
  Timer c(loop_, [&](Timer&) { order += 'c'; });
  c.start(10ms);
  a.start(10ms);
  b.start(10ms);

  run();

  EXPECT_EQ(order, "cab");
}

// hazard: E13
TEST_F(TimerTest, started_with_nought_in_its_own_callback_fires_in_a_later_turn_and_lets_others_run) {
  std::vector<std::uint64_t> turns;
  int posts = 0;
  Timer timer(loop_, [&](Timer& self) {
    turns.push_back(loop_.counters().turns);
    loop_.post([&] { ++posts; });
    if (turns.size() < 20) self.start(0ns);
  });
  timer.start(-5s);  // less than nought is nought
  const std::uint64_t waits_before = waits();

  ASSERT_TRUE(loop_.run_until([&] { return turns.size() == 20; }));

  for (std::size_t i = 1; i < turns.size(); ++i) EXPECT_GT(turns[i], turns[i - 1]);
  EXPECT_GE(posts, 19);
  EXPECT_LE(waits() - waits_before, 60U);
}

TEST_F(TimerTest, started_with_nought_after_a_long_pause_still_waits_for_a_later_turn) {
  int fired = 0;
  Timer first(loop_, [&](Timer&) {});
  Timer again(loop_, [&](Timer& self) {
    ++fired;
    self.start(0ns);
  });
  first.start(10ms);
  again.start(5ms);

  const std::uint64_t turns_before = loop_.counters().turns;
  ASSERT_TRUE(loop_.run_until([&] {
    world().run_for(300ms);  // the machine is slow to wake up
    return fired >= 10;
  }));

  EXPECT_GE(loop_.counters().turns - turns_before, 10U);
}

TEST_F(TimerTest, repeats_without_drift) {
  std::vector<Duration> times;
  const TimePoint begin = world().now();
  Timer timer(loop_, [&](Timer&) {
    times.push_back(world().now() - begin);
    world().run_for(3ms);  // the callback takes its time
  });
  timer.start_every(10ms);

  ASSERT_TRUE(loop_.run_until([&] { return times.size() == 100; }));

  EXPECT_GE(times.back(), 1000ms);
  EXPECT_LE(times.back(), 1001ms);
}

// hazard: E14
TEST_F(TimerTest, that_repeats_makes_no_burst_after_a_gap_but_goes_on_in_step) {
  std::vector<Duration> times;
  const TimePoint begin = world().now();
  Timer timer(loop_, [&](Timer&) { times.push_back(world().now() - begin); });
  timer.start_every(10ms);
  ASSERT_TRUE(loop_.run_until([&] { return times.size() == 2; }));

  world().run_for(24h);  // the machine slept
  ASSERT_TRUE(loop_.run_until([&] { return times.size() == 4; }));

  EXPECT_GE(times[2], 24h);
  EXPECT_GE(times[3] - times[2], 9ms);
}

TEST_F(TimerTest, a_start_replaces_the_one_before) {
  int fired = 0;
  Timer timer(loop_, [&](Timer&) { ++fired; });
  const TimePoint begin = world().now();
  timer.start_every(1ms);
  timer.start(10ms);
  timer.start(30ms);

  run();

  EXPECT_EQ(fired, 1);
  EXPECT_GE(world().now() - begin, 30ms);
}

TEST_F(TimerTest, cancelled_does_not_fire_until_the_next_start) {
  int fired = 0;
  Timer timer(loop_, [&](Timer&) { ++fired; });
  timer.start(10ms);
  timer.cancel();
  timer.cancel();
  EXPECT_FALSE(timer.is_armed());
  run();
  EXPECT_EQ(fired, 0);

  timer.start(10ms);
  run();

  EXPECT_EQ(fired, 1);
}

TEST_F(TimerTest, cancels_itself_while_it_repeats) {
  int fired = 0;
  Timer timer(loop_, [&](Timer& self) {
    if (++fired == 3) self.cancel();
  });
  timer.start_every(1ms);

  run();

  EXPECT_EQ(fired, 3);
}

TEST_F(TimerTest, of_the_longest_duration_is_armed_and_never_fires) {
  bool has_fired = false;
  Timer once(loop_, [&](Timer&) { has_fired = true; });
  Timer often(loop_, [&](Timer&) { has_fired = true; });
  Timer other(loop_, [&](Timer&) {});
  once.start(Duration::max());
  often.start_every(Duration::max());
  other.start(100h);

  ASSERT_TRUE(loop_.run_until([&] { return !other.is_armed(); }));

  EXPECT_FALSE(has_fired);
  EXPECT_TRUE(once.is_armed());
  once.cancel();
  often.cancel();
  run();
}

// hazard: E13
TEST_F(TimerTest, of_days_fires_to_the_millisecond_and_costs_few_waits) {
  Timer timer(loop_, [](Timer&) {});
  const TimePoint begin = world().now();
  timer.start(30 * 24h);  // far beyond what epoll_wait's milliseconds could hold

  run();

  EXPECT_GE(world().now() - begin, 30 * 24h);
  EXPECT_LE(world().now() - begin, 30 * 24h + 1ms);
  EXPECT_LE(waits(), 50U);
}

TEST_F(TimerTest, replaced_callback_is_what_fires_next) {
  std::string order;
  Timer timer(loop_, [&](Timer& self) {
    order += 'a';
    self.on_fired([&](Timer&) { order += 'b'; });
    self.start(1ms);
  });
  timer.start(1ms);

  run();

  EXPECT_EQ(order, "ab");
}

// hazard: E10
TEST_F(TimerTest, a_callback_that_replaces_itself_keeps_what_it_captured_until_it_returns) {
  std::string seen;
  int later = 0;
  const std::string text = "thirty-two bytes inside the object";
  Timer timer(loop_, [&seen, &later, name = std::make_unique<std::string>(text)](Timer& self) {
    self.on_fired([&later, a = 1L, b = 2L, c = 3L](Timer&) { later += static_cast<int>(a + b + c); });
    self.on_fired([&later, a = 4L, b = 5L, c = 6L](Timer&) { later += static_cast<int>(a + b + c); });
    seen = *name;
    self.start(1ms);
  });
  timer.start(1ms);

  run();

  EXPECT_EQ(seen, text);
  EXPECT_EQ(later, 15);
}

TEST_F(TimerTest, a_callback_replaced_from_elsewhere_lets_go_what_it_captured) {
  auto token = std::make_shared<int>(1);
  Timer timer(loop_, [token](Timer&) {});
  EXPECT_EQ(token.use_count(), 2);

  timer.on_fired([](Timer&) {});

  EXPECT_EQ(token.use_count(), 1);
}

TEST_F(TimerTest, destroyed_in_its_own_callback_fires_no_more_and_keeps_its_captures_till_the_end) {
  std::string seen;
  std::optional<Timer> timer;
  timer.emplace(loop_, [&, name = std::string("captured")](Timer&) {
    timer.reset();
    seen = name;
  });
  timer->start_every(1ms);

  run();

  EXPECT_EQ(seen, "captured");
}

TEST_F(TimerTest, that_throws_leaves_run_and_the_others_fire_in_the_next) {
  if (!can_throw()) GTEST_SKIP() << "needs exceptions";
  int fired = 0;
  Timer first(loop_, [&](Timer&) { throw_something(); });
  Timer second(loop_, [&](Timer&) { ++fired; });
  first.start(5ms);
  second.start(5ms);

  EXPECT_TRUE(throws_something([&] { (void)loop_.run(); }));
  EXPECT_EQ(fired, 0);
  run();

  EXPECT_EQ(fired, 1);
}

TEST(TimerOnTheRealClock, never_fires_early) {
  const OnRealKernel real;
  EventLoop loop;
  std::vector<std::unique_ptr<Timer>> timers;
  for (int i = 0; i < 60; ++i) {
    const Duration after = 350us * i;
    const TimePoint deadline = sys::monotonic_now() + after;
    timers.push_back(std::make_unique<Timer>(loop, [deadline](Timer&) { EXPECT_GE(sys::monotonic_now(), deadline); }));
    timers.back()->start(after);
  }

  ASSERT_TRUE(loop.run());

  for (const auto& timer : timers) EXPECT_FALSE(timer->is_armed());
}

}  // namespace
}  // namespace weir
