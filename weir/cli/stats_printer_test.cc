// weir: tests of the line of figures that several loops give together.
// SPDX-License-Identifier: MIT
#include "weir/cli/stats_printer.h"

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>
#include <vector>

namespace weir::cli {
namespace {

using namespace weir::literals;

TEST(StatsPrinter, tells_how_many_threads_have_not_answered_and_goes_on_when_they_have) {
  auto threads = *LoopThreads::create({.count = 3});
  std::promise<void> asked;
  std::vector<std::string> lines;
  StatsPrinter printer(
      *threads, 1ms, [] { return std::size_t{7}; },
      [&](std::string_view line) {
        lines.emplace_back(line);
        if (lines.size() == 1) asked.set_value();
        if (line.find("not answered") == std::string_view::npos) threads->stop();
      });
  threads->loop(2).post(
      [answer = asked.get_future()] { answer.wait(); });  // this one is busy until its absence is told

  ASSERT_TRUE(threads->run());

  ASSERT_GE(lines.size(), 2U);
  EXPECT_EQ(lines.front().substr(1), " of 3 threads have not answered");
  EXPECT_EQ(lines.back().substr(0, 14), "7 connections ");
}

}  // namespace
}  // namespace weir::cli
