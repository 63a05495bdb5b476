// weir: whether a call throws, found out by catching; a build without exceptions takes throws_in_child.cc instead.
// SPDX-License-Identifier: MIT
#include "tests/support/throws.h"

#include <exception>
#include <new>
#include <system_error>

namespace weir::testing_support {
namespace {

class Something final : public std::exception {
 public:
  const char* what() const noexcept override { return "something was thrown"; }
};

template <class Expected>
bool throws(CallRunner run, void* call) {
  try {
    run(call);
    return false;
  } catch (const Expected&) {
    return true;
  }
}

}  // namespace

bool throws_bad_alloc(CallRunner run, void* call) { return throws<std::bad_alloc>(run, call); }

bool throws_system_error(CallRunner run, void* call) { return throws<std::system_error>(run, call); }

bool throws_something(CallRunner run, void* call) { return throws<Something>(run, call); }

bool can_throw() noexcept { return true; }

void throw_something() { throw Something(); }

}  // namespace weir::testing_support
