// weir: what the process does on a signal.
// SPDX-License-Identifier: MIT
#pragma once

#include <csignal>

#include "weir/sys/call_result.h"

namespace weir::sys {

/// Sets what happens on signal `number` and gives what happened before. sigaction(2)
CallResult set_signal_action(int number, const struct sigaction& action, struct sigaction& previous);

}  // namespace weir::sys
