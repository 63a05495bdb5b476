// weir: keeps a remark from being made too often.
// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "weir/base/time.h"

namespace weir::cli {

/// For what may happen thousands of times a second, and is to be told once a second at most.
///
///     if (const std::size_t times = seldom.occurred(loop.now())) log.warning("… ({} times)", times);
///
/// Threads: any.
class Seldom {
 public:
  static constexpr Duration between_remarks = std::chrono::seconds(1);

  /// How often it has occurred since it was last to be told, this time included; 0 when it is not to be told now.
  std::size_t occurred(TimePoint now) noexcept {
    count_.fetch_add(1, std::memory_order_relaxed);
    const std::int64_t present = now.time_since_epoch().count();
    std::int64_t last = last_.load(std::memory_order_relaxed);
    if (last != never && present - last < between_remarks.count()) return 0;
    if (!last_.compare_exchange_strong(last, present, std::memory_order_relaxed)) return 0;
    return count_.exchange(0, std::memory_order_relaxed);
  }

 private:
  static constexpr std::int64_t never = std::numeric_limits<std::int64_t>::min();

  std::atomic<std::int64_t> last_{never};  // nanoseconds of the monotonic clock
  std::atomic<std::size_t> count_{0};
};

}  // namespace weir::cli
