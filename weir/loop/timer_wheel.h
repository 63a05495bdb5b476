// weir: a hierarchical timing wheel with ticks of one millisecond.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <limits>

#include "weir/base/list.h"
#include "weir/base/time.h"

namespace weir {

struct WheelTag;

/// A place in the wheel; derive from it. Armed while it is linked.
class WheelTimer : public ListHook<WheelTag> {
 public:
  bool is_armed() const noexcept { return is_linked(); }
  /// The tick at which it fires. Only while armed, and in `fired`.
  std::uint64_t tick() const noexcept { return tick_; }

 protected:
  ~WheelTimer() = default;

 private:
  friend class TimerWheel;

  /// The moment has come. The timer is unarmed already and may be armed again, or freed.
  virtual void fired() = 0;

  std::uint64_t tick_ = 0;
};

/// Timers by tick, then by insertion, at constant cost for arming and cancelling.
///
///     level 0   256 slots of 1 tick        the next 0.25 s
///     level 1    64 slots of 256 ticks     … 16 s
///     level 2    64 slots of 2^14 ticks    … 17 min
///     level 3    64 slots of 2^20 ticks    … 18 h
///     far        a list                    looked at once in 18 h
///
/// A timer stands on the level of the highest digit in which its tick differs from the present one, so it moves down
/// exactly when the present reaches its slot: timers of one tick stay in the order of their insertion.
/// Invariant: no timer fires before its tick. Nothing is done for ticks at which nothing is due.
class TimerWheel {
 public:
  static constexpr std::uint64_t never = std::numeric_limits<std::uint64_t>::max();

  /// Arms, or arms again, for `tick`; a tick that has come already fires with the next `advance`. O(1).
  void arm(WheelTimer& timer, std::uint64_t tick) noexcept;
  /// O(1). Nothing happens when it is not armed.
  void cancel(WheelTimer& timer) noexcept;

  std::size_t size() const noexcept { return size_; }
  std::uint64_t present() const noexcept { return present_; }

  /// The tick at which `advance` has something to do: never later than the first timer, earlier by at most three
  /// steps down the levels. `never` when no timer is armed.
  std::uint64_t next_tick() const noexcept;

  /// Fires, in order, all that is due up to and including `tick`; timers armed meanwhile wait for the next call.
  /// When a callback throws, or makes `must_stop` true, the rest is due at the next call.
  void advance(std::uint64_t tick, const bool& must_stop = never_stop);

 private:
  static constexpr bool never_stop = false;
  static constexpr std::size_t levels = 4;
  static constexpr std::array<unsigned, levels> shift = {0, 8, 14, 20};
  static constexpr std::array<unsigned, levels> slots = {256, 64, 64, 64};
  static constexpr unsigned span_bits = 26;
  static constexpr std::size_t slot_count = 256 + 3 * 64;

  static constexpr std::size_t first_slot(std::size_t level) { return level == 0 ? 0 : 256 + (level - 1) * 64; }
  static constexpr std::size_t digit(std::uint64_t tick, std::size_t level) {
    return (tick >> shift[level]) & (slots[level] - 1);
  }

  void place(WheelTimer& timer) noexcept;
  std::uint64_t next_step() const noexcept;
  std::size_t next_occupied(std::size_t level, std::size_t from) const noexcept;
  void step_to(std::uint64_t tick) noexcept;
  List<WheelTimer, WheelTag>& emptied(std::size_t slot) noexcept;
  void move_down(List<WheelTimer, WheelTag>& from) noexcept;
  void fire_due(const bool& must_stop);

  std::array<List<WheelTimer, WheelTag>, slot_count> slots_;
  std::array<std::uint64_t, slot_count / 64> occupied_{};  // a bit per slot; may be set for a slot that has emptied
  List<WheelTimer, WheelTag> far_;  // beyond the span: placed again each time the span is entered anew
  List<WheelTimer, WheelTag> due_;
  List<WheelTimer, WheelTag> late_;  // armed for the past: fires with the next advance
  std::uint64_t present_ = 0;
  std::uint64_t horizon_ = 0;  // how far `advance` goes, or went: what is armed up to here is late
  std::size_t size_ = 0;
};

}  // namespace weir
