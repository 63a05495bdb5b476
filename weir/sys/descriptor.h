// weir: a descriptor that closes itself.
// SPDX-License-Identifier: MIT
#pragma once

#include "weir/base/export.h"
#include "weir/base/unique_descriptor.h"
#include "weir/sys/call_result.h"

namespace weir::sys {

/// Closes and has nothing to say: on Linux the number is gone whatever close(2) answers (its man page, "Dealing with
/// error returns from close()"), so trying again could only hit somebody else's descriptor.
WEIR_API void close_descriptor(int descriptor);

/// The same open file once more, close-on-exec. A descriptor of the process: simulated kernels have nothing of the kind.
/// fcntl(2), F_DUPFD_CLOEXEC
CallResult duplicate(int descriptor);

/// Owns a descriptor and closes it through the seam.
using Descriptor = UniqueDescriptor<close_descriptor>;

}  // namespace weir::sys
