// weir: a socket that is about to listen; internal.
// SPDX-License-Identifier: MIT
#pragma once

#include "weir/base/result.h"
#include "weir/net/address.h"
#include "weir/net/listener.h"
#include "weir/net/socket.h"

namespace weir {

/// A socket at `address`, with all options that have to be set before listen(2).
Result<Socket> open_bound(const Address& address, const ListenOptions& options);

}  // namespace weir
