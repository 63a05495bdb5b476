// weir: tests of a loop in the child of a fork.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "tests/support/loop_fixture.h"
#include "tests/support/test_kernel.h"
#include "weir/loop/signal.h"
#include "weir/loop/timer.h"
#include "weir/loop/watch.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;

/// Runs `child` in a child process, which ends at once with what it answers: 0 is good.
int status_of_child(const std::function<int()>& child) {
  const pid_t process = ::fork();
  if (process == 0) ::_exit(child());
  int status = -1;
  EXPECT_EQ(::waitpid(process, &status, 0), process);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + status;
}

class Fork : public testing::Test {
 protected:
  const OnRealKernel real_;
  EventLoop loop_;
};

// hazard: E16
TEST_F(Fork, the_childs_loop_serves_what_the_parents_did_and_the_parents_goes_on) {
  Pair pair = unix_pair();
  auto probe = ByteProbe::reading(loop_, std::move(pair.near));
  run_for(loop_, 5ms);

  const int status = status_of_child([&] {
    if (!loop_.after_fork()) return 1;
    bool has_posted = false;
    bool has_fired = false;
    loop_.post([&] { has_posted = true; });
    Timer timer(loop_, [&](Timer&) { has_fired = true; });
    timer.start(1ms);
    if (write_some(pair.far, "to the child") != 12U) return 2;
    if (!run_until(
            loop_, [&] { return probe->text == "to the child" && has_posted && has_fired; }, 5s))
      return 3;
    probe.reset();  // takes it off the child's epoll, and not off the parent's
    return 0;
  });
  ASSERT_EQ(status, 0);

  EXPECT_EQ(write_some(pair.far, "to the parent"), 13U);
  EXPECT_TRUE(run_until(
      loop_, [&] { return probe->text == "to the parent"; }, 5s));
}

TEST_F(Fork, watches_and_signals_stay_and_a_post_of_the_child_does_not_wake_the_parent) {
  const Pair pair = unix_pair();
  int told = 0;
  auto watch = Watch::start(loop_, pair.near.number(), {.readable = true}, [&](Readiness) {
    ++told;
    (void)read_some(pair.near);
  });
  ASSERT_TRUE(watch);
  int signals = 0;
  auto signal = Signal::subscribe(loop_, SIGUSR2, [&](int) { ++signals; });
  ASSERT_TRUE(signal);
  ASSERT_NE(loop_.next_deadline(), TimePoint::min());  // announces a sleep

  const int status = status_of_child([&] {
    if (!loop_.after_fork()) return 1;
    (void)write_some(pair.far, "x");
    ::raise(SIGUSR2);
    if (!run_until(
            loop_, [&] { return told == 1 && signals == 1; }, 5s))
      return 2;
    loop_.next_deadline();
    loop_.post([] {});
    return 0;
  });
  ASSERT_EQ(status, 0);

  run_for(loop_, 5ms);
  EXPECT_EQ(told, 0) << "the child has read it";
  EXPECT_EQ(signals, 0);
  (void)write_some(pair.far, "y");
  EXPECT_TRUE(run_until(
      loop_, [&] { return told == 1; }, 5s));
}

// hazard: E16
TEST_F(Fork, in_a_callback_disturbs_nothing_however_the_child_ends) {
  for (const bool destroys : {false, true}) {
    Pair pair = unix_pair();
    std::optional<EventLoop> loop(std::in_place);
    auto probe = ByteProbe::reading(*loop, std::move(pair.near));
    int status = -1;
    bool is_child = false;
    Timer timer(*loop, [&](Timer&) {
      const pid_t process = ::fork();
      if (process == 0) {
        is_child = true;
        if (!destroys) ::_exit(0);
        return loop->stop();
      }
      EXPECT_EQ(::waitpid(process, &status, 0), process);
    });
    timer.start(0ms);
    (void)loop->run_until([&] { return !timer.is_armed(); });
    if (is_child) {  // everything ends in order, as it would behind main
      probe.reset();
      std::destroy_at(&timer);
      loop.reset();
      ::_exit(0);
    }
    ASSERT_EQ(status, 0);

    EXPECT_EQ(write_some(pair.far, "still here"), 10U);
    EXPECT_TRUE(run_until(
        *loop, [&] { return probe->text == "still here"; }, 5s));
  }
}

TEST_F(Fork, a_loop_made_in_the_child_needs_nothing) {
  const int status = status_of_child([&] {
    EventLoop own;
    bool has_run = false;
    own.post([&] { has_run = true; });
    return own.run() && has_run ? 0 : 1;
  });

  EXPECT_EQ(status, 0);
}

TEST_F(Fork, what_the_child_cannot_get_is_an_error) {
  sys::FaultKernel kernel;
  const sys::ScopedKernel installed(kernel);
  for (const sys::Call call : {sys::Call::create_event_counter, sys::Call::create_epoll, sys::Call::control_epoll}) {
    if (is_on_poll() && call != sys::Call::create_event_counter) continue;
    const int status = status_of_child([&] {
      kernel.set_plan(sys::FaultPlan::nth(1, {.error = EMFILE}, {call}));
      const Result<void> renewed = loop_.after_fork();
      return !renewed && renewed.error() == std::errc::too_many_files_open ? 0 : 1;
    });
    EXPECT_EQ(status, 0) << sys::name_of(call);
  }
}

using ForkDeathTest = Fork;

TEST_F(ForkDeathTest, a_turn_without_making_the_loop_ones_own_is_found) {
  loop_.post([] {});

  EXPECT_DEATH((void)loop_.poll(), "expects_no_fork");  // its statement runs in a child

  EXPECT_TRUE(loop_.poll());
}

}  // namespace
}  // namespace weir
