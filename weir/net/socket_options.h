// weir: options of a connection's socket.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "weir/base/time.h"

namespace weir {

/// How the system asks an idle TCP peer for a sign of life. One that is gone without a word ends the connection with
/// std::errc::timed_out after `idle + probes * interval`, two minutes by default; one that has forgotten it, with
/// connection_reset. While sent data waits for its acknowledgement nothing is asked: see SocketOptions::user_timeout.
/// Times are whole seconds, rounded up; std::errc::invalid_argument where they are out of range. Source: tcp(7), RFC 9293
/// section 3.8.4. The defaults are weir's; Linux's own come to more than two hours.
struct KeepAlive {
  Duration idle = std::chrono::seconds(60);      ///< nothing has come for so long: 1 to 32767 s. TCP_KEEPIDLE
  Duration interval = std::chrono::seconds(10);  ///< between two probes: 1 to 32767 s. TCP_KEEPINTVL
  int probes = 6;                                ///< that stay unanswered: 1 to 127. TCP_KEEPCNT
};

/// Options of one connection's socket, for ConnectOptions, ListenOptions, Socket and `set_socket_options` of a Stream.
///
///     weir::Server::listen(loop, {.address = ":80", .listen = {.socket = {.keep_alive = weir::KeepAlive{}}}});
///
/// What is empty stays as it is: the system's default, on a socket that is new. What is TCP's is passed over on Unix sockets,
/// where it means nothing.
/// Errors: those of setsockopt(2), of the first option that fails; those behind it are not set then.
struct SocketOptions {
  /// TCP: small writes go out at once instead of waiting for the acknowledgement of earlier ones. TCP_NODELAY, RFC 9293
  /// section 3.7.4 on Nagle's algorithm.
  std::optional<bool> no_delay = true;
  /// TCP: notices a peer that is gone while nothing is sent. The system's default is not to.
  std::optional<KeepAlive> keep_alive{};
  /// TCP: how long sent data may wait for its acknowledgement, or for the peer to read, until the connection ends with
  /// std::errc::timed_out; also how long connecting may take, and instead of KeepAlive::probes. Milliseconds, rounded up;
  /// 0 is the system's default, about 15 minutes without an acknowledgement. TCP_USER_TIMEOUT, RFC 5482.
  std::optional<Duration> user_timeout{};
  /// The kernel's buffers. It grants twice as much, for its bookkeeping, and at most net.core.wmem_max and rmem_max; TCP
  /// ones no longer grow by themselves. Without effect on what a Unix socket receives. SO_SNDBUF, SO_RCVBUF: socket(7)
  std::optional<std::size_t> send_buffer_bytes{};
  std::optional<std::size_t> receive_buffer_bytes{};
  /// For routing and filters by mark. std::errc::operation_not_permitted without CAP_NET_ADMIN (CAP_NET_RAW from Linux 5.17
  /// on). SO_MARK: socket(7)
  std::optional<std::uint32_t> mark{};
};

}  // namespace weir
