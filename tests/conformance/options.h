// weir: the socket options that scripts set and read.
// SPDX-License-Identifier: MIT
#pragma once

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "tests/conformance/script.h"

namespace weir::conformance {

inline constexpr Option accepts_connections{"SO_ACCEPTCONN", SOL_SOCKET, SO_ACCEPTCONN};
inline constexpr Option domain{"SO_DOMAIN", SOL_SOCKET, SO_DOMAIN};
inline constexpr Option error_option{"SO_ERROR", SOL_SOCKET, SO_ERROR};
inline constexpr Option keep_alive{"SO_KEEPALIVE", SOL_SOCKET, SO_KEEPALIVE};
inline constexpr Option protocol{"SO_PROTOCOL", SOL_SOCKET, SO_PROTOCOL};
inline constexpr Option receive_buffer{"SO_RCVBUF", SOL_SOCKET, SO_RCVBUF};
inline constexpr Option reuse_address{"SO_REUSEADDR", SOL_SOCKET, SO_REUSEADDR};
inline constexpr Option reuse_port{"SO_REUSEPORT", SOL_SOCKET, SO_REUSEPORT};
inline constexpr Option send_buffer{"SO_SNDBUF", SOL_SOCKET, SO_SNDBUF};
inline constexpr Option type{"SO_TYPE", SOL_SOCKET, SO_TYPE};
inline constexpr Option defer_accept{"TCP_DEFER_ACCEPT", IPPROTO_TCP, TCP_DEFER_ACCEPT};
inline constexpr Option keep_count{"TCP_KEEPCNT", IPPROTO_TCP, TCP_KEEPCNT};
inline constexpr Option keep_idle{"TCP_KEEPIDLE", IPPROTO_TCP, TCP_KEEPIDLE};
inline constexpr Option keep_interval{"TCP_KEEPINTVL", IPPROTO_TCP, TCP_KEEPINTVL};
inline constexpr Option no_delay{"TCP_NODELAY", IPPROTO_TCP, TCP_NODELAY};
inline constexpr Option user_timeout{"TCP_USER_TIMEOUT", IPPROTO_TCP, TCP_USER_TIMEOUT};
inline constexpr Option bind_no_port{"IP_BIND_ADDRESS_NO_PORT", IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT};
inline constexpr Option v6_only{"IPV6_V6ONLY", IPPROTO_IPV6, IPV6_V6ONLY};
inline constexpr Option unknown_option{"an unknown option", SOL_SOCKET, 4711};
inline constexpr Option unknown_tcp_option{"an unknown TCP option", IPPROTO_TCP, 4711};
inline constexpr Option unknown_level{"an option of an unknown level", 4711, 1};

}  // namespace weir::conformance
