// weir: a callback after a time, or every so often.
// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

#include "weir/base/callback.h"
#include "weir/base/export.h"
#include "weir/base/time.h"

namespace weir {

class EventLoop;
class TimerSlot;

struct TimerOptions {
  /// Fires at the moment itself, as far as the system's clock and scheduler allow (some 50 microseconds), and in the exact
  /// order of the deadlines. Starting and cancelling then cost O(log n) in the number of such timers.
  bool precise = false;
  std::string name{};  ///< see Timer::set_name
};

/// Calls back once after a duration, or again and again.
///
///     weir::Timer retry(loop, [&](weir::Timer& timer) { if (!connect()) timer.start(2s); });
///     retry.start(2s);
///
///     weir::Timer pacer(loop, {.precise = true}, [&](weir::Timer&) { send_frame(); });
///     pacer.start_every(16'667us);
///
/// Never early; late by what the loop is busy with, and by up to one millisecond unless it is precise. Timers of one
/// millisecond (of one moment, if precise) fire in the order in which they were started; none is promised between precise
/// ones and others. Started again in its own callback it fires in a later turn, also with a duration of 0.
/// Lifetime: may be destroyed inside any callback, its own included; must be destroyed before the loop.
/// Threads:  the loop's.
class WEIR_API Timer {
 public:
  /// Not armed yet. The callback must not be empty.
  Timer(EventLoop& loop, Callback<void(Timer&)> callback);
  Timer(EventLoop& loop, const TimerOptions& options, Callback<void(Timer&)> callback);
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer();

  /// Fires once, `after` from now (0 or less: at the next millisecond, or at once if precise, in a later turn). A start replaces the one before.
  /// O(1), if it is not precise.
  void start(Duration after);
  /// Fires every `period`, first after one. The next deadline counts from the last one, not from the callback; deadlines
  /// that were missed altogether are skipped, not made up for. Requires period > 0.
  void start_every(Duration period);
  /// O(1), if it is not precise. After it returns the callback does not run again until the next start.
  void cancel() noexcept;

  bool is_armed() const noexcept;
  /// What EventLoop::insight and EventLoop::snapshot call it. Copied; none at first. Throws std::bad_alloc.
  void set_name(std::string_view name);
  /// Replaces the callback; allowed while it runs.
  void on_fired(Callback<void(Timer&)> callback);

 private:
  explicit Timer(TimerSlot* slot) noexcept : slot_(slot) {}

  TimerSlot* slot_;
};

}  // namespace weir
