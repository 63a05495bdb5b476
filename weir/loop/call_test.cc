// weir: tests of functions that run on another loop, with loops that take turns on one thread.
// SPDX-License-Identifier: MIT
#include "weir/loop/call.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/loop_fixture.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;

TEST(Call, runs_on_the_other_loop_and_brings_the_result_back) {
  EventLoop loop;
  EventLoop other;
  std::string order;
  std::optional<int> answer;

  call(
      loop, other, [&] { return order += 'w', 42; },
      [&](Result<int> result) {
        order += 't';
        answer = *result;
      });
  EXPECT_EQ(order, "");
  (void)loop.poll();
  EXPECT_EQ(order, "");
  (void)other.poll();
  EXPECT_EQ(order, "w");
  (void)loop.poll();

  EXPECT_EQ(order, "wt");
  EXPECT_EQ(answer, 42);
}

TEST(Call, keeps_its_loop_going_until_the_answer_has_come) {
  EventLoop loop;
  EventLoop other;
  call(
      loop, other, [] {}, [](Result<void>) {});

  EXPECT_EQ(*loop.poll(), RunEnd::turn);
  (void)other.poll();
  EXPECT_EQ(*loop.poll(), RunEnd::turn);
  EXPECT_EQ(*loop.poll(), RunEnd::empty);
}

TEST(Call, passes_results_and_what_can_only_be_moved) {
  EventLoop loop;
  std::vector<std::string> told;

  call(
      loop, loop, [] { return std::make_unique<std::string>("moved"); },
      [&](Result<std::unique_ptr<std::string>> result) { told.push_back(**result); });
  call(
      loop, loop, []() -> Result<int> { return errc::limit; },
      [&](Result<int> result) { told.push_back(result.error().message()); });
  call(
      loop, loop, []() -> Result<void> { return {}; },
      [&](Result<void> result) { told.emplace_back(result ? "done" : "failed"); });
  ASSERT_TRUE(loop.run());

  EXPECT_EQ(told, (std::vector<std::string>{"moved", make_error_code(errc::limit).message(), "done"}));
}

TEST(Call, is_canceled_when_the_other_loop_ends_first) {
  EventLoop loop;
  std::error_code error;
  bool has_run = false;
  {
    EventLoop other;
    call(
        loop, other, [&] { has_run = true; }, [&](Result<void> result) { error = result.error(); });
  }
  ASSERT_TRUE(loop.run());

  EXPECT_FALSE(has_run);
  EXPECT_EQ(error, errc::canceled);
}

TEST(Call, whose_own_loop_ends_first_is_destroyed_whole) {
  const auto marked = std::make_shared<int>(1);
  EventLoop other;
  {
    EventLoop loop;
    call(
        loop, other, [marked] { return *marked; }, [marked](Result<int>) { FAIL() << "its loop has ended"; });
  }
  EXPECT_EQ(marked.use_count(), 3);
  (void)other.poll();
  EXPECT_EQ(marked.use_count(), 1);

  {
    EventLoop loop;
    call(
        loop, loop, [marked] { return *marked; }, [marked](Result<int>) { FAIL() << "its loop has ended"; });
  }
  EXPECT_EQ(marked.use_count(), 1);
}

TEST(Call, destroys_the_work_where_it_ran_before_the_answer_is_told) {
  EventLoop loop;
  const auto marked = std::make_shared<int>(1);
  bool is_told = false;

  call(
      loop, loop, [marked] { return *marked; },
      [&](Result<int>) {
        is_told = true;
        EXPECT_EQ(marked.use_count(), 1);
      });
  ASSERT_TRUE(loop.run());

  EXPECT_TRUE(is_told);
}

TEST(Offload, runs_on_the_loops_own_thread_where_time_is_simulated) {
  if (!is_simulated()) GTEST_SKIP() << "needs the simulated kernel";
  EventLoop loop;
  std::optional<int> answer;

  ASSERT_TRUE(offload(
      loop, [] { return 7; }, [&](Result<int> result) { answer = *result; }));
  EXPECT_FALSE(answer) << "never inside offload";
  ASSERT_TRUE(loop.run());

  EXPECT_EQ(answer, 7);
}

}  // namespace
}  // namespace weir
