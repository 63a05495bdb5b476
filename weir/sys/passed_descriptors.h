// weir: the descriptors that travel with bytes over a Unix socket.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <span>

namespace weir::sys {

/// What one call has received beside bytes: SCM_RIGHTS, unix(7). Plain numbers, which are the caller's to close.
struct PassedDescriptors {
  static constexpr std::size_t most = 253;  ///< that one call passes: SCM_MAX_FD

  std::array<int, most> numbers;  ///< filled as far as `count`
  std::size_t count = 0;
  bool are_missing = false;  ///< more were sent: the system had no numbers for them and has closed them, MSG_CTRUNC

  std::span<const int> all() const noexcept { return std::span(numbers).first(count); }
};

}  // namespace weir::sys
