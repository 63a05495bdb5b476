// weir: what the library has to say, for the hook that wants to hear it.
// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>
#include <system_error>

namespace weir {

/// One remark of the library. There is no log of its own: nothing is said unless a hook is set.
struct Diagnostic {
  enum class Level { info, warning, error };

  Level level;
  std::string_view message;  ///< one sentence; valid until the hook returns
  std::error_code error;     ///< what went wrong, if something did
};

}  // namespace weir
