// weir: tests of signals as callbacks of a loop.
// SPDX-License-Identifier: MIT
#include "weir/loop/signal.h"

#include <gtest/gtest.h>
#include <sys/time.h>

#include <csignal>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/descriptor_check.h"
#include "tests/support/test_kernel.h"
#include "tests/support/throws.h"
#include "weir/loop/event_loop.h"
#include "weir/loop/timer.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;

void foreign_handler(int) {}

struct sigaction action_of(int number) {
  struct sigaction action {};
  EXPECT_EQ(::sigaction(number, nullptr, &action), 0);
  return action;
}

class SignalTest : public testing::Test {
 protected:
  Signal subscribe(int number, Callback<void(int)> callback) {
    Result<Signal> subscribed = Signal::subscribe(loop_, number, std::move(callback));
    EXPECT_TRUE(subscribed);
    return *std::move(subscribed);
  }

  const OnRealKernel real_;
  EventLoop loop_;
};

TEST_F(SignalTest, is_told_on_the_loop_and_not_in_the_handler) {
  std::vector<int> told;
  const Signal signal = subscribe(SIGUSR1, [&](int number) {
    told.push_back(number);
    loop_.stop();
  });

  ::raise(SIGUSR1);
  EXPECT_TRUE(told.empty());
  EXPECT_EQ(*loop_.run(), RunEnd::stopped);

  EXPECT_EQ(told, std::vector{SIGUSR1});
}

TEST_F(SignalTest, wakes_a_loop_that_sleeps) {
  int told = 0;
  const Signal signal = subscribe(SIGALRM, [&](int) { ++told; });
  const itimerval soon{.it_interval = {}, .it_value = {.tv_sec = 0, .tv_usec = 20'000}};
  ASSERT_EQ(::setitimer(ITIMER_REAL, &soon, nullptr), 0);

  ASSERT_TRUE(loop_.run_until([&] { return told == 1; }));
}

TEST_F(SignalTest, the_last_subscription_puts_back_what_was_there_before) {
  struct sigaction ours {};
  ours.sa_handler = foreign_handler;
  ours.sa_flags = SA_NODEFER;
  struct sigaction original {};
  ASSERT_EQ(::sigaction(SIGUSR2, &ours, &original), 0);
  {
    const Signal first = subscribe(SIGUSR2, [](int) {});
    {
      const Signal second = subscribe(SIGUSR2, [](int) {});
      EXPECT_NE(action_of(SIGUSR2).sa_handler, foreign_handler);
    }
    EXPECT_NE(action_of(SIGUSR2).sa_handler, foreign_handler);
  }
  EXPECT_EQ(action_of(SIGUSR2).sa_handler, foreign_handler);
  EXPECT_NE(action_of(SIGUSR2).sa_flags & SA_NODEFER, 0);
  ::sigaction(SIGUSR2, &original, nullptr);
}

TEST_F(SignalTest, every_subscription_of_a_number_is_told_and_none_of_another) {
  std::string order;
  const Signal first = subscribe(SIGUSR1, [&](int) { order += 'a'; });
  const Signal second = subscribe(SIGUSR1, [&](int) { order += 'b'; });
  const Signal other = subscribe(SIGUSR2, [&](int) { order += 'c'; });

  ::raise(SIGUSR1);
  ASSERT_TRUE(loop_.poll());

  EXPECT_EQ(order, "ab");
}

TEST_F(SignalTest, that_comes_many_times_before_the_turn_is_told_at_least_once_and_not_for_ever) {
  int told = 0;
  const Signal signal = subscribe(SIGUSR1, [&](int) { ++told; });
  for (int i = 0; i < 1000; ++i) ::raise(SIGUSR1);

  for (int i = 0; i < 5; ++i) ASSERT_TRUE(loop_.poll());

  EXPECT_EQ(told, 1);
}

TEST_F(SignalTest, of_a_number_that_cannot_be_handled_is_refused_and_leaves_the_loop_empty) {
  for (const int number : {SIGKILL, SIGSTOP, 0, -1, 65, 4711}) {
    const auto refused = Signal::subscribe(loop_, number, [](int) {});
    ASSERT_FALSE(refused) << number;
    EXPECT_EQ(refused.error(), std::errc::invalid_argument) << number;
  }
  EXPECT_EQ(*loop_.run(), RunEnd::empty);
}

TEST_F(SignalTest, keeps_the_loop_from_being_empty_until_it_is_destroyed) {
  {
    const Signal signal = subscribe(SIGUSR1, [](int) {});
    EXPECT_EQ(*loop_.poll(), RunEnd::turn);
  }
  EXPECT_EQ(*loop_.poll(), RunEnd::empty);
}

TEST_F(SignalTest, that_arrived_before_its_subscription_was_destroyed_is_not_told) {
  int told = 0;
  auto signal = std::make_optional(subscribe(SIGUSR1, [&](int) { ++told; }));
  const Signal stay = subscribe(SIGUSR2, [](int) {});
  ::raise(SIGUSR1);

  signal.reset();
  ASSERT_TRUE(loop_.poll());

  EXPECT_EQ(told, 0);
}

// hazard: E10
TEST_F(SignalTest, destroyed_in_its_own_callback_keeps_its_captures_till_the_end) {
  std::optional<Signal> signal;
  std::string seen;
  signal.emplace(subscribe(SIGUSR1, [&, name = std::make_unique<std::string>("captured")](int) {
    signal.reset();
    seen += *name;
  }));
  ::raise(SIGUSR1);

  ASSERT_EQ(*loop_.run(), RunEnd::empty);

  EXPECT_EQ(seen, "captured");
  EXPECT_EQ(action_of(SIGUSR1).sa_handler, SIG_DFL);
}

// hazard: E10
TEST_F(SignalTest, destroyed_in_a_siblings_callback_is_not_told) {
  std::optional<Signal> a, b;
  int told = 0;
  a.emplace(subscribe(SIGUSR1, [&](int) {
    ++told;
    b.reset();
  }));
  b.emplace(subscribe(SIGUSR1, [&](int) {
    ++told;
    a.reset();
  }));
  ::raise(SIGUSR1);

  ASSERT_TRUE(loop_.poll());

  EXPECT_EQ(told, 1);
}

TEST_F(SignalTest, that_throws_leaves_run_and_is_told_once_all_the_same) {
  if (!can_throw()) GTEST_SKIP() << "needs exceptions";
  int told = 0;
  int sibling_told = 0;
  const Signal thrower = subscribe(SIGUSR1, [&](int) {
    ++told;
    throw_something();
  });
  const Signal sibling = subscribe(SIGUSR1, [&](int) { ++sibling_told; });
  ::raise(SIGUSR1);

  EXPECT_TRUE(throws_something([&] { (void)loop_.poll(); }));
  (void)loop_.poll();

  EXPECT_EQ(told, 1);
  EXPECT_EQ(sibling_told, 1);
}

TEST_F(SignalTest, moves_and_takes_its_place_over) {
  int first_told = 0;
  int second_told = 0;
  Signal signal = subscribe(SIGUSR1, [&](int) { ++first_told; });
  Signal other = subscribe(SIGUSR2, [&](int) { ++second_told; });

  signal = std::move(other);
  EXPECT_EQ(action_of(SIGUSR1).sa_handler, SIG_DFL);
  ::raise(SIGUSR2);
  ASSERT_TRUE(loop_.poll());

  EXPECT_EQ(first_told, 0);
  EXPECT_EQ(second_told, 1);
}

TEST(SignalLoops, each_of_several_loops_on_a_thread_is_told) {
  const OnRealKernel real;
  EventLoop first;
  EventLoop second;
  int told = 0;
  const auto a = Signal::subscribe(first, SIGUSR1, [&](int) { told += 1; });
  const auto b = Signal::subscribe(second, SIGUSR1, [&](int) { told += 10; });
  ::raise(SIGUSR1);

  ASSERT_TRUE(first.poll());
  ASSERT_TRUE(second.poll());

  EXPECT_EQ(told, 11);
}

TEST(SignalLoops, beyond_64_are_refused_and_places_are_used_again) {
  const OnRealKernel real;
  std::vector<std::unique_ptr<EventLoop>> loops;
  std::vector<Signal> signals;
  for (int i = 0; i < 64; ++i) {
    loops.push_back(std::make_unique<EventLoop>());
    auto subscribed = Signal::subscribe(*loops.back(), SIGUSR1, [](int) {});
    ASSERT_TRUE(subscribed);
    signals.push_back(*std::move(subscribed));
  }
  EventLoop one_more;
  const auto refused = Signal::subscribe(one_more, SIGUSR1, [](int) {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), errc::limit);

  signals.pop_back();
  EXPECT_TRUE(Signal::subscribe(one_more, SIGUSR1, [](int) {}));
  signals.clear();
}

}  // namespace
}  // namespace weir
