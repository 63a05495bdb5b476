// weir: the last lines of a main function.
// SPDX-License-Identifier: MIT
#include "weir/base/report.h"

#include <cstdio>

namespace weir {

int report(std::error_code error) {
  if (!error) return 0;
  std::fprintf(stderr, "error: %s\n", error.message().c_str());
  return 1;
}

}  // namespace weir
