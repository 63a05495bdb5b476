// weir: tests of loops on threads of their own; they also run under ThreadSanitizer.
// SPDX-License-Identifier: MIT
#include "weir/loop/loop_threads.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <set>
#include <thread>
#include <vector>

#include "tests/support/throws.h"
#include "weir/loop/call.h"
#include "weir/loop/timer.h"

namespace weir {
namespace {

using namespace weir::literals;

std::unique_ptr<LoopThreads> create(LoopThreads::Options options = {.count = 4}) {
  auto threads = LoopThreads::create(std::move(options));
  EXPECT_TRUE(threads);
  return *std::move(threads);
}

TEST(LoopThreads, run_each_loop_on_a_thread_of_its_own_until_they_are_stopped) {
  const auto threads = create();
  std::vector<std::thread::id> ids(threads->count());
  std::atomic<std::size_t> arrived = 0;
  for (std::size_t i = 0; i < threads->count(); ++i) {
    threads->loop(i).post([&, i] {
      ids[i] = std::this_thread::get_id();
      if (++arrived == ids.size()) threads->stop();
    });
  }

  ASSERT_TRUE(threads->run());

  EXPECT_EQ(ids[0], std::this_thread::get_id());
  EXPECT_EQ(std::set(ids.begin(), ids.end()).size(), 4U);
}

TEST(LoopThreads, are_as_many_as_the_processors_that_may_be_used_unless_told_otherwise) {
  cpu_set_t usable;
  ASSERT_EQ(::sched_getaffinity(0, sizeof usable, &usable), 0);

  EXPECT_EQ(create({})->count(), static_cast<std::size_t>(CPU_COUNT(&usable)));
  EXPECT_EQ(create({.count = 7})->loops().size(), 7U);
}

TEST(LoopThreads, tell_of_stalls_of_each_on_its_own_thread) {
  std::thread::id teller;
  LoopThreads* all = nullptr;
  const auto threads = create({.count = 2, .stall_limit = 5ms, .on_stall = [&](const Stall& stall) {
                                 if (stall.slowest.kind != ObjectKind::post)
                                   return;  // on a busy machine others come too
                                 EXPECT_GE(stall.turn, 20ms);
                                 teller = std::this_thread::get_id();
                                 all->stop();
                               }});
  all = threads.get();
  std::thread::id staller;
  threads->loop(1).post([&] {
    staller = std::this_thread::get_id();
    std::this_thread::sleep_for(20ms);
  });

  ASSERT_TRUE(threads->run());

  EXPECT_NE(staller, std::thread::id());
  EXPECT_EQ(teller, staller);
}

TEST(LoopThreads, with_nothing_to_do_wait) {
  const auto threads = create();
  std::thread other([&] {
    std::this_thread::sleep_for(20ms);
    threads->loop(3).post([&] { threads->stop(); });
  });

  EXPECT_TRUE(threads->run());

  other.join();
  EXPECT_LE(threads->loop(2).counters().turns, 5U);
}

TEST(LoopThreads, may_run_again_and_keep_a_stop_from_before) {
  const auto threads = create();
  for (int round = 0; round < 50; ++round) {
    std::atomic<int> ran = 0;
    for (EventLoop* loop : threads->loops()) {
      loop->post([&] {
        if (++ran == 4) threads->stop();
      });
    }
    ASSERT_TRUE(threads->run());
    EXPECT_EQ(ran, 4) << "a stop of the last round was left over";
  }
  threads->stop();
  EXPECT_TRUE(threads->run());
}

TEST(LoopThreads, one_that_is_stopped_alone_ends_alone_but_the_first_ends_all) {
  const auto threads = create();
  Timer later(threads->loop(0), [&](Timer&) { threads->loop(0).stop(); });
  later.start(20ms);
  std::atomic<bool> is_alive = false;
  threads->loop(1).stop();
  Timer ticking(threads->loop(2), [&](Timer&) { is_alive = true; });
  ticking.start(10ms);

  EXPECT_TRUE(threads->run());

  EXPECT_TRUE(is_alive);
}

TEST(LoopThreads, an_exception_of_the_first_ends_all_and_leaves_run_which_may_be_called_again) {
  if (!testing_support::can_throw()) GTEST_SKIP() << "needs exceptions";
  const auto threads = create();
  for (int round = 0; round < 3; ++round) {
    threads->loop(0).post([] { testing_support::throw_something(); });
    EXPECT_TRUE(testing_support::throws_something([&] { (void)threads->run(); }));
  }

  threads->loop(3).post([&] { threads->stop(); });
  EXPECT_TRUE(threads->run());
  EXPECT_EQ(*threads->loop(1).poll(), RunEnd::empty) << "nothing is left that keeps it going";
}

TEST(LoopThreads, have_all_what_one_loop_may_have) {
  const auto threads = create({.count = 2, .offload = {.threads = 1, .waiting = 0}, .quotas = {unlimited, 1}});
  for (EventLoop* loop : threads->loops()) EXPECT_EQ(loop->quotas().size(), 2U);
}

TEST(LoopThreads, are_tied_to_processors_on_request) {
  cpu_set_t before;
  ASSERT_EQ(::sched_getaffinity(0, sizeof before, &before), 0);
  const auto threads = create({.count = 3, .pin = true});
  std::vector<int> widths(3);
  std::atomic<int> arrived = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    threads->loop(i).post([&, i] {
      cpu_set_t usable;
      (void)::sched_getaffinity(0, sizeof usable, &usable);
      widths[i] = CPU_COUNT(&usable);
      if (++arrived == 3) threads->stop();
    });
  }

  EXPECT_TRUE(threads->run());

  EXPECT_EQ(widths, (std::vector<int>{1, 1, 1}));
  ASSERT_EQ(::sched_setaffinity(0, sizeof before, &before), 0);
}

TEST(LoopThreads, that_are_tied_have_blocking_work_done_on_any_processor) {
  cpu_set_t before;
  ASSERT_EQ(::sched_getaffinity(0, sizeof before, &before), 0);
  const auto width = [] {
    cpu_set_t usable;
    (void)::sched_getaffinity(0, sizeof usable, &usable);
    return CPU_COUNT(&usable);
  };
  const auto threads = create({.count = 2, .pin = true});
  std::vector<int> widths(2);
  std::atomic<int> answered = 0;
  for (std::size_t i = 0; i < 2; ++i) {
    EventLoop& loop = threads->loop(i);
    loop.post([&, i] {
      EXPECT_TRUE(offload(loop, width, [&, i](Result<int> there) {
        widths[i] = *there;
        if (++answered == 2) threads->stop();
      }));
    });
  }

  EXPECT_TRUE(threads->run());

  ASSERT_EQ(::sched_setaffinity(0, sizeof before, &before), 0);
  EXPECT_EQ(widths, (std::vector<int>(2, CPU_COUNT(&before))));
}

TEST(LoopThreads, all_end_when_one_fails_and_the_error_is_told) {
  const auto threads = create();
  const int descriptor = threads->loop(2).backend_descriptor();
  if (descriptor < 0) GTEST_SKIP() << "poll has no descriptor that could be lost";
  const int kept = ::dup(descriptor);
  threads->loop(2).post([&] { ::close(descriptor); });

  const Result<void> ran = threads->run();

  ASSERT_FALSE(ran);
  EXPECT_EQ(ran.error(), std::errc::bad_file_descriptor);
  ASSERT_EQ(::dup2(kept, descriptor), descriptor);
  ::close(kept);
}

TEST(LoopThreads, a_diagnostic_reaches_the_hook_that_all_share) {
  std::atomic<int> told = 0;
  const auto threads = create({.count = 2, .on_diagnostic = [&](const Diagnostic&) { ++told; }});
  threads->loop(0).post([&] { threads->loop(0).say(Diagnostic::Level::info, "first"); });
  threads->loop(1).post([&] {
    threads->loop(1).say(Diagnostic::Level::info, "second");
    threads->stop();
  });

  EXPECT_TRUE(threads->run());
  EXPECT_GE(told, 1);
}

TEST(LoopThreads, a_thread_that_cannot_be_started_is_an_error_and_leaves_none_behind) {
  pthread_attr_t before;
  pthread_attr_t huge;
  ASSERT_EQ(::pthread_getattr_default_np(&before), 0);
  ASSERT_EQ(::pthread_getattr_default_np(&huge), 0);
  ASSERT_EQ(::pthread_attr_setstacksize(&huge, std::size_t{1} << 46), 0);
  const auto threads = create();
  ASSERT_EQ(::pthread_setattr_default_np(&huge), 0);

  const Result<void> ran = threads->run();

  ASSERT_EQ(::pthread_setattr_default_np(&before), 0);
  ASSERT_FALSE(ran);
  EXPECT_EQ(ran.error(), std::errc::resource_unavailable_try_again);
  threads->loop(3).post([&] { threads->stop(); });
  EXPECT_TRUE(threads->run()) << "all is as before";
}

}  // namespace
}  // namespace weir
