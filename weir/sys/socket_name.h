// weir: a socket's address as the kernel takes and gives it.
// SPDX-License-Identifier: MIT
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace weir::sys {

/// Storage for the name of an internet or Unix socket, with the length that is in use.
struct SocketName {
  union {
    sockaddr any;
    sockaddr_in v4;
    sockaddr_in6 v6;
    sockaddr_un local;
  };
  socklen_t length;

  SocketName() noexcept : local{}, length(sizeof(sockaddr_un)) {}
};

}  // namespace weir::sys
