// weir: a bucket that fills with tokens at a rate; internal.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "weir/base/expects.h"
#include "weir/base/time.h"
#include "weir/stream/rate_limit.h"

namespace weir {

/// Counts exactly: what a nanosecond brings of a byte is kept. Taking more than there is leaves a debt.
class TokenBucket {
 public:
  /// A new bucket has what comes in a hundredth of a second, so that a limit holds from the start; a change takes away what
  /// is above the new burst.
  void set(const Rate& rate, TimePoint now) noexcept {
    expects(rate.bytes_per_second > 0);
    if (is_limited()) {
      refill(now);
    } else {
      last_ = now;
      left_over_ = 0;
      tokens_ = unset;
    }
    rate_ = rate.bytes_per_second;
    if (!is_limited()) return;
    const std::uint64_t usual = std::max<std::uint64_t>(rate_ / 10, 16384);
    burst_ = static_cast<std::int64_t>(std::min<std::uint64_t>(rate.burst != 0 ? rate.burst : usual, most));
    tokens_ = std::min(
        tokens_ == unset ? static_cast<std::int64_t>(std::min<std::uint64_t>(rate_ / 100, most)) : tokens_, burst_);
  }

  bool is_limited() const noexcept { return rate_ != Rate::unlimited; }

  /// How many there are; less than 0 is a debt. Requires that it is limited.
  std::int64_t available(TimePoint now) noexcept {
    refill(now);
    return tokens_;
  }
  void take(std::size_t count) noexcept {
    if (is_limited()) tokens_ -= static_cast<std::int64_t>(std::min<std::size_t>(count, most));
  }

  /// How many make it worth while to begin: what comes in a hundredth of a second, at least 512, if the bucket holds that.
  std::int64_t worth_while() const noexcept {
    return std::min(
        burst_, static_cast<std::int64_t>(std::min<std::uint64_t>(std::max<std::uint64_t>(rate_ / 100, 512), most)));
  }

  /// When there will be `count`, at most `burst`. As of the last refill.
  TimePoint time_of(std::int64_t count) const noexcept {
    if (tokens_ >= count) return last_;
    const Wide missing = static_cast<Wide>(count - tokens_) * second - left_over_;
    const Wide wait = (missing + rate_ - 1) / rate_;
    constexpr Wide longest = Wide{1} << 62;
    return add_saturated(last_, Duration(static_cast<std::int64_t>(std::min(wait, longest))));
  }

 private:
  __extension__ using Wide = unsigned __int128;
  static constexpr std::uint64_t second = 1'000'000'000;
  static constexpr std::uint64_t most = std::uint64_t{1} << 62;
  static constexpr std::int64_t unset = std::numeric_limits<std::int64_t>::min();

  void refill(TimePoint now) noexcept {
    if (now <= last_) return;
    const Wide grown = static_cast<Wide>((now - last_).count()) * rate_ + left_over_;
    last_ = now;
    const Wide whole = grown / second;
    if (whole >= static_cast<Wide>(burst_ - tokens_)) {
      tokens_ = burst_;
      left_over_ = 0;
    } else {
      tokens_ += static_cast<std::int64_t>(whole);
      left_over_ = static_cast<std::uint64_t>(grown % second);
    }
  }

  std::uint64_t rate_ = Rate::unlimited;
  std::int64_t burst_ = 0;
  std::int64_t tokens_ = 0;
  std::uint64_t left_over_ = 0;  // billionths of a token
  TimePoint last_;
};

}  // namespace weir
