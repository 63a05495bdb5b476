// weir: what an event loop has measured and counted.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "weir/base/duration_histogram.h"
#include "weir/base/export.h"
#include "weir/base/time.h"
#include "weir/loop/object_state.h"
#include "weir/loop/slot.h"

namespace weir {

/// Within 6.25 %, 2.4 KiB.
using LoopHistogram = DurationHistogram<3>;

/// How often things have happened on a loop since it was made.
struct LoopCounters {
  std::uint64_t turns = 0;
  std::uint64_t sleeps = 0;     ///< turns that waited for something, and did not only look whether it was there
  std::uint64_t wakes = 0;      ///< times that a post, a stop or a signal from elsewhere ended a wait
  std::uint64_t callbacks = 0;  ///< pieces of work, as LoopInsight has it
  std::uint64_t posts = 0;      ///< tasks that were run
  std::uint64_t timers = 0;     ///< times that a Timer has fired
  std::uint64_t accepts = 0;    ///< connections that a listener was given
  std::uint64_t connects = 0;   ///< attempts that had to be waited for, and are over
  std::uint64_t receives = 0;   ///< calls that brought bytes
  std::uint64_t received_bytes = 0;
  std::uint64_t sends = 0;  ///< calls that took bytes
  std::uint64_t sent_bytes = 0;
  std::uint64_t stalls = 0;        ///< turns that were longer than the stall limit
  std::uint64_t stale_events = 0;  ///< events of an earlier owner of a descriptor number, dropped

  WEIR_API LoopCounters& operator+=(const LoopCounters& other) noexcept;
  WEIR_API LoopCounters since(const LoopCounters& earlier) const noexcept;
};

/// A piece of work that took long, and whose it was.
class WEIR_API SlowCallback {
 public:
  static constexpr std::size_t most_name_bytes = 47;  ///< of a name; the rest is cut off

  SlowCallback() noexcept = default;
  SlowCallback(Duration taken, TimePoint end) noexcept : duration(taken), ended(end) {}
  /// Of a posted task, which has a name or not.
  SlowCallback(Duration taken, TimePoint end, std::string_view task) noexcept;
  /// Of an object; it may be gone when this is looked at.
  SlowCallback(Duration taken, TimePoint end, const Slot& slot) noexcept;

  /// Empty when the object, or the task, has none.
  std::string_view name() const noexcept { return {name_.data(), name_size_}; }

  Duration duration{};
  TimePoint ended{};
  ObjectKind kind = ObjectKind::internal;
  int descriptor = -1;
  SlotId slot{};  ///< tells objects without a name apart

 private:
  void keep_name(std::string_view name) noexcept;

  std::uint8_t name_size_ = 0;
  std::array<char, most_name_bytes> name_{};
};

/// The objects with the longest pieces of work: of each the longest, longest first. Posted tasks of one name
/// count as one object, and so do those without a name.
class WEIR_API SlowestCallbacks {
 public:
  static constexpr std::size_t most = 8;
  /// What is shorter is not listed, though there is room: so an unsuspicious loop has nothing to do for it.
  static constexpr Duration shortest = std::chrono::microseconds(50);

  std::size_t size() const noexcept { return size_; }
  bool is_empty() const noexcept { return size_ == 0; }
  const SlowCallback& operator[](std::size_t index) const noexcept { return callbacks_[index]; }
  const SlowCallback* begin() const noexcept { return callbacks_.data(); }
  const SlowCallback* end() const noexcept { return callbacks_.data() + size_; }

  /// What is not longer than this changes nothing.
  Duration threshold() const noexcept { return size_ < most ? shortest : callbacks_[most - 1].duration; }
  /// Puts it in its place, and what the same object had there before away.
  void add(const SlowCallback& callback) noexcept;
  /// Those of another loop: its objects are others.
  SlowestCallbacks& operator+=(const SlowestCallbacks& other) noexcept;
  void clear() noexcept { size_ = 0; }

 private:
  void insert(const SlowCallback& callback) noexcept;

  std::array<SlowCallback, most> callbacks_{};
  std::size_t size_ = 0;
};

/// What a loop has measured since it was made. A value of some 10 KiB: it may be copied, sent to another thread, added to
/// those of other loops, and compared with an earlier one.
///
///     weir::LoopInsight now = loop.insight();
///     weir::LoopInsight last_second = now.since(before);
///     std::printf("%lld us\n", (long long)last_second.turn_time.quantile(0.99).count() / 1000);
///     for (const weir::SlowCallback& slow : now.slowest) …
///
/// A *callback* is here a piece of work that the loop hands out: what one event of a descriptor brings (at most one receive,
/// your callbacks, the sends that follow from them), one timer, one posted task, one object's deferred work, one hook. It
/// begins where the one before has ended, since the clock is read once between two of them.
///
///     wait │ stream 7 │ stream 9 │ timer │ task │ task │ deferred │ wait         │: one look at the clock
///          ├──────────┤ a callback                                │
///          ├──────────────────────────────────────────────────────┤ the turn
struct LoopInsight {
  LoopCounters counters;
  LoopHistogram turn_time;      ///< from the end of a wait to the end of the last callback
  LoopHistogram callback_time;  ///< also of hooks before the wait, which belong to no turn
  /// Of Timers, and of the time limits of streams, watches, connectors and servers that were reached: how long after the
  /// moment that was asked for it was heard of.
  LoopHistogram timer_lateness;
  LoopHistogram post_delay;  ///< how long the oldest of the tasks that were fetched together had waited
  SlowestCallbacks slowest;

  /// Adds those of another loop.
  WEIR_API LoopInsight& operator+=(const LoopInsight& other) noexcept;
  /// What came since `earlier`, of the same loop; but `slowest` stays that of all time. See DurationHistogram::since.
  WEIR_API LoopInsight since(const LoopInsight& earlier) const noexcept;
};

/// A turn that was longer than EventLoop::Options::stall_limit, or that had a hook before its wait that was.
struct Stall {
  Duration turn{};  ///< how long it was
  /// The longest piece of work in it that took more than an eighth of the limit. With a duration of 0 there was none: many
  /// short ones have made the turn long.
  SlowCallback slowest{};
};

}  // namespace weir
