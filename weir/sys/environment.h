// weir: the environment of the process.
// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

namespace weir::sys {

/// The value of an environment variable; empty when it is not set. Valid until the program changes its environment.
std::string_view environment(const char* name) noexcept;

}  // namespace weir::sys
