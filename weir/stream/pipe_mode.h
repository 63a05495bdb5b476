// weir: keeps calls on a pipe, terminal or device from waiting, and others from noticing; internal.
// SPDX-License-Identifier: MIT
#pragma once

#include "weir/base/result.h"
#include "weir/sys/descriptor.h"
#include "weir/sys/kernel.h"

namespace weir {

/// How one descriptor is kept from waiting. O_NONBLOCK belongs to the open file, which other processes may have as well.
class PipeMode {
 public:
  /// Finds out what the descriptor is, and puts one of an open file of its own in its place if calls on it could wait and the
  /// system gives such a one.
  Result<void> prepare(sys::Descriptor& descriptor);
  /// Sets O_NONBLOCK where that is still needed.
  Result<void> apply(int descriptor);
  /// Takes it back, if it was `apply` that has set it.
  void restore(int descriptor) noexcept;

  bool is_socket() const noexcept { return kind_ == sys::FileKind::socket; }
  /// True of what reports a hang-up by EIO. The master side of a pseudo-terminal is such a device too.
  bool is_terminal() const noexcept { return kind_ == sys::FileKind::terminal || kind_ == sys::FileKind::other; }

 private:
  bool can_wait() const noexcept { return kind_ != sys::FileKind::socket && kind_ != sys::FileKind::regular; }

  sys::FileKind kind_ = sys::FileKind::other;
  bool is_changed_ = false;
};

}  // namespace weir
