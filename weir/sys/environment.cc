// weir: the environment of the process.
// SPDX-License-Identifier: MIT
#include "weir/sys/environment.h"

#include <cstdlib>

namespace weir::sys {

std::string_view environment(const char* name) noexcept {
  const char* value = std::getenv(name);
  return value != nullptr ? std::string_view(value) : std::string_view();
}

}  // namespace weir::sys
