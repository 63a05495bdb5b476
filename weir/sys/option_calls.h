// weir: the system calls that set an option of a socket, one function each.
// SPDX-License-Identifier: MIT
#pragma once

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cstdint>

#include "weir/sys/calls.h"

namespace weir::sys {

// --- socket(7) ---

inline CallResult set_keep_alive(int socket, bool on) { return set_option(socket, SOL_SOCKET, SO_KEEPALIVE, int{on}); }
inline CallResult set_reuse_address(int socket, bool on) {
  return set_option(socket, SOL_SOCKET, SO_REUSEADDR, int{on});
}
inline CallResult set_share_port(int socket, bool on) { return set_option(socket, SOL_SOCKET, SO_REUSEPORT, int{on}); }
/// The system doubles the number, and bounds it by net.core.wmem_max and rmem_max.
inline CallResult set_send_buffer(int socket, int bytes) { return set_option(socket, SOL_SOCKET, SO_SNDBUF, bytes); }
inline CallResult set_receive_buffer(int socket, int bytes) { return set_option(socket, SOL_SOCKET, SO_RCVBUF, bytes); }
/// EPERM without CAP_NET_ADMIN, or CAP_NET_RAW from Linux 5.17 on.
inline CallResult set_mark(int socket, std::uint32_t mark) { return set_option(socket, SOL_SOCKET, SO_MARK, mark); }

// --- ip(7) and ipv6(7) ---

/// bind(2) with port 0 leaves the port to connect(2), which needs one that is free only for its peer.
inline CallResult set_bind_without_port(int socket, bool on) {
  return set_option(socket, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, int{on});
}
inline CallResult set_v6_only(int socket, bool on) { return set_option(socket, IPPROTO_IPV6, IPV6_V6ONLY, int{on}); }

// --- tcp(7); EOPNOTSUPP for a Unix socket ---

inline CallResult set_no_delay(int socket, bool on) { return set_option(socket, IPPROTO_TCP, TCP_NODELAY, int{on}); }
/// 1 to 32767, as the interval.
inline CallResult set_keep_alive_idle(int socket, int seconds) {
  return set_option(socket, IPPROTO_TCP, TCP_KEEPIDLE, seconds);
}
inline CallResult set_keep_alive_interval(int socket, int seconds) {
  return set_option(socket, IPPROTO_TCP, TCP_KEEPINTVL, seconds);
}
/// 1 to 127.
inline CallResult set_keep_alive_probes(int socket, int count) {
  return set_option(socket, IPPROTO_TCP, TCP_KEEPCNT, count);
}
inline CallResult set_user_timeout(int socket, int milliseconds) {
  return set_option(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, milliseconds);
}
inline CallResult set_defer_accept(int socket, int seconds) {
  return set_option(socket, IPPROTO_TCP, TCP_DEFER_ACCEPT, seconds);
}

}  // namespace weir::sys
