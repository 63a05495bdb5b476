// weir: the last lines of a main function.
// SPDX-License-Identifier: MIT
#pragma once

#include "weir/base/export.h"
#include "weir/base/result.h"

namespace weir {

/// Says on stderr, in one line, what went wrong; returns 1, for `return weir::report(…)` in main. No error: says nothing
/// and returns 0. The one function of the library that prints, because it is called for that. Defined in sys/.
WEIR_API int report(std::error_code error);

template <class T>
int report(const Result<T>& result) {
  return report(result ? std::error_code() : result.error());
}

}  // namespace weir
