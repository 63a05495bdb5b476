// weir: tests of the event loop: how it runs, stops, is empty, fails, and what it does when a callback throws.
// SPDX-License-Identifier: MIT
#include "weir/loop/event_loop.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/loop_fixture.h"
#include "tests/support/test_world.h"
#include "tests/support/throws.h"
#include "weir/loop/timer.h"
#include "weir/loop/watch.h"
#include "weir/sys/fault_kernel.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;
using sys::Call;
using sys::FaultKernel;
using sys::FaultPlan;
using sys::ScopedKernel;

TEST(EventLoop, without_anything_to_wait_for_is_empty_at_once) {
  EventLoop loop;

  EXPECT_EQ(*loop.run(), RunEnd::empty);
  EXPECT_EQ(*loop.run_once(), RunEnd::empty);
  EXPECT_EQ(*loop.poll(), RunEnd::empty);
  EXPECT_EQ(loop.counters().turns, 0U);
}

TEST(EventLoop, tells_its_backend_and_its_pool) {
  Pool pool;
  EventLoop on_default(EventLoop::Options{.backend = BackendChoice::epoll});
  auto on_own = EventLoop::create({.pool = &pool});

  EXPECT_EQ(on_default.backend(), "epoll");
  EXPECT_EQ(&on_default.pool(), &Pool::default_pool());
  EXPECT_EQ(&(*on_own)->pool(), &pool);
}

TEST(EventLoop, a_stop_before_run_is_kept_for_it_and_used_up) {
  EventLoop loop;
  loop.stop();
  loop.stop();

  EXPECT_EQ(*loop.run(), RunEnd::stopped);
  EXPECT_EQ(*loop.run(), RunEnd::empty);
}

TEST(EventLoop, stop_in_a_callback_finishes_the_turn) {
  EventLoop loop;
  int ran = 0;
  loop.post([&] { loop.stop(); });
  loop.post([&] { ++ran; });

  EXPECT_EQ(*loop.run(), RunEnd::stopped);
  EXPECT_EQ(ran, 1);
}

TEST(EventLoop, poll_does_not_wait) {
  EventLoop loop;
  Timer timer(loop, [](Timer&) {});
  timer.start(1h);

  EXPECT_EQ(*loop.poll(), RunEnd::turn);
}

TEST(EventLoop, run_once_makes_one_turn) {
  EventLoop loop;
  int ran = 0;
  loop.post([&] {
    ++ran;
    loop.post([&] { ++ran; });
  });

  EXPECT_EQ(*loop.run_once(), RunEnd::turn);

  EXPECT_EQ(ran, 1);
  EXPECT_EQ(*loop.run(), RunEnd::empty);
  EXPECT_EQ(ran, 2);
}

TEST(EventLoop, run_until_looks_at_its_condition_before_each_turn) {
  EventLoop loop;
  int ran = 0;
  loop.post([&] { ++ran; });

  EXPECT_EQ(*loop.run_until([] { return true; }), RunEnd::turn);
  EXPECT_EQ(ran, 0);
  EXPECT_EQ(*loop.run_until([&] { return ran == 1; }), RunEnd::turn);
  EXPECT_EQ(*loop.run_until([] { return false; }), RunEnd::empty);
}

// hazard: RE17
TEST(EventLoop, stop_from_another_thread_wakes_a_loop_that_sleeps) {
  const OnRealKernel real;
  EventLoop loop;
  const Pair pair = unix_pair();
  auto idle = ByteProbe::reading(loop, sys::Descriptor(::dup(pair.near.number())));
  std::thread stopper([&] { loop.stop(); });

  EXPECT_EQ(*loop.run(), RunEnd::stopped);

  stopper.join();
}

TEST(EventLoop, is_not_empty_while_a_descriptor_is_attached) {
  EventLoop loop;
  Pair pair = unix_pair();
  auto probe = ByteProbe::open(loop, std::move(pair.near));
  EXPECT_EQ(*loop.poll(), RunEnd::turn);

  probe->close();

  EXPECT_EQ(*loop.poll(), RunEnd::empty);
}

// hazard: RE5
TEST(EventLoop, with_idle_connections_sleeps_until_its_timer) {
  FaultKernel kernel;
  const ScopedKernel installed(kernel);
  EventLoop loop;
  std::vector<sys::Descriptor> far;
  std::vector<Handle<ByteProbe>> probes;
  for (int i = 0; i < 100; ++i) {
    Pair pair = unix_pair();
    far.push_back(std::move(pair.far));
    probes.push_back(ByteProbe::reading(loop, std::move(pair.near)));
  }
  Timer timer(loop, [](Timer&) {});
  timer.start(200ms);
  ASSERT_TRUE(loop.poll());  // the first event tells that there is room to write
  const std::uint64_t calls_before = kernel.all_calls();

  ASSERT_TRUE(loop.run_until([&] { return !timer.is_armed(); }));

  EXPECT_LE(kernel.all_calls() - calls_before, 4U);
}

// hazard: E19
TEST(EventLoop, an_error_of_the_wait_ends_run_with_it) {
  FaultKernel kernel;
  const ScopedKernel installed(kernel);
  EventLoop loop;
  Timer timer(loop, [](Timer&) {});
  timer.start(1ms);

  for (const int error : {EBADF, EINVAL, EFAULT}) {
    kernel.set_plan(FaultPlan::nth(1, {.error = error}, {Call::wait_epoll, Call::poll}));
    const Result<RunEnd> end = loop.run();
    ASSERT_FALSE(end);
    EXPECT_EQ(end.error(), system_error(error));
  }
  EXPECT_EQ(*loop.run(), RunEnd::empty);
}

// hazard: E9, RE16
TEST(EventLoop, an_interrupted_wait_is_waited_again) {
  FaultKernel kernel;
  const ScopedKernel installed(kernel);
  EventLoop loop;
  Timer timer(loop, [](Timer&) {});
  timer.start(1ms);
  kernel.set_plan(FaultPlan::script({{.calls = {Call::wait_epoll, Call::poll}, .to = 5, .fault = {.error = EINTR}}}));

  const Result<RunEnd> end = loop.run();

  ASSERT_TRUE(end);
  EXPECT_EQ(*end, RunEnd::empty);
  EXPECT_EQ(kernel.injected(), 5U);

  EXPECT_FALSE(timer.is_armed());
}

// hazard: RE14
TEST(EventLoop, every_call_that_fails_while_it_is_made_is_reported_and_leaves_no_descriptor) {
  std::uint64_t failures = 0;
  for (std::uint64_t k = 1; k < 100; ++k) {
    FaultKernel kernel(
        FaultPlan::nth(k, {.error = EMFILE}, {Call::create_event_counter, Call::create_epoll, Call::control_epoll}));
    const ScopedKernel installed(kernel);
    const auto before = count_descriptors();

    auto loop = EventLoop::create({.backend = BackendChoice::epoll});

    if (kernel.injected() == 0) {
      EXPECT_TRUE(loop);
      break;
    }
    ++failures;
    ASSERT_FALSE(loop);
    EXPECT_EQ(loop.error(), std::errc::too_many_files_open);
    EXPECT_EQ(count_descriptors(), before);
  }
  EXPECT_EQ(failures, 3U);
}

TEST(EventLoop, the_constructor_throws_what_create_returns) {
  FaultKernel kernel(FaultPlan::nth(1, {.error = EMFILE}, {Call::create_epoll}));
  const ScopedKernel installed(kernel);

  EXPECT_TRUE(throws_system_error([] { const EventLoop loop(EventLoop::Options{.backend = BackendChoice::epoll}); }));
}

TEST(EventLoop, a_post_that_throws_leaves_run_and_the_rest_runs_in_the_next) {
  if (!can_throw()) GTEST_SKIP() << "needs exceptions";
  EventLoop loop;
  std::string order;
  loop.post([&] { order += 'a'; });
  loop.post([] { throw_something(); });
  loop.post([&] { order += 'c'; });

  EXPECT_TRUE(throws_something([&] { (void)loop.run(); }));
  EXPECT_EQ(order, "a");
  EXPECT_EQ(*loop.run(), RunEnd::empty);

  EXPECT_EQ(order, "ac");
}

TEST(EventLoop, an_event_that_throws_leaves_run_and_the_rest_of_the_batch_follows_in_the_next) {
  if (!can_throw()) GTEST_SKIP() << "needs exceptions";
  EventLoop loop;
  std::vector<sys::Descriptor> far;
  std::vector<Handle<ByteProbe>> probes;
  std::size_t received = 0;
  for (int i = 0; i < 10; ++i) {
    Pair pair = unix_pair();
    far.push_back(std::move(pair.far));
    probes.push_back(ByteProbe::reading(loop, std::move(pair.near)));
    probes.back()->on_received = [&](ByteProbe&) {
      if (++received == 3) throw_something();
    };
    EXPECT_EQ(write_some(far.back(), "x"), 1U);
  }

  EXPECT_TRUE(throws_something([&] { (void)loop.run(); }));
  EXPECT_EQ(received, 3U);
  ASSERT_TRUE(loop.run_until([&] { return received == 10; }));

  for (const auto& probe : probes) EXPECT_EQ(probe->text, "x");
}

// The slots wait on the ready list, not in the event batch; the one that throws is gone, so it does not come again itself.
TEST(EventLoop, after_a_throw_the_rest_of_the_ready_list_is_served_without_a_new_event) {
  if (!can_throw()) GTEST_SKIP() << "needs exceptions";
  EventLoop loop;
  std::vector<sys::Descriptor> far;
  std::vector<Handle<ByteProbe>> probes;
  std::size_t received = 0;
  for (int i = 0; i < 3; ++i) {
    Pair pair = unix_pair();
    far.push_back(std::move(pair.far));
    probes.push_back(ByteProbe::open(loop, std::move(pair.near)));
    EXPECT_EQ(write_some(far.back(), "x"), 1U);
  }
  run_for(loop, 20ms);  // the events come while nobody reads
  probes[0]->on_received = [&](ByteProbe&) {
    probes[0].reset();
    throw_something();
  };
  for (const auto& probe : probes) probe->start();
  for (int i = 1; i < 3; ++i) probes[static_cast<std::size_t>(i)]->on_received = [&](ByteProbe&) { ++received; };
  Timer limit(loop, [](Timer&) {});
  limit.start(5s);

  EXPECT_TRUE(throws_something([&] { (void)loop.run(); }));
  ASSERT_TRUE(loop.run_until([&] { return received == 2 || !limit.is_armed(); }));

  EXPECT_EQ(received, 2U);
}

TEST(EventLoop, says_nothing_unless_a_hook_is_set_and_the_hook_may_replace_itself) {
  EventLoop loop;
  loop.say(Diagnostic::Level::info, "nobody hears");
  std::vector<std::string> heard;
  loop.on_diagnostic([&, name = std::string("first")](const Diagnostic& remark) {
    loop.on_diagnostic([&](const Diagnostic& next) { heard.push_back("second " + std::string(next.message)); });
    heard.push_back(name + " " + std::string(remark.message));
  });

  loop.post([&] {
    loop.say(Diagnostic::Level::warning, "one");
    loop.say(Diagnostic::Level::warning, "two");
  });
  ASSERT_TRUE(loop.run());
  loop.on_diagnostic(nullptr);
  loop.say(Diagnostic::Level::warning, "three");

  EXPECT_EQ(heard, (std::vector<std::string>{"first one", "second two"}));
}

TEST(EventLoop, the_time_is_that_of_the_turn) {
  EventLoop loop;
  const TimePoint before = sys::monotonic_now();
  std::vector<TimePoint> told;
  for (int i = 0; i < 2; ++i) loop.post([&] { told.push_back(loop.now()); });

  ASSERT_TRUE(loop.run_once());

  ASSERT_EQ(told.size(), 2U);
  EXPECT_GE(told[0], before);
  EXPECT_EQ(told[0], told[1]);
  EXPECT_GE(loop.now(), told[1]);  // outside of run it is the present
}

TEST(EventLoopDeathTest, running_inside_run_and_outliving_it_are_programmer_errors) {
  EXPECT_DEATH(
      {
        EventLoop loop;
        loop.post([&] { (void)loop.run(); });
        (void)loop.run();
      },
      "event_loop.cc");
  EXPECT_DEATH(
      {
        auto loop = std::make_unique<EventLoop>();
        Timer timer(*loop, [](Timer&) {});
        loop.reset();
      },
      "event_loop.cc");
}

}  // namespace
}  // namespace weir
