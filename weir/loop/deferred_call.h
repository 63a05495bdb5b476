// weir: a callback at the end of a turn.
// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

#include "weir/base/callback.h"
#include "weir/base/export.h"

namespace weir {

class EventLoop;

/// Calls back once at the end of the turn in which it was scheduled, however often that was: for what is worth doing once
/// for many events, and for what must not run inside of its caller.
///
///     weir::DeferredCall flush(loop, [&] { log.flush(); });
///     …
///     flush.schedule();                       // from any number of callbacks
///
/// Scheduled in a deferred call, or outside of `run`, it is called at the end of the next turn, which does not wait. Calls
/// come in the order in which they were scheduled. While one is scheduled its loop is not empty.
/// Lifetime: may be destroyed inside any callback, its own included, and is then not called; must be destroyed before the
///           loop.
/// Threads:  the loop's; EventLoop::post is for others.
/// Errors:   an exception leaves `run()`, as from any callback; the other calls come in the next turn.
class WEIR_API DeferredCall {
 public:
  DeferredCall(EventLoop& loop, Callback<void()> callback);
  DeferredCall(const DeferredCall&) = delete;
  DeferredCall& operator=(const DeferredCall&) = delete;
  ~DeferredCall();

  void schedule() noexcept;
  /// Takes it back. No effect when it is not scheduled.
  void cancel() noexcept;
  bool is_scheduled() const noexcept;
  /// What EventLoop::insight and EventLoop::snapshot call it. Copied; none at first. Throws std::bad_alloc.
  void set_name(std::string_view name);
  /// Replaces the callback; allowed while it runs.
  void on_call(Callback<void()> callback);

 private:
  class State;

  State* state_;
};

}  // namespace weir
