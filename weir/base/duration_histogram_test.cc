// weir: tests of the histogram of durations that loops count in.
// SPDX-License-Identifier: MIT
#include "weir/base/duration_histogram.h"

#include <gtest/gtest.h>

#include <cmath>

namespace weir {
namespace {

using namespace weir::literals;

using Histogram = DurationHistogram<3>;

TEST(DurationHistogram, gives_back_every_magnitude_within_a_sixteenth) {
  for (Duration::rep value = 1; value < Duration::rep{1} << 40; value = value * 17 / 16 + 1) {
    Histogram histogram;
    histogram.add(Duration(value));
    histogram.add(20min);  // so that the largest one does not help

    const auto got = static_cast<double>(histogram.quantile(0.5).count());
    EXPECT_LE(std::abs(got - static_cast<double>(value)), static_cast<double>(value) / 16) << value;
  }
}

TEST(DurationHistogram, counts_what_is_outside_its_range_at_its_ends) {
  Histogram histogram;
  histogram.add(-5s);
  histogram.add(1h);

  EXPECT_EQ(histogram.count(), 2U);
  EXPECT_EQ(histogram.quantile(0.5), 0ns);
  EXPECT_EQ(histogram.max(), 1h);
  EXPECT_EQ(histogram.total(), 1h);
}

TEST(DurationHistogram, of_two_threads_add_up) {
  Histogram sum;
  Histogram other;
  sum.add(10us);
  other.add(10us);
  other.add(3ms);

  sum += other;

  EXPECT_EQ(sum.count(), 3U);
  EXPECT_EQ(sum.max(), 3ms);
  EXPECT_EQ(sum.total(), 3ms + 20us);
  EXPECT_LT(sum.quantile(0.66), 11us);
  EXPECT_GT(sum.quantile(0.67), 2ms);
}

TEST(DurationHistogram, tells_what_came_since_an_earlier_copy) {
  Histogram histogram;
  histogram.add(1s);
  const Histogram earlier = histogram;
  histogram.add(100us);
  histogram.add(200us);

  const Histogram since = histogram.since(earlier);

  EXPECT_EQ(since.count(), 2U);
  EXPECT_EQ(since.total(), 300us);
  EXPECT_NEAR(static_cast<double>(since.max().count()), 200e3, 200e3 / 16) << "not the second of before";
}

TEST(DurationHistogram, knows_the_longest_exactly_when_it_came_since) {
  Histogram histogram;
  histogram.add(100us);
  const Histogram earlier = histogram;
  histogram.add(12345us);

  EXPECT_EQ(histogram.since(earlier).max(), 12345us);
  EXPECT_EQ(histogram.since(histogram).max(), 0ns);
  EXPECT_EQ(histogram.since(histogram).quantile(0.99), 0ns);
}

}  // namespace
}  // namespace weir
