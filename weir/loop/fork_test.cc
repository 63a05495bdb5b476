// weir: tests of a loop in the child of a fork.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "tests/support/loop_fixture.h"
#include "tests/support/test_kernel.h"
#include "weir/loop/call.h"
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

  std::uint64_t wakes = 0;
  const auto read = sys::read(loop_.post_queue()->descriptor(), std::as_writable_bytes(std::span(&wakes, 1)));
  EXPECT_EQ(read.error_number(), EAGAIN) << "the parent was woken";
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
        return loop->break_now();  // the rest of this turn is the parent's
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

TEST_F(Fork, a_child_destroys_a_loop_that_has_threads_for_blocking_work) {
  auto loop = std::make_unique<EventLoop>();
  bool has_answered = false;
  ASSERT_TRUE(offload(
      *loop, [] { return 1; }, [&](Result<int>) { has_answered = true; }));
  ASSERT_TRUE(run_until(
      *loop, [&] { return has_answered; }, 5s));

  const int status = status_of_child([&] {
    loop.reset();  // its threads are not here, and cannot be waited for
    return 0;
  });

  EXPECT_EQ(status, 0);
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
  Pair pair = unix_pair();
  auto probe = ByteProbe::reading(loop_, std::move(pair.near));
  struct {
    sys::Call call;
    std::uint64_t k;
  } const calls[] = {{sys::Call::create_event_counter, 1},
                     {sys::Call::create_epoll, 1},
                     {sys::Call::control_epoll, 1},   // the wake-up
                     {sys::Call::control_epoll, 2}};  // what is open
  for (const auto& [call, k] : calls) {
    if (is_on_poll() && call != sys::Call::create_event_counter) continue;
    const int status = status_of_child([&, call = call, k = k] {
      kernel.set_plan(sys::FaultPlan::nth(k, {.error = EMFILE}, {call}));
      const Result<void> renewed = loop_.after_fork();
      return !renewed && renewed.error() == std::errc::too_many_files_open ? 0 : 1;
    });
    EXPECT_EQ(status, 0) << sys::name_of(call) << k;
  }
}

TEST_F(Fork, a_child_that_ends_one_of_two_watches_on_a_descriptor_leaves_both_to_the_parent) {
  const Pair pair = unix_pair();
  int readable = 0;
  int writable = 0;
  auto reading = Watch::start(loop_, pair.near.number(), {.readable = true}, [&](Readiness) { ++readable; });
  std::optional<Result<Watch>> writing(
      Watch::start(loop_, pair.near.number(), {.writable = true}, [&](Readiness) { ++writable; }));
  ASSERT_TRUE(reading && *writing);

  ASSERT_EQ(status_of_child([&] {
              writing.reset();
              return 0;
            }),
            0);

  ASSERT_TRUE(loop_.poll());
  EXPECT_EQ(writable, 1);
}

TEST_F(Fork, a_watch_left_over_from_a_number_that_a_stream_has_now_is_no_obstacle) {
  Pair first = unix_pair();
  const int number = first.near.number();
  auto watching = Watch::start(loop_, number, {.readable = true}, [](Readiness) {});
  ASSERT_TRUE(watching);
  first.near.reset();
  Pair second = unix_pair();
  sys::Descriptor& same = second.near.number() == number ? second.near : second.far;
  sys::Descriptor& other = second.near.number() == number ? second.far : second.near;
  ASSERT_EQ(same.number(), number) << "the lowest free number is taken";
  auto probe = ByteProbe::reading(loop_, std::move(same));

  const int status = status_of_child([&] {
    if (!loop_.after_fork()) return 1;
    (void)write_some(other, "hello");
    return run_until(
               loop_, [&] { return probe->text == "hello"; }, 5s)
               ? 0
               : 2;
  });

  EXPECT_EQ(status, 0);
}

using ForkDeathTest = Fork;

TEST_F(ForkDeathTest, a_turn_without_making_the_loop_ones_own_is_found) {
  loop_.post([] {});

  EXPECT_DEATH((void)loop_.poll(), "expects_no_fork");  // its statement runs in a child

  EXPECT_TRUE(loop_.poll());
}

}  // namespace
}  // namespace weir
