// weir: the last words of a process that a programmer error ends.
// SPDX-License-Identifier: MIT
#include "weir/base/expects.h"

#include <cstdio>
#include <cstdlib>

namespace weir {

void expectation_failed(const char* file, int line, const char* function) {
  std::fprintf(stderr, "weir: %s:%d: a precondition of %s does not hold; this is an error in the calling program\n",
               file, line, function);
  std::abort();
}

}  // namespace weir
