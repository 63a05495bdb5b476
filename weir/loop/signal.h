// weir: signals of the process as callbacks of a loop.
// SPDX-License-Identifier: MIT
#pragma once

#include <csignal>
#include <string_view>

#include "weir/base/callback.h"
#include "weir/base/export.h"
#include "weir/base/result.h"

namespace weir {

class EventLoop;
class SignalSlot;

/// Calls back on the loop's thread when the process gets a signal. Signals that arrive together may be told once, as the
/// system itself does (signal(7)).
///
///     auto terminate = weir::Signal::subscribe(loop, SIGTERM, [&](int) { loop.stop(); });
///     if (!terminate) return terminate.error();
///
/// The first subscription to a number, in the whole process, installs a handler (with SA_RESTART); the last one that goes
/// puts back what was there before. No signal is blocked, and none is touched that nobody subscribed to.
/// Lifetime: may be destroyed inside its own callback; must be destroyed before the loop. Keeps the loop from being empty.
/// Errors:   what sigaction(2) says (EINVAL for SIGKILL and SIGSTOP); errc::limit when 64 loops subscribe already.
class WEIR_API Signal {
 public:
  static Result<Signal> subscribe(EventLoop& loop, int number, Callback<void(int)> callback);

  Signal() noexcept = default;
  Signal(Signal&& other) noexcept;
  Signal& operator=(Signal&& other) noexcept;
  ~Signal();

  /// Replaces the callback; allowed while it runs. Requires a subscription.
  void on_signal(Callback<void(int)> callback);
  /// What EventLoop::insight and EventLoop::snapshot call it. Copied; none at first. Throws std::bad_alloc. Requires a
  /// subscription.
  void set_name(std::string_view name);

 private:
  explicit Signal(SignalSlot& slot) noexcept : slot_(&slot) {}

  SignalSlot* slot_ = nullptr;
};

/// For the loop: has the subscriptions whose signals have arrived called back, at the end of this turn.
void defer_arrived_signals(EventLoop& loop);

}  // namespace weir
