// weir: tests of turns that are longer than they should be, in virtual time.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/support/test_world.h"
#include "tests/support/throws.h"
#include "weir/loop/deferred_call.h"
#include "weir/loop/event_loop.h"
#include "weir/loop/hook.h"
#include "weir/loop/timer.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;

void work_for(Duration length) { (void)world().run_for(length); }

class StallTest : public SimulatedTest {
 protected:
  void open(Duration limit) {
    loop_ = std::make_unique<EventLoop>(
        EventLoop::Options{.stall_limit = limit, .on_stall = [this](const Stall& stall) { told_.push_back(stall); }});
  }

  std::unique_ptr<EventLoop> loop_;
  std::vector<Stall> told_;
};

TEST_F(StallTest, is_told_after_the_turn_with_what_took_longest) {
  open(10ms);
  Timer timer(*loop_, {.precise = true}, [&](Timer&) {
    work_for(25ms);
    EXPECT_TRUE(told_.empty());
  });
  timer.set_name("reports");
  timer.start(1ms);
  DeferredCall other(*loop_, [] { work_for(3ms); });
  other.schedule();

  ASSERT_TRUE(loop_->run());

  ASSERT_EQ(told_.size(), 1U);
  EXPECT_EQ(told_[0].turn, 25ms);
  EXPECT_EQ(told_[0].slowest.duration, 25ms);
  EXPECT_EQ(told_[0].slowest.name(), "reports");
  EXPECT_EQ(loop_->counters().stalls, 1U);
}

TEST_F(StallTest, a_turn_as_long_as_the_limit_is_none) {
  open(10ms);
  loop_->post([] { work_for(10ms); });
  ASSERT_TRUE(loop_->run());
  EXPECT_TRUE(told_.empty());

  loop_->post([] { work_for(10ms + 1ns); });
  ASSERT_TRUE(loop_->run());

  EXPECT_EQ(told_.size(), 1U);
}

TEST_F(StallTest, many_short_callbacks_stall_too_and_none_is_blamed) {
  open(10ms);
  for (int i = 0; i < 20; ++i) loop_->post([] { work_for(1ms); });

  ASSERT_TRUE(loop_->run());

  ASSERT_EQ(told_.size(), 1U);
  EXPECT_EQ(told_[0].turn, 20ms);
  EXPECT_EQ(told_[0].slowest.duration, 0ns);
}

TEST_F(StallTest, what_was_long_in_an_earlier_turn_is_not_blamed) {
  open(80ms);
  loop_->post([&] {
    work_for(60ms);
    for (int i = 0; i < 9; ++i) loop_->post([] { work_for(10ms); });
  });

  ASSERT_TRUE(loop_->run());

  ASSERT_EQ(told_.size(), 1U);
  EXPECT_EQ(told_[0].turn, 90ms);
  EXPECT_EQ(told_[0].slowest.duration, 0ns);
}

TEST_F(StallTest, a_hook_before_the_wait_stalls_the_loop_too) {
  open(10ms);
  Hook hook(*loop_, HookPoint::before_wait, [] { work_for(30ms); });
  hook.set_name("feed");
  loop_->post([] {});

  ASSERT_TRUE(loop_->run());

  ASSERT_EQ(told_.size(), 1U);
  EXPECT_EQ(told_[0].turn, 0ns);
  EXPECT_EQ(told_[0].slowest.name(), "feed");
}

TEST_F(StallTest, without_a_callback_is_counted_from_100_ms_on) {
  EventLoop loop;
  loop.post([] { work_for(100ms); });
  ASSERT_TRUE(loop.run());
  EXPECT_EQ(loop.counters().stalls, 0U);

  loop.post([] { work_for(101ms); });
  ASSERT_TRUE(loop.run());

  EXPECT_EQ(loop.counters().stalls, 1U);
}

TEST_F(StallTest, without_a_limit_there_is_none) {
  open(EventLoop::no_stall_limit);
  loop_->post([] { work_for(1h); });

  ASSERT_TRUE(loop_->run());

  EXPECT_TRUE(told_.empty());
  EXPECT_EQ(loop_->counters().stalls, 0U);
}

TEST_F(StallTest, may_replace_its_callback_and_stop_the_loop) {
  open(10ms);
  Timer timer(*loop_, [](Timer&) {});
  timer.start(1h);
  int second = 0;
  loop_->on_stall([&, text = std::string(100, 'x')](const Stall&) {
    loop_->on_stall([&](const Stall&) { ++second; });
    loop_->stop();
    EXPECT_EQ(text.size(), 100U);
  });
  loop_->post([] { work_for(20ms); });
  EXPECT_EQ(*loop_->run(), RunEnd::stopped);
  loop_->post([&] {
    work_for(20ms);
    loop_->stop();
  });

  EXPECT_EQ(*loop_->run(), RunEnd::stopped);

  EXPECT_EQ(second, 1);
}

TEST_F(StallTest, that_an_exception_has_left_is_told_after_the_next_turn) {
  if (!can_throw()) GTEST_SKIP() << "needs exceptions";
  open(10ms);
  loop_->post([] {
    work_for(20ms);
    throw_something();
  });
  EXPECT_TRUE(throws_something([&] { (void)loop_->run(); }));
  EXPECT_TRUE(told_.empty());
  loop_->post([] {});

  ASSERT_TRUE(loop_->run());

  ASSERT_EQ(told_.size(), 1U);
  EXPECT_EQ(told_[0].turn, 20ms);
}

TEST_F(StallTest, callback_that_throws_leaves_the_loop_as_it_should_be) {
  if (!can_throw()) GTEST_SKIP() << "needs exceptions";
  open(10ms);
  loop_->on_stall([](const Stall&) { throw_something(); });
  int ran = 0;
  loop_->post([] { work_for(20ms); });
  EXPECT_TRUE(throws_something([&] { (void)loop_->run(); }));
  const std::uint64_t turns = loop_->counters().turns;
  loop_->post([&] { ++ran; });

  EXPECT_EQ(*loop_->run(), RunEnd::empty);

  EXPECT_EQ(ran, 1);
  EXPECT_EQ(loop_->counters().turns, turns + 1) << "a new turn, and not the rest of one";
}

}  // namespace
}  // namespace weir
