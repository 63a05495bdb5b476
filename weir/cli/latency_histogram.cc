// weir: a histogram of durations with a small relative error.
// SPDX-License-Identifier: MIT
#include "weir/cli/latency_histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace weir::cli {

void LatencyHistogram::add(Duration duration) noexcept {
  constexpr std::uint64_t most = (std::uint64_t{1} << most_bits) - 1;
  const auto nanoseconds = static_cast<std::uint64_t>(std::max<Duration::rep>(duration.count(), 0));
  ++counts_[bucket_of(std::min(nanoseconds, most))];
  ++count_;
  max_ = std::max(max_, duration);
}

Duration LatencyHistogram::quantile(double fraction) const noexcept {
  if (count_ == 0) return {};
  const auto wanted = static_cast<std::uint64_t>(std::ceil(fraction * static_cast<double>(count_)));
  std::uint64_t seen = 0;
  for (std::size_t bucket = 0; bucket < buckets; ++bucket) {
    seen += counts_[bucket];
    if (seen >= std::max<std::uint64_t>(wanted, 1)) return std::min(middle_of(bucket), max_);
  }
  return max_;
}

/// Below 2 × 128 ns every value has its own bucket; above, the top eight bits of the value choose.
std::size_t LatencyHistogram::bucket_of(std::uint64_t nanoseconds) noexcept {
  const auto bits = static_cast<unsigned>(std::bit_width(nanoseconds));
  if (bits <= split_bits + 1) return nanoseconds;
  const unsigned shift = bits - split_bits - 1;
  return (std::size_t{shift} << split_bits) + (nanoseconds >> shift);
}

Duration LatencyHistogram::middle_of(std::size_t bucket) noexcept {
  if (bucket < (std::size_t{2} << split_bits)) return Duration(bucket);
  const std::size_t shift = (bucket >> split_bits) - 1;
  const std::size_t first = (bucket - (shift << split_bits)) << shift;
  return Duration(first + ((std::size_t{1} << shift) >> 1));
}

}  // namespace weir::cli
