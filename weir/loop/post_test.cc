// weir: tests of tasks handed to a loop, on one thread.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/loop_fixture.h"
#include "tests/support/throws.h"
#include "weir/loop/post_queue.h"
#include "weir/loop/timer.h"
#include "weir/sys/fault_kernel.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;
using sys::Call;
using sys::FaultKernel;
using sys::FaultPlan;
using sys::ScopedKernel;

TEST(Post, runs_tasks_in_order_and_each_once) {
  EventLoop loop;
  std::string order;
  for (char name = 'a'; name <= 'z'; ++name) loop.post([&order, name] { order += name; });

  EXPECT_EQ(*loop.run(), RunEnd::empty);

  EXPECT_EQ(order, "abcdefghijklmnopqrstuvwxyz");
}

TEST(Post, never_runs_a_task_inside_post) {
  EventLoop loop;
  bool has_run = false;
  loop.post([&] {
    loop.post([&] { has_run = true; });
    EXPECT_FALSE(has_run);
  });

  EXPECT_EQ(*loop.run(), RunEnd::empty);

  EXPECT_TRUE(has_run);
}

TEST(Post, a_task_that_posts_itself_for_ever_does_not_starve_timers) {
  const OnRealKernel real;  // where time goes on while the loop works
  EventLoop loop;
  bool has_fired = false;
  Timer timer(loop, [&](Timer&) { has_fired = true; });
  timer.start(1ms);
  std::function<void()> again = [&] {
    if (!has_fired) loop.post([&] { again(); });
  };
  again();

  EXPECT_EQ(*loop.run(), RunEnd::empty);

  EXPECT_TRUE(has_fired);
}

TEST(Post, a_turn_runs_a_bounded_number_of_tasks_and_the_rest_follows) {
  EventLoop loop;
  int ran = 0;
  for (int i = 0; i < 2000; ++i) loop.post([&] { ++ran; });

  ASSERT_TRUE(loop.run_once());
  EXPECT_EQ(ran, 512);
  EXPECT_EQ(*loop.run(), RunEnd::empty);

  EXPECT_EQ(ran, 2000);
}

// hazard: E15
TEST(Post, after_a_stop_waits_for_the_next_run) {
  EventLoop loop;
  int ran = 0;
  loop.stop();
  loop.post([&] { ++ran; });

  EXPECT_EQ(*loop.run(), RunEnd::stopped);
  EXPECT_EQ(ran, 0);
  EXPECT_EQ(*loop.run(), RunEnd::empty);

  EXPECT_EQ(ran, 1);
}

/// Counts the objects of one capture that are alive.
struct Token {
  explicit Token(int& count) : alive(&count) { ++*alive; }
  Token(Token&& other) noexcept : alive(other.alive) { ++*alive; }
  Token(const Token&) = delete;
  ~Token() { --*alive; }
  int* alive;
};

TEST(Post, a_task_is_destroyed_as_soon_as_it_has_run) {
  EventLoop loop;
  int alive = 0;
  int alive_in_next = -1;
  loop.post([token = Token(alive)] { EXPECT_EQ(*token.alive, 1); });
  loop.post([&] { alive_in_next = alive; });

  EXPECT_EQ(*loop.run(), RunEnd::empty);

  EXPECT_EQ(alive_in_next, 0);
}

// hazard: E15
TEST(Post, tasks_that_never_ran_are_destroyed_with_the_loop_each_once) {
  int alive = 0;
  int ran = 0;
  {
    EventLoop loop;
    loop.post([&, token = Token(alive)] { loop.stop(); });
    for (int i = 0; i < 600; ++i) loop.post([&ran, token = Token(alive)] { ++ran; });
    EXPECT_EQ(*loop.run(), RunEnd::stopped);  // some are taken from the queue, but do not get their turn
    EXPECT_EQ(ran, 511);
    EXPECT_EQ(alive, 89);
    for (int i = 0; i < 10; ++i) loop.post([&ran, token = Token(alive)] { ++ran; });
  }
  EXPECT_EQ(ran, 511);
  EXPECT_EQ(alive, 0);
}

TEST(Post, a_task_destroyed_with_the_loop_may_post_and_own_timers) {
  int alive = 0;
  {
    EventLoop loop;
    struct Poster {
      Poster(EventLoop& l, int& a) : loop(&l), token(a), timer(std::make_unique<Timer>(l, [](Timer&) {})) {}
      Poster(Poster&& other) noexcept
          : loop(std::exchange(other.loop, nullptr)),
            token(std::move(other.token)),
            timer(std::move(other.timer)) {}
      ~Poster() {
        if (loop != nullptr) loop->post([t = Token(*token.alive)] { ADD_FAILURE(); });
      }
      EventLoop* loop;
      Token token;
      std::unique_ptr<Timer> timer;
    };
    loop.post([poster = Poster(loop, alive)] { ADD_FAILURE(); });
  }
  EXPECT_EQ(alive, 0);
}

TEST(Post, to_a_queue_whose_loop_is_gone_destroys_the_task_and_says_so) {
  PostQueueRef queue;
  {
    EventLoop loop;
    queue = loop.post_queue();
  }
  int alive = 0;

  EXPECT_FALSE(queue->push([token = Token(alive)] { ADD_FAILURE(); }));
  queue->raise(PostQueue::stop_requested);

  EXPECT_EQ(alive, 0);
}

class PostQueueTest : public testing::Test {
 protected:
  std::uint64_t wakes() const { return kernel_.calls(Call::write); }

  FaultKernel kernel_;
  ScopedKernel installed_{kernel_};
  PostQueueRef queue_ = *PostQueue::create();
};

// hazard: E15
TEST_F(PostQueueTest, wakes_once_in_a_sleep_however_many_posts_come) {
  ASSERT_TRUE(queue_->prepare_sleep());
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(queue_->push([] {}));
  queue_->raise(PostQueue::stop_requested);
  EXPECT_EQ(wakes(), 1U);

  queue_->end_sleep();
  queue_->run_tasks(100);
  EXPECT_TRUE(queue_->push([] {}));  // a loop that is awake needs no wake
  EXPECT_EQ(wakes(), 1U);

  queue_->close();
}

// hazard: E15
TEST_F(PostQueueTest, does_not_let_the_loop_sleep_over_a_task_or_a_flag_that_came_before) {
  EXPECT_TRUE(queue_->push([] {}));
  EXPECT_FALSE(queue_->prepare_sleep());
  queue_->run_tasks(100);

  queue_->raise(PostQueue::memory_released);
  EXPECT_FALSE(queue_->prepare_sleep());
  EXPECT_EQ(queue_->take_flags(), PostQueue::memory_released);

  for (int i = 0; i < 3; ++i) EXPECT_TRUE(queue_->push([] {}));
  queue_->run_tasks(1);
  EXPECT_FALSE(queue_->prepare_sleep());  // of a batch that was taken, some are left
  queue_->run_tasks(100);
  EXPECT_TRUE(queue_->prepare_sleep());
  EXPECT_EQ(wakes(), 0U);

  queue_->end_sleep();
  queue_->close();
}

TEST_F(PostQueueTest, a_wake_that_a_signal_interrupts_is_tried_again) {
  ASSERT_TRUE(queue_->prepare_sleep());
  kernel_.set_plan(FaultPlan::nth(1, {.error = EINTR}, {Call::write}));

  EXPECT_TRUE(queue_->push([] {}));

  EXPECT_EQ(wakes(), 2U);
  queue_->close();
}

TEST_F(PostQueueTest, a_task_that_throws_leaves_the_rest_in_order) {
  if (!can_throw()) GTEST_SKIP() << "needs exceptions";
  std::string order;
  EXPECT_TRUE(queue_->push([&] { order += 'a'; }));
  EXPECT_TRUE(queue_->push([] { throw_something(); }));
  EXPECT_TRUE(queue_->push([&] { order += 'c'; }));

  EXPECT_TRUE(throws_something([&] { queue_->run_tasks(100); }));
  EXPECT_TRUE(queue_->push([&] { order += 'd'; }));
  queue_->run_tasks(100);
  queue_->run_tasks(100);

  EXPECT_EQ(order, "acd");
  queue_->close();
}

TEST_F(PostQueueTest, a_batch_that_is_run_in_part_goes_on_in_order) {
  std::string order;
  std::array<Callback<void()>, 3> tasks;
  for (std::size_t i = 0; i < tasks.size(); ++i) tasks[i] = [&order, i] { order += static_cast<char>('a' + i); };
  EXPECT_TRUE(queue_->push_all(tasks));
  EXPECT_TRUE(queue_->push([&] { order += 'z'; }));

  queue_->run_tasks(2);
  EXPECT_EQ(order, "ab");
  EXPECT_TRUE(queue_->has_tasks());
  queue_->run_tasks(100);

  EXPECT_EQ(order, "abcz");
  queue_->close();
}

TEST_F(PostQueueTest, of_a_batch_that_has_run_in_part_the_rest_is_destroyed_with_the_queue) {
  int alive = 0;
  int ran = 0;
  std::array<Callback<void()>, 3> tasks;
  for (auto& task : tasks) task = [token = Token(alive), &ran] { ++ran; };
  EXPECT_TRUE(queue_->push_all(tasks));
  queue_->run_tasks(1);
  EXPECT_EQ(alive, 2);

  queue_->close();

  EXPECT_EQ(ran, 1);
  EXPECT_EQ(alive, 0);
}

/// More than the loop gives back at once, so that some nodes are new and some are used again, those of batches among them.
TEST_F(PostQueueTest, nodes_that_are_used_again_run_what_was_posted_last) {
  int alive = 0;
  int sum = 0;
  for (int round = 0; round < 5; ++round) {
    for (int i = 0; i < 700; ++i) EXPECT_TRUE(queue_->push([token = Token(alive), &sum] { ++sum; }));
    std::array<Callback<void()>, 2> tasks;
    for (auto& task : tasks) task = [token = Token(alive), &sum] { ++sum; };
    EXPECT_TRUE(queue_->push_all(tasks));
    queue_->run_tasks(10000);
    EXPECT_EQ(alive, 0);
  }

  EXPECT_EQ(sum, 5 * 702);
  queue_->close();
}

}  // namespace
}  // namespace weir
