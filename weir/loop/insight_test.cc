// weir: tests of what a loop measures and counts, in virtual time: a callback takes as long as it lets pass.
// SPDX-License-Identifier: MIT
#include "weir/loop/insight.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/support/test_sockets.h"
#include "tests/support/test_world.h"
#include "tests/support/throws.h"
#include "weir/loop/deferred_call.h"
#include "weir/loop/event_loop.h"
#include "weir/loop/hook.h"
#include "weir/loop/timer.h"
#include "weir/loop/watch.h"
#include "weir/sys/calls.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;

void work_for(Duration length) { (void)world().run_for(length); }

class LoopInsightTest : public SimulatedTest {
 protected:
  void run() {
    const Result<RunEnd> end = loop_.run();
    ASSERT_TRUE(end);
    EXPECT_EQ(*end, RunEnd::empty);
  }

  EventLoop loop_;
};

TEST_F(LoopInsightTest, measures_each_callback_from_the_end_of_the_one_before) {
  loop_.post([] { work_for(2ms); });
  loop_.post([] { work_for(3ms); });
  loop_.post([] {});
  world().run_for(1s);  // whatever passes outside of the loop's turns is nobody's

  run();

  const LoopInsight insight = loop_.insight();
  EXPECT_EQ(insight.callback_time.count(), 3U);
  EXPECT_EQ(insight.callback_time.max(), 3ms);
  EXPECT_EQ(insight.callback_time.total(), 5ms);
}

TEST_F(LoopInsightTest, measures_a_turn_from_the_end_of_the_wait_to_the_end_of_the_last_callback) {
  Timer timer(loop_, {.precise = true}, [&](Timer&) {
    work_for(2ms);
    loop_.post([] { work_for(3ms); });
  });
  timer.start(10ms);

  run();

  const LoopInsight insight = loop_.insight();
  EXPECT_EQ(insight.turn_time.max(), 5ms);
  EXPECT_EQ(insight.turn_time.total(), 5ms);
  EXPECT_EQ(insight.turn_time.count(), insight.counters.turns);
}

TEST_F(LoopInsightTest, tasks_with_names_are_told_apart_and_a_name_is_for_one_task) {
  loop_.post("rotate the log", [] { work_for(5ms); });
  loop_.post([] { work_for(4ms); });
  loop_.post("count", [] { work_for(3ms); });
  loop_.post("rotate the log", [] { work_for(2ms); });

  run();

  const SlowestCallbacks& slowest = loop_.insight().slowest;
  ASSERT_EQ(slowest.size(), 3U);
  EXPECT_EQ(slowest[0].name(), "rotate the log");
  EXPECT_EQ(slowest[0].duration, 5ms);
  EXPECT_EQ(slowest[1].name(), "");
  EXPECT_EQ(slowest[1].duration, 4ms);
  EXPECT_EQ(slowest[2].name(), "count");
  for (const SlowCallback& slow : slowest) EXPECT_EQ(slow.kind, ObjectKind::post);
}

TEST_F(LoopInsightTest, callbacks_that_let_no_time_pass_take_none) {
  Timer timer(loop_, [](Timer&) {});
  timer.start(10ms);
  for (int i = 0; i < 100; ++i) loop_.post([] {});

  run();

  EXPECT_EQ(loop_.insight().callback_time.count(), 101U);
  EXPECT_EQ(loop_.insight().callback_time.total(), 0ns);
  EXPECT_EQ(loop_.insight().turn_time.total(), 0ns);
  EXPECT_TRUE(loop_.insight().slowest.is_empty());
}

TEST_F(LoopInsightTest, a_hook_before_the_wait_is_a_callback_and_no_part_of_the_turn) {
  const Hook before(loop_, HookPoint::before_wait, [] { work_for(5ms); });
  const Hook after(loop_, HookPoint::after_wait, [] { work_for(1ms); });
  loop_.post([] {});

  run();

  EXPECT_EQ(loop_.insight().callback_time.max(), 5ms);
  EXPECT_EQ(loop_.insight().turn_time.max(), 1ms);
}

TEST_F(LoopInsightTest, lateness_is_counted_from_the_moment_that_was_asked_for) {
  Timer first(loop_, {.precise = true}, [](Timer&) { work_for(5ms); });
  Timer second(loop_, {.precise = true}, [](Timer&) {});
  first.start(10ms);
  second.start(12ms);

  run();

  const LoopInsight insight = loop_.insight();
  EXPECT_EQ(insight.timer_lateness.count(), 2U);
  EXPECT_EQ(insight.timer_lateness.max(), 3ms);
  EXPECT_EQ(insight.timer_lateness.total(), 3ms) << "the first was on time";
  EXPECT_EQ(insight.counters.timers, 2U);
}

TEST_F(LoopInsightTest, lateness_is_also_that_of_a_watchs_timeout) {
  const Pair pair = unix_pair();
  int timeouts = 0;
  auto watch = Watch::start(loop_, pair.near.number(), {.interest = {.readable = true}, .timeout = 10ms},
                            [&](Readiness now) { timeouts += now.timed_out ? 1 : 0; });
  ASSERT_TRUE(watch);
  Timer busy(loop_, {.precise = true}, [](Timer&) { work_for(25ms); });
  busy.start(8ms);

  ASSERT_TRUE(loop_.run_until([&] { return timeouts == 1; }));

  EXPECT_EQ(loop_.insight().counters.timers, 1U);
  EXPECT_EQ(loop_.insight().timer_lateness.count(), 2U);
  EXPECT_GE(loop_.insight().timer_lateness.max(), 22ms);
}

TEST_F(LoopInsightTest, lateness_of_a_coarse_timer_includes_its_rounding) {
  Timer timer(loop_, [](Timer&) {});
  timer.start(10'300us);

  run();

  EXPECT_GT(loop_.insight().timer_lateness.max(), 0ns);
  EXPECT_LE(loop_.insight().timer_lateness.max(), 1ms);
}

TEST_F(LoopInsightTest, lateness_of_a_repeated_timer_is_that_of_the_round) {
  int fired = 0;
  Timer timer(loop_, {.precise = true}, [&](Timer& own) {
    if (++fired == 3) own.cancel();
    work_for(14ms);  // the next one is 4 ms late by then
  });
  timer.start_every(10ms);

  run();

  EXPECT_EQ(loop_.insight().timer_lateness.count(), 3U);
  EXPECT_EQ(loop_.insight().timer_lateness.max(), 8ms);
}

TEST_F(LoopInsightTest, post_delay_is_that_of_the_oldest_of_a_batch) {
  loop_.post([] {});
  world().run_for(7ms);
  loop_.post([] {});

  run();

  EXPECT_EQ(loop_.insight().post_delay.count(), 1U);
  EXPECT_EQ(loop_.insight().post_delay.max(), 7ms);
  EXPECT_EQ(loop_.insight().counters.posts, 2U);
}

TEST_F(LoopInsightTest, post_delay_ends_where_the_batch_begins_and_not_where_the_turn_does) {
  Timer timer(loop_, {.precise = true}, [&](Timer&) {
    loop_.post([] { work_for(20ms); });
    work_for(3ms);
  });
  timer.start(1ms);

  run();

  EXPECT_EQ(loop_.insight().post_delay.max(), 3ms);
}

TEST_F(LoopInsightTest, a_batch_that_one_call_has_posted_is_dated) {
  Callback<void()> tasks[3] = {[] {}, [] {}, [] {}};
  loop_.post_batch(tasks);
  world().run_for(2ms);

  run();

  EXPECT_EQ(loop_.insight().post_delay.count(), 1U);
  EXPECT_EQ(loop_.insight().post_delay.max(), 2ms);
}

TEST_F(LoopInsightTest, counts_turns_sleeps_and_wakes) {
  Timer timer(loop_, [&](Timer&) { loop_.post([] {}); });  // inside of a turn: no wake is needed
  timer.start(10ms);
  world().after(5ms, [&] { loop_.post([] {}); });

  run();

  const LoopCounters counters = loop_.counters();
  EXPECT_EQ(counters.wakes, 1U);
  EXPECT_EQ(counters.sleeps, 2U);
  EXPECT_EQ(counters.turns, 2U);
  EXPECT_EQ(counters.timers, 1U);
  EXPECT_EQ(counters.posts, 2U);
  EXPECT_EQ(counters.callbacks, 3U);
}

TEST_F(LoopInsightTest, counts_what_came_since_an_earlier_one) {
  loop_.post([] { work_for(1s); });
  run();
  const LoopInsight before = loop_.insight();
  loop_.post([] { work_for(1ms); });
  run();

  const LoopInsight since = loop_.insight().since(before);

  EXPECT_EQ(since.counters.posts, 1U);
  EXPECT_EQ(since.counters.callbacks, 1U);
  EXPECT_EQ(since.callback_time.count(), 1U);
  EXPECT_EQ(since.callback_time.total(), 1ms);
  EXPECT_LT(since.callback_time.max(), 1100us);
}

TEST_F(LoopInsightTest, of_several_loops_adds_up) {
  EventLoop other;
  loop_.post([] { work_for(1ms); });
  other.post([] { work_for(4ms); });
  other.post([] {});
  run();
  ASSERT_TRUE(other.run());

  LoopInsight all = loop_.insight();
  all += other.insight();

  EXPECT_EQ(all.counters.posts, 3U);
  EXPECT_EQ(all.counters.turns, 2U);
  EXPECT_EQ(all.callback_time.count(), 3U);
  EXPECT_EQ(all.turn_time.max(), 4ms);
  EXPECT_EQ(all.post_delay.count(), 2U);
  ASSERT_EQ(all.slowest.size(), 2U);
  EXPECT_EQ(all.slowest[0].duration, 4ms);
  EXPECT_EQ(all.slowest[1].duration, 1ms);
}

TEST_F(LoopInsightTest, a_turn_that_was_cut_short_is_measured_in_its_parts) {
  loop_.post([&] {
    work_for(2ms);
    loop_.break_now();
  });
  loop_.post([] { work_for(3ms); });
  EXPECT_EQ(*loop_.run(), RunEnd::stopped);
  world().run_for(1s);

  run();

  EXPECT_EQ(loop_.insight().turn_time.total(), 5ms);
  EXPECT_EQ(loop_.insight().callback_time.total(), 5ms);
  EXPECT_EQ(loop_.insight().turn_time.max(), 3ms);
}

TEST_F(LoopInsightTest, what_throws_is_measured_too) {
  if (!can_throw()) GTEST_SKIP() << "needs exceptions";
  loop_.post([] {
    work_for(2ms);
    throw_something();
  });
  loop_.post([] { work_for(1ms); });
  EXPECT_TRUE(throws_something([&] { (void)loop_.run(); }));
  world().run_for(1s);

  run();

  EXPECT_EQ(loop_.insight().callback_time.total(), 3ms);
  EXPECT_EQ(loop_.insight().turn_time.total(), 3ms);
  EXPECT_EQ(loop_.insight().counters.posts, 2U);
}

// --- the slowest callbacks ---

TEST_F(LoopInsightTest, lists_the_slowest_first_by_name_also_when_they_are_gone) {
  auto timer = std::make_unique<Timer>(loop_, TimerOptions{.precise = true}, [](Timer&) { work_for(5ms); });
  timer->set_name("reports");
  timer->start(1ms);
  DeferredCall flush(loop_, [] { work_for(7ms); });
  flush.set_name("flush");
  flush.schedule();
  loop_.post([] { work_for(6ms); });
  run();
  timer.reset();

  const SlowestCallbacks slowest = loop_.insight().slowest;

  ASSERT_EQ(slowest.size(), 3U);
  EXPECT_EQ(slowest[0].name(), "flush");
  EXPECT_EQ(slowest[0].kind, ObjectKind::deferred_call);
  EXPECT_EQ(slowest[0].duration, 7ms);
  EXPECT_EQ(slowest[1].name(), "");
  EXPECT_EQ(slowest[1].kind, ObjectKind::post);
  EXPECT_EQ(slowest[2].name(), "reports");
  EXPECT_EQ(slowest[2].kind, ObjectKind::timer);
  EXPECT_EQ(slowest[2].ended, world().now());
}

TEST_F(LoopInsightTest, lists_an_object_once_with_its_longest) {
  const Duration lengths[] = {3ms, 9ms, 4ms};
  std::size_t next = 0;
  Timer timer(loop_, {.precise = true}, [&](Timer& own) {
    work_for(lengths[next++]);
    if (next < std::size(lengths)) own.start(1ms);
  });
  timer.start(1ms);

  run();

  const SlowestCallbacks slowest = loop_.insight().slowest;
  ASSERT_EQ(slowest.size(), 1U);
  EXPECT_EQ(slowest[0].duration, 9ms);
}

TEST_F(LoopInsightTest, lists_the_eight_slowest_of_many) {
  std::vector<std::unique_ptr<Timer>> timers;
  for (int i = 1; i <= 20; ++i) {
    const Duration length = ((i * 7) % 20 + 1) * 1ms;
    timers.push_back(
        std::make_unique<Timer>(loop_, TimerOptions{.precise = true}, [length](Timer&) { work_for(length); }));
    timers.back()->start(1ms);
  }

  run();

  const SlowestCallbacks slowest = loop_.insight().slowest;
  ASSERT_EQ(slowest.size(), SlowestCallbacks::most);
  for (std::size_t i = 0; i < slowest.size(); ++i) EXPECT_EQ(slowest[i].duration, (20 - static_cast<int>(i)) * 1ms);
}

TEST_F(LoopInsightTest, lists_nothing_that_took_fifty_microseconds_or_less) {
  loop_.post([] { work_for(50us); });
  run();
  EXPECT_TRUE(loop_.insight().slowest.is_empty());

  loop_.post([] { work_for(51us); });
  run();

  EXPECT_EQ(loop_.insight().slowest.size(), 1U);
}

TEST_F(LoopInsightTest, begins_the_list_anew_when_asked_to) {
  loop_.post([] { work_for(9ms); });
  run();
  loop_.forget_slowest();
  EXPECT_TRUE(loop_.insight().slowest.is_empty());

  loop_.post([] { work_for(1ms); });
  run();

  ASSERT_EQ(loop_.insight().slowest.size(), 1U);
  EXPECT_EQ(loop_.insight().slowest[0].duration, 1ms);
}

TEST_F(LoopInsightTest, long_names_are_cut_in_the_list) {
  Timer timer(loop_, [](Timer&) { work_for(1ms); });
  timer.set_name(std::string(100, 'n'));
  timer.start(1ms);

  run();

  EXPECT_EQ(loop_.insight().slowest[0].name(), std::string(SlowCallback::most_name_bytes, 'n'));
}

TEST_F(LoopInsightTest, names_a_watch_with_its_descriptor) {
  const Pair pair = unix_pair();
  auto watch = Watch::start(loop_, pair.near.number(), {.readable = true}, [&](Readiness) {
    work_for(2ms);
    loop_.stop();
  });
  ASSERT_TRUE(watch);
  watch->set_name("control");
  ASSERT_TRUE(sys::send(pair.far.number(), as_bytes("x")));

  ASSERT_TRUE(loop_.run());

  const SlowestCallbacks slowest = loop_.insight().slowest;
  ASSERT_EQ(slowest.size(), 1U);
  EXPECT_EQ(slowest[0].name(), "control");
  EXPECT_EQ(slowest[0].kind, ObjectKind::watch);
  EXPECT_EQ(slowest[0].descriptor, pair.near.number());
}

}  // namespace
}  // namespace weir
