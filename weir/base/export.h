// weir: the mark of what the shared library exports.
// SPDX-License-Identifier: MIT
#pragma once

/// Put on every class, function or variable that users of the library may call and that is defined in a `.cc` file:
///
///     class WEIR_API Stream { … };
///     WEIR_API int report(std::error_code error);
///
/// Everything else stays hidden in the shared library. Templates and inline functions need no mark; an exception or
/// interface class that crosses the border does, for its type information.
#define WEIR_API [[gnu::visibility("default")]]
