// weir: sockets, pairs and pipes that are not weir's, on whichever kernel the test runs.
// SPDX-License-Identifier: MIT
#pragma once

#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/test_kernel.h"
#include "weir/base/bytes.h"
#include "weir/sys/calls.h"
#include "weir/sys/descriptor.h"

namespace weir::testing_support {

/// True when the descriptor has one of the events now, or gets it within `limit`.
inline bool wait_for(const sys::Descriptor& descriptor, std::uint32_t events, Duration limit) {
  const Undisturbed undisturbed;
  const sys::Descriptor epoll(sys::create_epoll().number());
  EXPECT_TRUE(sys::control_epoll(epoll.number(), EPOLL_CTL_ADD, descriptor.number(), {.events = events, .data = {}}));
  std::array<epoll_event, 1> happened;
  const sys::CallResult waited = sys::wait_epoll(epoll.number(), happened, limit);
  return waited && waited.count() == 1;
}

/// Kernel buffers to ask for; 0 leaves the system's choice. Linux doubles what is asked.
struct SocketBuffers {
  int send = 0;
  int receive = 0;
};

inline void set_buffers(const sys::Descriptor& descriptor, SocketBuffers buffers) {
  const Undisturbed undisturbed;
  if (buffers.send > 0) (void)sys::set_option(descriptor.number(), SOL_SOCKET, SO_SNDBUF, buffers.send);
  if (buffers.receive > 0) (void)sys::set_option(descriptor.number(), SOL_SOCKET, SO_RCVBUF, buffers.receive);
}

/// 127.0.0.1 with a port of the system's choice.
inline sys::SocketName loopback_name() {
  sys::SocketName name;
  name.v4 = {};
  name.v4.sin_family = AF_INET;
  name.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  name.length = sizeof name.v4;
  return name;
}

/// A client, connected when this returns. With `error` it may also fail, which that tells.
inline sys::Descriptor connect_to(const sys::SocketName& name, SocketBuffers buffers = {}, int* error = nullptr) {
  const Undisturbed undisturbed;
  sys::Descriptor socket(sys::open_socket(name.any.sa_family, SOCK_STREAM).number());
  set_buffers(socket, buffers);
  int outcome = sys::connect(socket.number(), name).error_number();
  if (outcome == EINPROGRESS) {
    EXPECT_TRUE(wait_for(socket, EPOLLOUT, std::chrono::seconds(10)));
    EXPECT_TRUE(sys::get_option(socket.number(), SOL_SOCKET, SO_ERROR, outcome));
  }
  EXPECT_TRUE(outcome == 0 || error != nullptr) << outcome;
  if (error != nullptr) *error = outcome;
  return socket;
}

/// A TCP socket that listens on a port of the system's choice.
struct ListeningSocket {
  explicit ListeningSocket(int backlog = 4096, SocketBuffers buffers = {}) {
    const Undisturbed undisturbed;
    descriptor.reset(sys::open_socket(AF_INET, SOCK_STREAM).number());
    set_buffers(descriptor, buffers);  // before the window is told to anybody
    EXPECT_TRUE(sys::bind(descriptor.number(), name));
    EXPECT_TRUE(sys::listen(descriptor.number(), backlog));
    EXPECT_TRUE(sys::local_name(descriptor.number(), name));
  }

  /// The next connection that waits; none when there is none.
  sys::Descriptor accept() const {
    const Undisturbed undisturbed;
    sys::SocketName client;
    const sys::CallResult accepted = sys::accept(descriptor.number(), client);
    return sys::Descriptor(accepted ? accepted.number() : sys::Descriptor::none);
  }

  /// A socket that connects here; `in_progress` tells whether it is still at it.
  sys::Descriptor connect(bool* in_progress = nullptr) const {
    const Undisturbed undisturbed;
    sys::Descriptor socket(sys::open_socket(AF_INET, SOCK_STREAM).number());
    (void)sys::connect(socket.number(), name);
    if (in_progress != nullptr) *in_progress = !wait_for(socket, EPOLLOUT, {});
    return socket;
  }

  /// Fills the queue until a further connection stays in progress; returns all of them, that one last.
  std::vector<sys::Descriptor> fill() const {
    std::vector<sys::Descriptor> connections;
    for (bool in_progress = false; !in_progress && connections.size() < 100;) {
      connections.push_back(connect(&in_progress));
    }
    return connections;
  }

  sys::Descriptor descriptor;
  sys::SocketName name = loopback_name();
};

/// Both ends of a connection: `near` for what is under test, `far` for the test itself. Non-blocking, close-on-exec.
struct Pair {
  sys::Descriptor near;
  sys::Descriptor far;
};

inline Pair unix_pair() {
  const Undisturbed undisturbed;
  std::array<int, 2> ends{-1, -1};
  EXPECT_TRUE(sys::create_socket_pair(AF_UNIX, SOCK_STREAM, ends));
  return {sys::Descriptor(ends[0]), sys::Descriptor(ends[1])};
}

/// A pipe: `near` is the end to read, `far` the one to write.
inline Pair pipe_pair() {
  const Undisturbed undisturbed;
  std::array<int, 2> ends{-1, -1};
  EXPECT_TRUE(sys::create_pipe(ends));
  return {sys::Descriptor(ends[0]), sys::Descriptor(ends[1])};
}

/// A TCP connection over loopback, made before this returns. `near` is the end that was accepted.
inline Pair tcp_pair() {
  const Undisturbed undisturbed;
  const ListeningSocket listening(1);
  sys::Descriptor far = connect_to(listening.name);
  sys::Descriptor near = listening.accept();
  EXPECT_TRUE(near);
  return {std::move(near), std::move(far)};
}

/// Sends as much as the kernel takes; returns how much that was.
inline std::size_t write_some(const sys::Descriptor& to, std::string_view bytes) {
  const Undisturbed undisturbed;
  const sys::CallResult written = sys::send(to.number(), as_bytes(bytes));
  return written ? written.count() : 0;
}

/// Everything that can be read without waiting.
inline std::string read_some(const sys::Descriptor& from) {
  const Undisturbed undisturbed;
  std::string result;
  std::array<char, 16384> chunk;
  for (;;) {
    const sys::CallResult got = sys::read(from.number(), std::as_writable_bytes(std::span(chunk)));
    if (!got || got.count() == 0) return result;
    result.append(chunk.data(), got.count());
  }
}

/// Closes a TCP descriptor with a reset instead of an orderly end.
inline void close_with_reset(sys::Descriptor descriptor) {
  const Undisturbed undisturbed;
  EXPECT_TRUE(sys::set_option(descriptor.number(), SOL_SOCKET, SO_LINGER, linger{.l_onoff = 1, .l_linger = 0}));
  descriptor.reset();
}

}  // namespace weir::testing_support
