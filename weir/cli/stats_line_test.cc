// weir: tests of the line of figures.
// SPDX-License-Identifier: MIT
#include "weir/cli/stats_line.h"

#include <gtest/gtest.h>

namespace weir::cli {
namespace {

using namespace weir::literals;

TEST(ShortDuration, has_three_digits_at_every_size) {
  EXPECT_EQ(short_duration(0ns), "0 ns");
  EXPECT_EQ(short_duration(999ns), "999 ns");
  EXPECT_EQ(short_duration(1000ns), "1.00 us");
  EXPECT_EQ(short_duration(12345ns), "12.3 us");
  EXPECT_EQ(short_duration(999'400ns), "999 us");
  EXPECT_EQ(short_duration(999'600ns), "1.00 ms");
  EXPECT_EQ(short_duration(1h), "3600 s");
}

TEST(ShortAmount, has_three_digits_at_every_size) {
  EXPECT_EQ(short_amount(0), "0 ");
  EXPECT_EQ(short_amount(1234), "1.23 k");
  EXPECT_EQ(short_amount(56'700'000), "56.7 M");
}

TEST(StallSentence, names_the_longest_piece_of_work_if_any_was_long) {
  EXPECT_EQ(stall_sentence({.turn = 150ms, .slowest = {120ms, TimePoint()}}),
            "a turn of an event loop took 150 ms; longest: internal 120 ms");
  EXPECT_EQ(stall_sentence({.turn = 150ms}), "a turn of an event loop took 150 ms, of many short pieces of work");
}

TEST(StatsLine, tells_rates_of_the_interval) {
  StatsInterval interval{.length = 2s, .loops = 2, .connections = 50, .pool_bytes = 1'200'000};
  interval.insight.counters = {.accepts = 7, .receives = 200'000, .received_bytes = 11'200'000, .sent_bytes = 4'000};
  interval.insight.turn_time.add(1s);
  interval.insight.callback_time.add(400ms);

  EXPECT_EQ(
      stats_line(interval, 45),
      "50 connections (+7 -2)  in 5.60 MB/s in 100 k reads/s  out 2.00 kB/s  busy 25 %  turn p50 973 ms p99 973 ms "
      "max 1.00 s  callback p99 386 ms max 400 ms  timers late p99 -  posts waited p99 -  stalls 0  pool 1.20 MB");
}

TEST(StatsLine, ends_with_the_slowest) {
  StatsInterval interval{.length = 1s};
  SlowCallback slow(2ms, {});
  slow.kind = ObjectKind::stream;
  slow.descriptor = 9;
  interval.insight.slowest.add(slow);

  EXPECT_TRUE(stats_line(interval, 0).ends_with("pool 0 B  slowest stream fd 9: 2.00 ms"));
}

}  // namespace
}  // namespace weir::cli
