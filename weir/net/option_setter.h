// weir: sets the options of a socket that may be anybody's; internal.
// SPDX-License-Identifier: MIT
#pragma once

#include <optional>

#include "weir/base/result.h"
#include "weir/net/socket_options.h"

namespace weir {

/// Sets what `options` names, on a socket that is or is not one of TCP.
Result<void> apply_options(int socket, const SocketOptions& options, bool is_tcp);
/// The same, where the system has to be asked what kind of socket it is.
Result<void> apply_options(int socket, const SocketOptions& options);

/// The timers first, for the switch sets the first of them going. None given: off.
Result<void> apply_keep_alive(int socket, const std::optional<KeepAlive>& keep_alive);

}  // namespace weir
