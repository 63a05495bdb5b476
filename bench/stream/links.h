// weir: sockets whose other ends a benchmark holds: what it does to those is not measured.
// SPDX-License-Identifier: MIT
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <utility>
#include <vector>

namespace bench {

[[noreturn]] inline void give_up(const char* what) {
  std::perror(what);
  std::exit(1);
}

/// Two ends of a connection over loopback, which do not wait.
class Link {
 public:
  Link() {
    const int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* name = reinterpret_cast<sockaddr*>(&address);
    if (bind(listening, name, size) != 0 || listen(listening, 1) != 0 || getsockname(listening, name, &size) != 0)
      give_up("a listening socket");
    ours_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(ours_, name, size) != 0) give_up("connect");
    theirs_ = accept4(listening, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (theirs_ < 0 || fcntl(ours_, F_SETFL, O_NONBLOCK) != 0) give_up("accept4");
    close(listening);
    const int on = 1;
    for (const int descriptor : {ours_, theirs_}) setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  Link(Link&& other) noexcept : ours_(std::exchange(other.ours_, -1)), theirs_(std::exchange(other.theirs_, -1)) {}
  Link& operator=(Link&&) = delete;
  ~Link() {
    reset(ours_);
    reset(theirs_);
  }

  /// The end that a subject gets, and has to close.
  int give() noexcept { return std::exchange(ours_, -1); }

  /// Sends until the kernel takes no more, at most so much.
  std::size_t fill(std::size_t most) {
    static const std::vector<char> bytes(std::size_t{256} << 10, 'b');
    std::size_t sent = 0;
    while (sent < most) {
      const ssize_t count = send(theirs_, bytes.data(), std::min(bytes.size(), most - sent), MSG_NOSIGNAL);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) break;
      sent += static_cast<std::size_t>(count);
    }
    return sent;
  }

  /// Throws away what has come.
  std::size_t drain() {
    static std::vector<char> bytes(std::size_t{256} << 10);
    std::size_t received = 0;
    for (;;) {
      const ssize_t count = recv(theirs_, bytes.data(), bytes.size(), 0);
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return received;
      received += static_cast<std::size_t>(count);
    }
  }

 private:
  static void reset(int descriptor) {
    if (descriptor < 0) return;
    const linger at_once{.l_onoff = 1, .l_linger = 0};  // no port is left in TIME_WAIT
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(descriptor);
  }

  int ours_ = -1;
  int theirs_ = -1;
};

}  // namespace bench
