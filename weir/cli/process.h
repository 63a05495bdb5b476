// weir: what the tool asks of its process: limits, signals, exit codes.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

namespace weir::cli {

inline constexpr int exit_success = 0;
inline constexpr int exit_failure = 1;  ///< it could not be done: a port in use, a server that is not there
inline constexpr int exit_usage = 2;    ///< the arguments make no sense
inline constexpr int exit_signal_base =
    128;  ///< plus the number of the signal that ended it at once, as a shell counts

/// Lifts the descriptor limit as far as the process may, and makes a closed stdout or stderr an error, not a death. To be
/// called before anything is opened.
void prepare_process();

/// Ends the process as it is. Its TCP connections are reset, so that none that is cut off looks like a whole one.
[[noreturn]] void exit_at_once(int exit_code);

/// How many descriptors the process may have open.
std::size_t descriptor_limit();

}  // namespace weir::cli
