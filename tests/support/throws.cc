// weir: whether a call throws, found out by catching; a build without exceptions takes throws_in_child.cc instead.
// SPDX-License-Identifier: MIT
#include "tests/support/throws.h"

#include <new>
#include <system_error>

namespace weir::testing_support {

bool throws_bad_alloc(CallRunner run, void* call) {
  try {
    run(call);
    return false;
  } catch (const std::bad_alloc&) {
    return true;
  }
}

bool throws_system_error(CallRunner run, void* call) {
  try {
    run(call);
    return false;
  } catch (const std::system_error&) {
    return true;
  }
}

}  // namespace weir::testing_support
