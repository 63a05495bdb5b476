// weir: a callback in every turn of a loop.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string_view>

#include "weir/base/callback.h"
#include "weir/base/export.h"

namespace weir {

class EventLoop;
class HookSlot;

/// Where in a turn a hook is called.
enum class HookPoint : std::uint8_t {
  before_wait,  ///< when all of the turn before is done; what the hook posts or defers keeps the loop from waiting
  after_wait,   ///< when the events are there, before any of them is served
};

/// Calls back once in every turn: to flush what was gathered, to feed another library, to measure.
///
///     weir::Hook flush(loop, weir::HookPoint::before_wait, [&] { log.flush(); });
///
/// Hooks of one point are called in the order in which they were made. They do not keep a loop from being empty.
/// Lifetime: may be destroyed inside any callback, its own included; must be destroyed before the loop.
/// Threads:  the loop's.
/// Errors:   an exception leaves `run()`, as from any callback; the hooks behind it are called in the next turn.
class WEIR_API Hook {
 public:
  Hook(EventLoop& loop, HookPoint point, Callback<void()> callback);
  Hook(const Hook&) = delete;
  Hook& operator=(const Hook&) = delete;
  ~Hook();

  /// What EventLoop::insight and EventLoop::snapshot call it. Copied; none at first. Throws std::bad_alloc.
  void set_name(std::string_view name);
  /// Replaces the callback; allowed while it runs.
  void on_turn(Callback<void()> callback);

 private:
  HookSlot* slot_;
};

}  // namespace weir
