// weir: tests of the histogram of durations.
// SPDX-License-Identifier: MIT
#include "weir/cli/latency_histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace weir::cli {
namespace {

using namespace weir::literals;

double relative_error(Duration wanted, Duration got) {
  const auto exact = static_cast<double>(wanted.count());
  return exact == 0 ? static_cast<double>(got.count()) : std::abs(static_cast<double>(got.count()) - exact) / exact;
}

TEST(LatencyHistogram, gives_back_every_magnitude_within_half_a_percent) {
  for (Duration::rep value = 1; value < Duration::rep{1} << 40; value = value * 17 / 16 + 1) {
    LatencyHistogram histogram;
    histogram.add(Duration(value));
    histogram.add(20min);  // so that the largest one does not help

    EXPECT_LT(relative_error(Duration(value), histogram.quantile(0.5)), 0.004) << value;
  }
}

TEST(LatencyHistogram, quantiles_are_those_of_the_sorted_values) {
  LatencyHistogram histogram;
  std::mt19937_64 random(7);
  std::vector<Duration> values;
  for (int i = 0; i < 100000; ++i) {
    values.emplace_back(static_cast<Duration::rep>(std::exp(std::uniform_real_distribution(5.0, 20.0)(random))));
    histogram.add(values.back());
  }
  std::sort(values.begin(), values.end());

  for (const double fraction : {0.01, 0.5, 0.9, 0.99, 0.999}) {
    const Duration exact = values[static_cast<std::size_t>(std::ceil(fraction * 100000)) - 1];
    EXPECT_LT(relative_error(exact, histogram.quantile(fraction)), 0.01) << fraction;
  }
  EXPECT_EQ(histogram.max(), values.back());
  EXPECT_EQ(histogram.count(), 100000U);
}

TEST(LatencyHistogram, with_nothing_in_it_says_zero) {
  const LatencyHistogram histogram;

  EXPECT_EQ(histogram.quantile(0.5), 0ns);
  EXPECT_EQ(histogram.max(), 0ns);
}

TEST(LatencyHistogram, takes_durations_outside_its_range) {
  LatencyHistogram histogram;
  histogram.add(-1ns);
  histogram.add(1000h);

  EXPECT_EQ(histogram.count(), 2U);
  EXPECT_EQ(histogram.quantile(0), 0ns);
  EXPECT_EQ(histogram.max(), 1000h);
}

}  // namespace
}  // namespace weir::cli
