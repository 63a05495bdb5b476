// weir: what stands for every throw of the library where there are no exceptions.
// SPDX-License-Identifier: MIT
#include <cstdio>
#include <exception>

#include "weir/base/error.h"

namespace weir {
namespace {

/// Not abort: the program's terminate handler is where it hears of such an end, as it does when operator new has no memory.
[[noreturn]] void end_process(const char* reason) {
  std::fprintf(stderr, "weir: %s; without exceptions the process ends here\n", reason);
  std::terminate();
}

}  // namespace

void throw_error(std::error_code error) { end_process(error.message().c_str()); }

void throw_bad_alloc() { end_process("out of memory, or of what the pool's limit allows"); }

}  // namespace weir
