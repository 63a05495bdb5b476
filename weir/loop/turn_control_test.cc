// weir: tests of what steers a loop's turns: breaking off, going on at once, stopping later, hooks, batches of posts.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/loop_fixture.h"
#include "tests/support/test_world.h"
#include "tests/support/throws.h"
#include "weir/loop/hook.h"
#include "weir/loop/timer.h"
#include "weir/loop/watch.h"
#include "weir/sys/fault_kernel.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;

class TurnControl : public LoopTest {};

TEST_F(TurnControl, break_now_returns_behind_the_running_callback_and_the_rest_comes_first_in_the_next_run) {
  const Pair first = unix_pair();
  const Pair second = unix_pair();
  std::string order;
  const auto note = [&](char name) {
    return [&, name](Readiness) {
      order += name;
      loop_.break_now();
      order += '-';
    };
  };
  const auto a = Watch::start(loop_, first.near.number(), {.writable = true}, note('a'));
  const auto b = Watch::start(loop_, second.near.number(), {.writable = true}, note('b'));
  Timer timer(loop_, [&](Timer&) { order += 't'; });
  timer.start(0ms);
  loop_.post([&] { order += 'p'; });

  EXPECT_EQ(*loop_.run(), RunEnd::stopped);
  EXPECT_EQ(order, "a-");
  EXPECT_EQ(*loop_.run(), RunEnd::stopped);

  EXPECT_EQ(order, "a-b-");
}

TEST_F(TurnControl, break_now_cuts_timers_posts_and_deferred_work_where_it_is_called) {
  std::string order;
  for (const char name : {'1', '2', '3'}) {
    loop_.post([&, name] {
      order += name;
      if (name != '3') loop_.break_now();
    });
  }

  EXPECT_EQ(*loop_.run(), RunEnd::stopped);
  EXPECT_EQ(order, "1");
  EXPECT_EQ(*loop_.run(), RunEnd::stopped);
  EXPECT_EQ(order, "12");
  EXPECT_EQ(*loop_.run(), RunEnd::empty);
  EXPECT_EQ(order, "123");

  Timer first(loop_, [&](Timer&) {
    order += 'a';
    loop_.break_now();
  });
  Timer second(loop_, [&](Timer&) { order += 'b'; });
  first.start(1ms);
  second.start(1ms);
  EXPECT_EQ(*loop_.run(), RunEnd::stopped);
  EXPECT_EQ(order, "123a");
  EXPECT_EQ(*loop_.run(), RunEnd::empty);
  EXPECT_EQ(order, "123ab");
}

TEST_F(TurnControl, break_now_outside_of_a_callback_does_nothing) {
  bool has_run = false;
  loop_.post([&] { has_run = true; });

  loop_.break_now();

  EXPECT_EQ(*loop_.run(), RunEnd::empty);
  EXPECT_TRUE(has_run);
}

TEST_F(TurnControl, continue_now_serves_what_has_come_meanwhile_before_the_rest) {
  const Pair first = unix_pair();
  const Pair second = unix_pair();
  const Pair late = unix_pair();
  std::string order;
  const auto urgent = Watch::start(loop_, late.near.number(), {.readable = true}, [&](Readiness) {
    order += 'u';
    (void)read_some(late.near);
  });
  const auto begin = [&](char name) {
    return [&, name](Readiness) {
      order += name;
      if (order.size() != 1) return;
      EXPECT_EQ(write_some(late.far, "x"), 1U);
      loop_.continue_now();
    };
  };
  const WatchOptions once{.interest = {.writable = true}, .mode = WatchMode::one_shot};
  const auto a = Watch::start(loop_, first.near.number(), once, begin('a'));
  const auto b = Watch::start(loop_, second.near.number(), once, begin('b'));

  ASSERT_EQ(*loop_.run_once(), RunEnd::turn);
  EXPECT_EQ(order.size(), 1U);
  ASSERT_EQ(*loop_.run_once(), RunEnd::turn);

  ASSERT_EQ(order.size(), 3U);
  EXPECT_EQ(order[1], 'u');
}

TEST_F(TurnControl, stop_after_ends_a_loop_that_has_much_to_do_and_one_that_has_nothing) {
  if (!is_simulated()) GTEST_SKIP() << "needs virtual time";
  const TimePoint begin = loop_.now();
  loop_.stop_after(1h);
  loop_.stop_after(20ms);
  EXPECT_EQ(*loop_.run(), RunEnd::stopped);
  EXPECT_GE(loop_.now() - begin, 20ms);
  EXPECT_LE(loop_.now() - begin, 22ms);

  Timer often(loop_, [](Timer&) {});
  often.start_every(1ms);
  loop_.stop_after(20ms);
  EXPECT_EQ(*loop_.run(), RunEnd::stopped);
}

TEST_F(TurnControl, hooks_are_called_in_order_around_the_wait_of_every_turn) {
  std::string order;
  const Hook one(loop_, HookPoint::before_wait, [&] { order += '1'; });
  const Hook two(loop_, HookPoint::before_wait, [&] { order += '2'; });
  const Hook after(loop_, HookPoint::after_wait, [&] { order += 'a'; });
  EXPECT_EQ(*loop_.run(), RunEnd::empty) << "hooks alone are nothing to wait for";
  loop_.post([&] { order += 'p'; });

  EXPECT_EQ(*loop_.poll(), RunEnd::turn);

  EXPECT_EQ(order, "12ap");
}

TEST_F(TurnControl, what_a_hook_posts_keeps_the_loop_from_waiting) {
  bool has_run = false;
  std::optional<Hook> hook;
  hook.emplace(loop_, HookPoint::before_wait, [&] {
    loop_.post([&] { has_run = true; });
    hook.reset();
  });
  Timer far(loop_, [](Timer&) {});
  far.start(1h);

  ASSERT_EQ(*loop_.run_once(), RunEnd::turn);

  EXPECT_TRUE(has_run);
}

// hazard: E10
TEST_F(TurnControl, hooks_end_each_other_begin_others_and_replace_themselves) {
  std::string order;
  std::optional<Hook> first, second, third;
  first.emplace(loop_, HookPoint::before_wait, [&, name = std::make_unique<char>('1')] {
    second.reset();
    if (!third) third.emplace(loop_, HookPoint::before_wait, [&] { order += '3'; });
    first->on_turn([&] { order += 'r'; });
    order += *name;
  });
  second.emplace(loop_, HookPoint::before_wait, [&] { order += '2'; });
  Timer far(loop_, [](Timer&) {});
  far.start(1h);

  ASSERT_TRUE(loop_.poll());
  EXPECT_EQ(order, "1");
  ASSERT_TRUE(loop_.poll());

  EXPECT_EQ(order, "1r3");
}

TEST_F(TurnControl, a_hook_that_throws_leaves_run_and_those_behind_it_are_called_in_the_next_turn) {
  if (!can_throw()) GTEST_SKIP() << "needs exceptions";
  int calls = 0;
  const Hook thrower(loop_, HookPoint::before_wait, [&] { throw_something(); });
  const Hook other(loop_, HookPoint::before_wait, [&] { ++calls; });
  Timer far(loop_, [](Timer&) {});
  far.start(1h);

  EXPECT_TRUE(throws_something([&] { (void)loop_.poll(); }));
  EXPECT_TRUE(throws_something([&] { (void)loop_.poll(); }));

  EXPECT_EQ(calls, 1);
}

TEST_F(TurnControl, refresh_now_makes_a_long_turn_see_the_time) {
  if (!is_simulated()) GTEST_SKIP() << "needs virtual time";
  loop_.post([&] {
    const TimePoint before = loop_.now();
    world().run_for(5ms);
    EXPECT_EQ(loop_.now(), before);
    loop_.refresh_now();
    EXPECT_EQ(loop_.now() - before, 5ms);
  });
  ASSERT_TRUE(loop_.run());
}

TEST_F(TurnControl, a_batch_of_posts_runs_in_order_for_one_wake) {
  sys::FaultKernel kernel;
  const sys::ScopedKernel installed(kernel);
  EventLoop loop;
  std::string order;
  std::vector<Callback<void()>> tasks;
  for (const char name : {'a', 'b', 'c', 'd'}) tasks.emplace_back([&order, name] { order += name; });
  loop.post([&] { order += '0'; });
  loop.post_batch(tasks);
  loop.post([&] { order += '1'; });
  loop.post_batch({});

  EXPECT_EQ(*loop.run(), RunEnd::empty);

  EXPECT_EQ(order, "0abcd1");
}

TEST_F(TurnControl, a_batch_that_comes_when_the_loop_is_gone_is_destroyed) {
  const auto captured = std::make_shared<int>(0);
  std::array<Callback<void()>, 3> tasks;
  for (auto& task : tasks) task = [captured] {};
  PostQueueRef queue;
  {
    EventLoop loop;
    queue = loop.post_queue();
  }

  EXPECT_FALSE(queue->push_all(tasks));

  EXPECT_EQ(captured.use_count(), 1);
}

}  // namespace
}  // namespace weir
