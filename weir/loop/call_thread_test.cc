// weir: tests of calls and offloaded work across threads; they also run under ThreadSanitizer.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/throws.h"
#include "weir/loop/call.h"
#include "weir/loop/loop_threads.h"
#include "weir/loop/timer.h"

namespace weir {
namespace {

using namespace weir::literals;

/// Holds back whoever waits, until it is opened.
class Gate {
 public:
  void wait() const { is_open_.wait(false); }
  void open() {
    is_open_ = true;
    is_open_.notify_all();
  }

 private:
  std::atomic<bool> is_open_{false};
};

TEST(CallThreads, go_back_and_forth_between_loops) {
  constexpr int each = 5000;
  auto threads = *LoopThreads::create({.count = 3});
  std::vector<int> sums(3);  // each is its own loop's
  int answers = 0;
  for (int i = 0; i < each; ++i) {
    for (const std::size_t target : {1U, 2U}) {
      call(
          threads->loop(0), threads->loop(target), [&sums, target] { return ++sums[target]; },
          [&, target](Result<int> sum) {
            EXPECT_GT(*sum, 0);
            EXPECT_LE(*sum, each) << target;
            if (++answers == 2 * each) threads->stop();
          });
    }
  }

  ASSERT_TRUE(threads->run());

  EXPECT_EQ(answers, 2 * each);
  EXPECT_EQ(sums[1], each);
}

TEST(Offload, runs_elsewhere_on_as_many_threads_as_it_may_and_answers_here) {
  EventLoop loop({.offload = {.threads = 3}});
  std::mutex mutex;
  std::set<std::thread::id> ids;
  int answers = 0;
  Gate gate;
  std::atomic<int> at_work = 0;
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(offload(
        loop,
        [&, i] {
          if (++at_work == 3) gate.open();
          gate.wait();
          const std::lock_guard lock(mutex);
          ids.insert(std::this_thread::get_id());
          return i;
        },
        [&, i](Result<int> answer) {
          EXPECT_EQ(*answer, i);
          ++answers;
        }));
  }

  EXPECT_EQ(*loop.run(), RunEnd::empty);

  EXPECT_EQ(answers, 100);
  EXPECT_EQ(ids.size(), 3U);
  EXPECT_FALSE(ids.contains(std::this_thread::get_id()));
}

TEST(Offload, takes_as_much_as_may_wait_and_says_so) {
  EventLoop loop({.offload = {.threads = 1, .waiting = 2}});
  Gate begun;
  Gate gate;
  int answers = 0;
  const auto answered = [&](Result<void>) { ++answers; };
  ASSERT_TRUE(offload(
      loop, [&] { begun.open(), gate.wait(); }, answered));
  begun.wait();
  ASSERT_TRUE(offload(
      loop, [] {}, answered));
  ASSERT_TRUE(offload(
      loop, [] {}, answered));

  const Result<void> refused = offload(
      loop, [] { FAIL(); }, [](Result<void>) { FAIL(); });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), errc::limit);
  gate.open();
  ASSERT_TRUE(loop.run());

  EXPECT_EQ(answers, 3);
  ASSERT_TRUE(offload(
      loop, [] {}, answered));
  ASSERT_TRUE(loop.run());
  EXPECT_EQ(answers, 4);
}

TEST(Offload, with_no_place_to_wait_takes_what_there_are_threads_for) {
  for (int round = 0; round < 20; ++round) {
    EventLoop loop({.offload = {.threads = 2, .waiting = 0}});
    Gate gate;
    EXPECT_TRUE(offload(
        loop, [&] { gate.wait(); }, [](Result<void>) {}));
    EXPECT_TRUE(offload(
        loop, [&] { gate.wait(); }, [](Result<void>) {}));
    EXPECT_FALSE(offload(
        loop, [] {}, [](Result<void>) {}));
    gate.open();
    ASSERT_TRUE(loop.run());
  }
}

TEST(Offload, does_not_hold_up_the_loop) {
  EventLoop loop;
  Gate gate;
  bool is_answered = false;
  int ticks = 0;
  Timer ticking(loop, [&](Timer& timer) {
    if (++ticks < 10) return;
    gate.open();
    timer.cancel();
  });
  ticking.start_every(1ms);

  ASSERT_TRUE(offload(
      loop, [&] { gate.wait(); }, [&](Result<void>) { is_answered = true; }));
  ASSERT_TRUE(loop.run());

  EXPECT_TRUE(is_answered);
}

TEST(Offload, waits_for_what_has_begun_and_drops_the_rest_when_the_loop_ends) {
  const auto marked = std::make_shared<int>(1);
  std::atomic<bool> has_ended = false;
  Gate begun;
  {
    EventLoop loop({.offload = {.threads = 1}});
    ASSERT_TRUE(offload(
        loop,
        [&, marked] {
          begun.open();
          std::this_thread::sleep_for(20ms);
          has_ended = true;
        },
        [marked](Result<void>) { FAIL() << "its loop has ended"; }));
    ASSERT_TRUE(offload(
        loop, [marked] { FAIL() << "dropped"; }, [marked](Result<void>) { FAIL(); }));
    begun.wait();
  }

  EXPECT_TRUE(has_ended);
  EXPECT_EQ(marked.use_count(), 1);
}

TEST(Offload, what_the_work_throws_leaves_run_and_the_loop_goes_on) {
  if (!testing_support::can_throw()) GTEST_SKIP() << "needs exceptions";
  EventLoop loop;
  bool is_answered = false;
  ASSERT_TRUE(offload(
      loop, [] { testing_support::throw_something(); }, [](Result<void>) { FAIL(); }));
  EXPECT_TRUE(testing_support::throws_something([&] { (void)loop.run(); }));

  ASSERT_TRUE(offload(
      loop, [] {}, [&](Result<void>) { is_answered = true; }));
  EXPECT_EQ(*loop.run(), RunEnd::empty);

  EXPECT_TRUE(is_answered);
}

}  // namespace
}  // namespace weir
