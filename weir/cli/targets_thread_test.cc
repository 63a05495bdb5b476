// weir: tests of targets that several threads choose among; they also run under ThreadSanitizer.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <thread>
#include <vector>

#include "weir/cli/seldom.h"
#include "weir/cli/targets.h"

namespace weir::cli {
namespace {

using namespace weir::literals;

TEST(TargetsThreads, that_choose_at_once_spread_evenly) {
  Targets targets({*Address::parse(":1"), *Address::parse(":2"), *Address::parse(":3")});
  std::array<std::vector<Targets::Use>, 3> uses;
  std::vector<std::thread> threads;
  for (auto& mine : uses) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) mine.push_back(*targets.choose({}, TimePoint(1s)));
    });
  }
  for (std::thread& thread : threads) thread.join();

  for (const Targets::Figures& figures : targets.figures()) EXPECT_EQ(figures.connections, 1000U);
}

TEST(TargetsThreads, that_connect_fail_and_go_leave_nothing_behind) {
  Targets targets({*Address::parse(":1"), *Address::parse(":2")});
  std::vector<std::thread> threads;
  for (int number = 0; number < 3; ++number) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) {
        const TimePoint now{std::chrono::milliseconds(i)};
        Targets::Use use = *targets.choose({}, now);
        if (i % 3 == 0) use.connected();
        if (i % 3 == 1) (void)use.failed(now);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();

  for (const Targets::Figures& figures : targets.figures()) EXPECT_EQ(figures.connections, 0U);
}

TEST(SeldomThreads, tell_once_of_all_that_has_occurred) {
  Seldom seldom;
  std::atomic<std::size_t> told = 0;
  std::vector<std::thread> threads;
  for (int number = 0; number < 3; ++number) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) told += seldom.occurred(TimePoint(1s));
    });
  }
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(told + seldom.occurred(TimePoint(3s)), 3001U);
}

}  // namespace
}  // namespace weir::cli
