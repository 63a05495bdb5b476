// weir: a rate that the loops of several threads take from; internal.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <limits>

#include "weir/base/time.h"
#include "weir/stream/rate_node.h"

namespace weir {

/// One way of it. In place of tokens it keeps the moment up to which all that the rate brings has been handed out: one
/// number, which a compare-and-exchange moves on.
class SharedWay {
 public:
  void set(const Rate& rate) noexcept {
    expects(rate.bytes_per_second > 0);
    const std::uint64_t usual = std::max<std::uint64_t>(rate.bytes_per_second / 10, 16384);
    burst_.store(rate.burst != 0 ? rate.burst : usual, std::memory_order_relaxed);
    rate_.store(rate.bytes_per_second, std::memory_order_relaxed);
  }

  bool is_limited() const noexcept { return rate_.load(std::memory_order_relaxed) != Rate::unlimited; }

  /// How much to take at once: what comes in five milliseconds, at least one byte.
  std::int64_t worth_while() const noexcept {
    const std::uint64_t often = std::max<std::uint64_t>(rate() / 200, 1);
    return static_cast<std::int64_t>(std::min<std::uint64_t>({often, burst_.load(std::memory_order_relaxed), most}));
  }

  /// Hands out up to `wanted` bytes of what has come by `now`. Who asks first finds what is worth while: handing that out is
  /// what starts the count, however slow the rate.
  std::int64_t lease(std::int64_t wanted, TimePoint now) noexcept {
    const std::uint64_t rate = this->rate();
    const std::int64_t present = now.time_since_epoch().count();
    const std::int64_t earliest = present - time_for(burst_.load(std::memory_order_relaxed), rate);
    std::int64_t handed_out = handed_out_.load(std::memory_order_relaxed);
    for (;;) {
      const std::int64_t from = handed_out == never
                                    ? present - time_for(static_cast<std::uint64_t>(worth_while()), rate)
                                    : std::max(handed_out, earliest);
      if (from >= present) return 0;
      const auto there = static_cast<Wide>(present - from) * rate / second;
      const auto taken = static_cast<std::int64_t>(std::min<Wide>(there, static_cast<Wide>(wanted)));
      if (taken == 0) return 0;
      const std::int64_t to = from + time_for(static_cast<std::uint64_t>(taken), rate);
      if (handed_out_.compare_exchange_weak(handed_out, to, std::memory_order_relaxed)) {
        count(static_cast<std::size_t>(taken));
        return taken;
      }
    }
  }

  /// When `count` may be there, unless others are faster.
  TimePoint time_of(std::int64_t count, TimePoint now) const noexcept {
    const std::int64_t handed_out = handed_out_.load(std::memory_order_relaxed);
    const TimePoint from = handed_out == never ? now : TimePoint(Duration(handed_out));
    return add_saturated(from, Duration(time_for(static_cast<std::uint64_t>(count), rate()) + 1));
  }

  void count(std::size_t bytes) noexcept { total_.fetch_add(bytes, std::memory_order_relaxed); }
  std::uint64_t total() const noexcept { return total_.load(std::memory_order_relaxed); }

 private:
  __extension__ using Wide = unsigned __int128;
  static constexpr std::uint64_t second = 1'000'000'000;
  static constexpr std::uint64_t most = std::uint64_t{1} << 62;
  static constexpr std::int64_t never = std::numeric_limits<std::int64_t>::min();

  std::uint64_t rate() const noexcept { return rate_.load(std::memory_order_relaxed); }

  static std::int64_t time_for(std::uint64_t bytes, std::uint64_t rate) noexcept {
    const Wide time = (static_cast<Wide>(bytes) * second + rate - 1) / rate;
    return static_cast<std::int64_t>(std::min<Wide>(time, Wide{1} << 61));
  }

  std::atomic<std::uint64_t> rate_{Rate::unlimited};
  std::atomic<std::uint64_t> burst_{0};
  std::atomic<std::int64_t> handed_out_{never};  // nanoseconds of the monotonic clock
  std::atomic<std::uint64_t> total_{0};
};

class SharedRate::State {
 public:
  SharedWay& way(Direction direction) noexcept { return ways_[index_of(direction)]; }

 private:
  std::array<SharedWay, 2> ways_;
};

}  // namespace weir
