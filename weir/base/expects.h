// weir: checks for programmer errors, always on at public edges.
// SPDX-License-Identifier: MIT
#pragma once

#include "weir/base/export.h"

namespace weir {

/// Ends the process after one line on stderr that names the broken condition and its place.
/// This is the only text the library prints of itself: the process is about to end, and nothing else could tell why.
/// Defined in sys/, where system calls are made.
[[noreturn]] WEIR_API void expectation_failed(const char* file, int line, const char* function);

/// Aborts unless `condition` holds. For mistakes of the calling program only; nothing that comes from the network,
/// from a file or from the kernel may reach a false one.
constexpr void expects(bool condition, const char* file = __builtin_FILE(), int line = __builtin_LINE(),
                       const char* function = __builtin_FUNCTION()) {
  if (!condition) [[unlikely]] {
    expectation_failed(file, line, function);
  }
}

}  // namespace weir
