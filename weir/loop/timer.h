// weir: a callback after a time, or every so often.
// SPDX-License-Identifier: MIT
#pragma once

#include "weir/base/callback.h"
#include "weir/base/export.h"
#include "weir/base/time.h"

namespace weir {

class EventLoop;
class TimerSlot;

/// Calls back once after a duration, or again and again.
///
///     weir::Timer retry(loop, [&](weir::Timer& timer) { if (!connect()) timer.start(2s); });
///     retry.start(2s);
///
/// Never early; late by up to one millisecond and by what the loop is busy with. Timers of one millisecond fire in the
/// order in which they were started. Started again in its own callback it fires in a later turn, also with a duration of 0.
/// Lifetime: may be destroyed inside any callback, its own included; must be destroyed before the loop.
/// Threads:  the loop's.
class WEIR_API Timer {
 public:
  /// Not armed yet. The callback must not be empty.
  Timer(EventLoop& loop, Callback<void(Timer&)> callback);
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer();

  /// Fires once, `after` from now (0 or less: at the next millisecond, in a later turn). A start replaces the one before.
  /// O(1).
  void start(Duration after);
  /// Fires every `period`, first after one. The next deadline counts from the last one, not from the callback; deadlines
  /// that were missed altogether are skipped, not made up for. Requires period > 0.
  void start_every(Duration period);
  /// O(1). After it returns the callback does not run again until the next start.
  void cancel() noexcept;

  bool is_armed() const noexcept;
  /// Replaces the callback; allowed while it runs.
  void on_fired(Callback<void(Timer&)> callback);

 private:
  TimerSlot* slot_;
};

}  // namespace weir
