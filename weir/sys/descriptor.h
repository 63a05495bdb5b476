// weir: a descriptor that closes itself.
// SPDX-License-Identifier: MIT
#pragma once

#include "weir/base/export.h"
#include "weir/base/unique_descriptor.h"

namespace weir::sys {

/// Closes and has nothing to say: on Linux the number is gone whatever close(2) answers (its man page, "Dealing with
/// error returns from close()"), so trying again could only hit somebody else's descriptor.
WEIR_API void close_descriptor(int descriptor);

/// Owns a descriptor and closes it through the seam.
using Descriptor = UniqueDescriptor<close_descriptor>;

}  // namespace weir::sys
