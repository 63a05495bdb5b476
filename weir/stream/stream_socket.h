// weir: the socket behind a stream.
// SPDX-License-Identifier: MIT
#pragma once

#include "weir/base/export.h"
#include "weir/base/result.h"
#include "weir/net/socket_options.h"

namespace weir {

class Stream;

/// Sets options of the socket that a stream has, one that a server has accepted say; what they are is told there.
///
///     server->on_stream([](weir::Stream& stream) {
///       (void)weir::set_socket_options(stream, {.keep_alive = weir::KeepAlive{.idle = std::chrono::seconds(30)}});
///     });
///
/// What all streams are to have is cheaper set by ListenOptions::socket and ConnectOptions::socket.
/// Errors: those of Socket::set_options; std::errc::not_connected while it connects and when it is closed;
///         std::errc::not_a_socket for pipes, terminals and files.
WEIR_API Result<void> set_socket_options(Stream& stream, const SocketOptions& options);

}  // namespace weir
