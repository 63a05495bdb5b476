// weir: what the process does on a signal.
// SPDX-License-Identifier: MIT
#include "weir/sys/signals.h"

#include <cerrno>

namespace weir::sys {

CallResult set_signal_action(int number, const struct sigaction& action, struct sigaction& previous) {
  return ::sigaction(number, &action, &previous) == 0 ? CallResult::success() : CallResult::failure(errno);
}

}  // namespace weir::sys
