// weir: measures a loop while it runs; internal.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>

#include "weir/loop/insight.h"

namespace weir {

/// One look at the clock for each piece of work, whose time ends there and whose successor's begins there.
///
/// Invariant: `boundary_` is when the last piece of work, or the wait, has ended.
/// Threads:   the loop's.
class InsightRecorder {
 public:
  /// A turn that is over, or a piece of work, counts as a stall beyond `limit`.
  void set_stall_limit(Duration limit) noexcept {
    stall_limit_ = limit;
    update_threshold();
  }

  /// What has been measured; the counters that others keep are missing.
  const LoopInsight& measured() const noexcept { return insight_; }
  LoopCounters& counters() noexcept { return insight_.counters; }
  void forget_slowest() noexcept {
    insight_.slowest.clear();
    update_threshold();
  }

  /// Work begins that belongs to no turn.
  void begin(TimePoint now) noexcept { boundary_ = now; }
  void turn_began(TimePoint now) noexcept { boundary_ = turn_began_ = now; }
  /// A turn, or the part of it up to where it was cut short, is over.
  void turn_ended() noexcept {
    const Duration taken = boundary_ - turn_began_;
    insight_.turn_time.add(taken);
    if (std::max(taken, slowest_of_turn_.duration) > stall_limit_) [[unlikely]]
      note_stall(taken);
    slowest_of_turn_.duration = {};
  }
  /// True once after a stall.
  bool take_stall(Stall& stall) noexcept {
    if (!has_stall_) return false;
    has_stall_ = false;
    stall = stall_;
    return true;
  }

  void callback_ended(const Slot& slot) noexcept;
  void task_ended() noexcept;
  /// What the task that runs is called.
  void name_task(const char* name) noexcept {
    task_name_ = name;
    named_task_ = insight_.counters.posts;
  }

  /// Tasks were fetched of which the oldest was pushed at `pushed`.
  void tasks_fetched(TimePoint pushed) noexcept { insight_.post_delay.add(boundary_ - pushed); }
  void timer_fired(TimePoint deadline) noexcept {
    ++insight_.counters.timers;
    limit_passed(deadline);
  }
  /// Something other than a Timer had to happen at `deadline`, and happens now.
  void limit_passed(TimePoint deadline) noexcept { insight_.timer_lateness.add(boundary_ - deadline); }
  void received(std::size_t bytes) noexcept {
    ++insight_.counters.receives;
    insight_.counters.received_bytes += bytes;
  }
  void sent(std::size_t bytes) noexcept {
    ++insight_.counters.sends;
    insight_.counters.sent_bytes += bytes;
  }

 private:
  Duration note_callback() noexcept;
  void note_slow(const SlowCallback& callback) noexcept;
  void note_stall(Duration turn) noexcept;
  void update_threshold() noexcept { slow_from_ = std::min(insight_.slowest.threshold(), stall_limit_ / 8); }

  TimePoint boundary_{};
  TimePoint turn_began_{};
  Duration slow_from_ = SlowestCallbacks::shortest;
  Duration stall_limit_ = Duration::max();
  SlowCallback slowest_of_turn_;
  Stall stall_;
  bool has_stall_ = false;
  const char* task_name_ = nullptr;
  std::uint64_t named_task_ = ~std::uint64_t{0};  ///< whose name that is: the number of tasks that had ended before it
  LoopInsight insight_;
};

}  // namespace weir
