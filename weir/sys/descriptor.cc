// weir: a descriptor that closes itself.
// SPDX-License-Identifier: MIT
#include "weir/sys/descriptor.h"

#include "weir/sys/calls.h"

namespace weir::sys {

void close_descriptor(int descriptor) { (void)close(descriptor); }

}  // namespace weir::sys
