// weir: a descriptor that closes itself.
// SPDX-License-Identifier: MIT
#include "weir/sys/descriptor.h"

#include <fcntl.h>

#include <cerrno>

#include "weir/sys/calls.h"

namespace weir::sys {

CallResult duplicate(int descriptor) {
  const int made = ::fcntl(descriptor, F_DUPFD_CLOEXEC, 3);  // never in the place of a standard one that is closed
  return made >= 0 ? CallResult::success(made) : CallResult::failure(errno);
}

void close_descriptor(int descriptor) { (void)close(descriptor); }

}  // namespace weir::sys
