// weir: a histogram of durations with a bounded relative error and a fixed size.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "weir/base/time.h"

namespace weir {

/// Counts durations in buckets whose width grows with their value: 2^SplitBits in each doubling, so that what is read back
/// is within 1 / 2^(SplitBits + 1) of what was added.
///
///     DurationHistogram<3> waits;                        // within 6.25 %, 2.4 KiB
///     waits.add(120us);
///     waits += those_of_another_thread;
///     Duration p99 = waits.quantile(0.99);
///
///     bucket   0 … 15   16 … 23     24 … 31     32 … 39          (SplitBits of 3)
///     holds    1 ns     16 … 31 ns  32 … 63 ns  64 … 127 ns  …
///              each     in 2s       in 4s       in 8s
///
/// From 0 to 2^40 ns, 18 minutes: what is shorter counts as 0, what is longer as that, except in `max` and `total`.
/// A value: no memory but its own. Adding is O(1); quantiles, sums and differences are linear in the buckets.
template <unsigned SplitBits>
class DurationHistogram {
 public:
  void add(Duration duration) noexcept {
    const auto nanoseconds = static_cast<std::uint64_t>(std::max<Duration::rep>(duration.count(), 0));
    ++counts_[bucket_of(std::min(nanoseconds, most))];
    total_ += Duration(nanoseconds);
    if (duration > max_) max_ = duration;
  }

  /// Linear in the buckets: it is not kept, so that `add` has less to do.
  std::uint64_t count() const noexcept {
    std::uint64_t sum = 0;
    for (const std::uint64_t count : counts_) sum += count;
    return sum;
  }
  /// The longest; after a difference was taken only as exact as a quantile.
  Duration max() const noexcept { return max_; }
  /// All of them added up.
  Duration total() const noexcept { return total_; }

  /// The duration that `fraction` (0 to 1) of all are at or below; 0 when there are none.
  Duration quantile(double fraction) const noexcept {
    const std::uint64_t all = count();
    if (all == 0) return {};
    const auto wanted = static_cast<std::uint64_t>(std::ceil(fraction * static_cast<double>(all)));
    std::uint64_t seen = 0;
    for (std::size_t bucket = 0; bucket < buckets; ++bucket) {
      seen += counts_[bucket];
      if (seen >= std::max<std::uint64_t>(wanted, 1)) return std::min(middle_of(bucket), max_);
    }
    return max_;
  }

  /// Adds what another one has counted.
  DurationHistogram& operator+=(const DurationHistogram& other) noexcept {
    for (std::size_t bucket = 0; bucket < buckets; ++bucket) counts_[bucket] += other.counts_[bucket];
    total_ += other.total_;
    max_ = std::max(max_, other.max_);
    return *this;
  }

  /// What was added since `earlier`, a copy of this histogram: for the figures of an interval.
  DurationHistogram since(const DurationHistogram& earlier) const noexcept {
    DurationHistogram difference;
    std::size_t highest = 0;
    for (std::size_t bucket = 0; bucket < buckets; ++bucket) {
      difference.counts_[bucket] = counts_[bucket] - earlier.counts_[bucket];
      if (difference.counts_[bucket] != 0) highest = bucket;
    }
    difference.total_ = total_ - earlier.total_;
    difference.max_ = max_ > earlier.max_ ? max_ : std::min(middle_of(highest), max_);
    return difference;
  }

 private:
  static constexpr unsigned most_bits = 40;  // of a duration in nanoseconds
  static constexpr std::uint64_t most = (std::uint64_t{1} << most_bits) - 1;
  static constexpr std::size_t buckets = std::size_t{most_bits - SplitBits + 1} << SplitBits;

  /// Below 2^(SplitBits + 1) every value has its own bucket; above, the top SplitBits + 1 bits of the value choose.
  static std::size_t bucket_of(std::uint64_t nanoseconds) noexcept {
    const auto bits = static_cast<unsigned>(std::bit_width(nanoseconds));
    if (bits <= SplitBits + 1) return nanoseconds;
    const unsigned shift = bits - SplitBits - 1;
    return (std::size_t{shift} << SplitBits) + (nanoseconds >> shift);
  }

  static Duration middle_of(std::size_t bucket) noexcept {
    if (bucket < (std::size_t{2} << SplitBits)) return Duration(bucket);
    const std::size_t shift = (bucket >> SplitBits) - 1;
    const std::size_t first = (bucket - (shift << SplitBits)) << shift;
    return Duration(first + ((std::size_t{1} << shift) >> 1));
  }

  std::array<std::uint64_t, buckets> counts_{};
  Duration total_{};
  Duration max_{};
};

}  // namespace weir
