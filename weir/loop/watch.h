// weir: the readiness of a descriptor that is not the loop's own.
// SPDX-License-Identifier: MIT
#pragma once

#include "weir/base/callback.h"
#include "weir/base/export.h"
#include "weir/base/result.h"

namespace weir {

class EventLoop;
class WatchSlot;

/// What a descriptor is ready for, or is watched for.
struct Readiness {
  bool readable = false;
  bool writable = false;
  bool closed = false;  ///< the other end hung up or failed; told whatever was asked for
};

/// Calls back in every turn in which a foreign descriptor is ready (level-triggered): a pipe, a device, a socket that
/// another library reads.
///
///     auto watch = weir::Watch::start(loop, descriptor, {.readable = true}, [](weir::Readiness) { … });
///
/// Lifetime: borrows the descriptor and never closes it; destroy the watch before closing it. May be destroyed inside any
///           callback, its own included; must be destroyed before the loop.
/// Errors:   std::errc::operation_not_permitted for a regular file, which is always ready; std::errc::file_exists when the
///           descriptor is watched already.
class WEIR_API Watch {
 public:
  static Result<Watch> start(EventLoop& loop, int descriptor, Readiness interest, Callback<void(Readiness)> callback);

  Watch() noexcept = default;
  Watch(Watch&& other) noexcept;
  Watch& operator=(Watch&& other) noexcept;
  ~Watch();

  /// Watches for something else from now on.
  Result<void> set_interest(Readiness interest);

 private:
  class State;

  explicit Watch(State& state) noexcept : state_(&state) {}

  State* state_ = nullptr;
};

}  // namespace weir
