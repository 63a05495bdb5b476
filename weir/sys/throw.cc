// weir: every throw of the library; a build without exceptions takes throw_terminating.cc instead.
// SPDX-License-Identifier: MIT
#include <new>

#include "weir/base/error.h"

namespace weir {

void throw_error(std::error_code error) { throw std::system_error(error); }

void throw_bad_alloc() { throw std::bad_alloc(); }

}  // namespace weir
