// weir: what the tests of streams and servers share: peers that are not weir, connections, records.
// SPDX-License-Identifier: MIT
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "tests/support/clock_kernel.h"
#include "tests/support/descriptor_check.h"
#include "weir/loop/event_loop.h"
#include "weir/net/socket.h"
#include "weir/stream/stream.h"

namespace weir::testing_support {

/// `count` bytes, each of which depends on its place: a hole, a repeat or a swap shows.
inline std::string pattern(std::size_t count, std::size_t from = 0) {
  std::string text(count, '\0');
  for (std::size_t i = 0; i < count; ++i) {
    std::uint64_t z = (from + i) * 0x9E3779B97F4A7C15U;
    text[i] = static_cast<char>((z ^ (z >> 29)) >> 24);
  }
  return text;
}

inline std::string text_of(const Buffer& buffer) {
  std::string text(buffer.size(), '\0');
  buffer.copy_to(std::as_writable_bytes(std::span(text.data(), text.size())));
  return text;
}

/// The other end of a connection, driven by hand: none of its calls is weir's, none waits.
class Peer {
 public:
  Peer() = default;
  explicit Peer(int descriptor) : descriptor_(descriptor) {}
  Peer(Peer&& other) noexcept { *this = std::move(other); }
  Peer& operator=(Peer&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    std::swap(received, other.received);
    std::swap(has_ended, other.has_ended);
    std::swap(error, other.error);
    return *this;
  }
  ~Peer() { close(); }

  int number() const { return descriptor_; }

  /// Sends what the kernel takes now; returns how much. Notes an error.
  std::size_t send(std::string_view text) {
    std::size_t sent = 0;
    while (sent < text.size()) {
      const ssize_t count = ::send(descriptor_, text.data() + sent, text.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (count < 0) {
        if (errno != EAGAIN) error = errno;
        break;
      }
      sent += static_cast<std::size_t>(count);
    }
    return sent;
  }

  /// Takes what is there now, at most `at_most` bytes, into `received`; notes the end or an error.
  std::size_t receive(std::size_t at_most = unlimited) {
    std::array<char, 65536> bytes;
    std::size_t total = 0;
    while (total < at_most && !has_ended) {
      const ssize_t count = ::recv(descriptor_, bytes.data(), std::min(bytes.size(), at_most - total), MSG_DONTWAIT);
      if (count < 0) {
        if (errno == EAGAIN) break;
        error = errno;
        has_ended = true;
      } else if (count == 0) {
        has_ended = true;
      } else {
        received.append(bytes.data(), static_cast<std::size_t>(count));
        total += static_cast<std::size_t>(count);
      }
    }
    return total;
  }

  void finish() { ::shutdown(descriptor_, SHUT_WR); }
  /// Ends the connection at once; over TCP the other side sees a reset.
  void reset() {
    const linger now{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close();
  }
  void close() {
    if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
  }

  std::string received;
  bool has_ended = false;
  int error = 0;

 private:
  int descriptor_ = -1;
};

enum class Transport { unix_pair, tcp };
inline constexpr Transport transports[] = {Transport::unix_pair, Transport::tcp};

/// Kernel buffers to ask for; 0 leaves the system's choice. Linux doubles what is asked.
struct SocketBuffers {
  int send = 0;
  int receive = 0;
};

struct SocketPair {
  Socket ours;
  Peer peer;
};

inline void set_buffers(int descriptor, SocketBuffers buffers) {
  if (buffers.send > 0) ::setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &buffers.send, sizeof buffers.send);
  if (buffers.receive > 0) ::setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &buffers.receive, sizeof buffers.receive);
}

/// Two connected sockets, the first of which is for weir.
inline SocketPair open_sockets(Transport transport = Transport::unix_pair, SocketBuffers ours = {},
                               SocketBuffers theirs = {}) {
  int ends[2] = {-1, -1};
  if (transport == Transport::unix_pair) {
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    set_buffers(ends[1], theirs);
  } else {
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    set_buffers(listener, theirs);  // before the window is told
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof name;
    EXPECT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&name), sizeof name), 0);
    EXPECT_EQ(::listen(listener, 1), 0);
    EXPECT_EQ(::getsockname(listener, reinterpret_cast<sockaddr*>(&name), &length), 0);
    ends[0] = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    set_buffers(ends[0], ours);
    EXPECT_EQ(::connect(ends[0], reinterpret_cast<sockaddr*>(&name), sizeof name), 0);
    ends[1] = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    ::close(listener);
  }
  set_buffers(ends[0], ours);
  ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
  return {Socket(sys::Descriptor(ends[0])), Peer(ends[1])};
}

/// A connected stream and its peer.
struct Connection {
  std::unique_ptr<Stream> stream;
  Peer peer;

  Stream* operator->() const { return stream.get(); }
  Stream& operator*() const { return *stream; }
};

inline Connection connect(EventLoop& loop, StreamOptions options = {}, Transport transport = Transport::unix_pair,
                          SocketBuffers ours = {}, SocketBuffers theirs = {}) {
  SocketPair sockets = open_sockets(transport, ours, theirs);
  auto stream = Stream::adopt(loop, std::move(sockets.ours), options);
  EXPECT_TRUE(stream);
  return {*std::move(stream), std::move(sockets.peer)};
}

/// What a stream has told.
struct Record {
  std::string data;
  std::string order;  ///< one letter a callback: d(ata), e(nd), r(drained), c(losed)
  int closed = 0;
  std::error_code error;

  int count(char letter) const {
    int n = 0;
    for (const char c : order) n += c == letter ? 1 : 0;
    return n;
  }
};

/// Has everything that `stream` tells written down, and its input taken. `on_end` stays empty unless asked for.
inline void record(Stream& stream, Record& into, bool with_end = true) {
  stream.on_data([&into](Stream& s) {
    into.order += 'd';
    into.data += text_of(s.input().take_all());
  });
  if (with_end) stream.on_end([&into](Stream&) { into.order += 'e'; });
  stream.on_drained([&into](Stream&) { into.order += 'r'; });
  stream.on_closed([&into](Stream&, std::error_code error) {
    into.order += 'c';
    ++into.closed;
    into.error = error;
  });
}

inline constexpr std::chrono::seconds patience{20};

/// Makes turns that do not wait until `done()`, which may play the peers; false after 20 seconds, or when `run` fails.
template <class Done>
bool spin_until(EventLoop& loop, Done done) {
  const auto limit = std::chrono::steady_clock::now() + patience;
  while (!done()) {
    if (std::chrono::steady_clock::now() > limit) return false;
    if (!loop.poll()) return false;
  }
  return true;
}

/// A few turns that do not wait: what had to happen by itself has happened after them.
inline void settle(EventLoop& loop, int turns = 8) {
  for (int i = 0; i < turns; ++i) (void)loop.poll();
}

}  // namespace weir::testing_support
