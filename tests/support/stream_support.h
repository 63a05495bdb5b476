// weir: what the tests of streams and servers share: peers that are not weir, connections, records.
// SPDX-License-Identifier: MIT
#pragma once

#include <gtest/gtest.h>

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

#include "tests/support/descriptor_check.h"
#include "tests/support/test_sockets.h"
#include "weir/loop/event_loop.h"
#include "weir/loop/timer.h"
#include "weir/net/address.h"
#include "weir/net/socket.h"
#include "weir/stream/stream.h"

namespace weir::testing_support {

/// `count` bytes, each of which depends on its place: a hole, a repeat or a swap shows.
inline std::string pattern(std::size_t count, std::size_t from = 0) {
  std::string text(count, '\0');
  char* const out = text.data();  // an operator[] is a call for each byte where little is inlined
  for (std::size_t i = 0; i < count; ++i) {
    std::uint64_t z = (from + i) * 0x9E3779B97F4A7C15U;
    out[i] = static_cast<char>((z ^ (z >> 29)) >> 24);
  }
  return text;
}

inline std::string text_of(const Buffer& buffer) {
  std::string text(buffer.size(), '\0');
  buffer.copy_to(std::as_writable_bytes(std::span(text.data(), text.size())));
  return text;
}

/// The other end of a connection, driven by hand: none of its calls is weir's, none waits, none fails by a plan.
class Peer {
 public:
  Peer() = default;
  explicit Peer(sys::Descriptor descriptor) : descriptor_(std::move(descriptor)) {}
  Peer(Peer&& other) noexcept { *this = std::move(other); }
  Peer& operator=(Peer&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    std::swap(received, other.received);
    std::swap(has_ended, other.has_ended);
    std::swap(error, other.error);
    return *this;
  }
  ~Peer() { close(); }

  int number() const { return descriptor_.number(); }

  /// Sends what the kernel takes now; returns how much. Notes an error.
  std::size_t send(std::string_view text) {
    const Undisturbed undisturbed;
    std::size_t sent = 0;
    while (sent < text.size()) {
      const sys::CallResult result = sys::send(number(), as_bytes(text.substr(sent)));
      if (!result) {
        if (result.error_number() != EAGAIN) error = result.error_number();
        break;
      }
      sent += result.count();
    }
    return sent;
  }

  /// Takes what is there now, at most `at_most` bytes, into `received`; notes the end or an error.
  std::size_t receive(std::size_t at_most = unlimited) {
    const Undisturbed undisturbed;
    std::array<char, 65536> bytes;
    std::size_t total = 0;
    while (total < at_most && !has_ended) {
      const auto room = std::span(bytes).first(std::min(bytes.size(), at_most - total));
      const sys::CallResult result = sys::receive(number(), std::as_writable_bytes(room));
      if (!result) {
        if (result.error_number() == EAGAIN) break;
        error = result.error_number();
        has_ended = true;
      } else if (result.count() == 0) {
        has_ended = true;
      } else {
        received.append(bytes.data(), result.count());
        total += result.count();
      }
    }
    return total;
  }

  void finish() {
    const Undisturbed undisturbed;
    (void)sys::shutdown(number(), SHUT_WR);
  }
  /// Ends the connection at once; over TCP the other side sees a reset.
  void reset() {
    const Undisturbed undisturbed;
    (void)sys::set_option(number(), SOL_SOCKET, SO_LINGER, linger{.l_onoff = 1, .l_linger = 0});
    descriptor_.reset();
  }
  void close() {
    const Undisturbed undisturbed;
    descriptor_.reset();
  }

  std::string received;
  bool has_ended = false;
  int error = 0;

 private:
  sys::Descriptor descriptor_;
};

enum class Transport { unix_pair, tcp };
inline constexpr Transport transports[] = {Transport::unix_pair, Transport::tcp};

struct SocketPair {
  Socket ours;
  Peer peer;
};

/// A listening TCP socket that is not weir's.
class Acceptor {
 public:
  explicit Acceptor(int backlog = 16) : socket_(backlog) {}

  std::string address() const { return Address(socket_.name).to_string(); }
  /// The next connection that waits; a peer without a number when none does.
  Peer accept() const { return Peer(socket_.accept()); }
  void close() { socket_.descriptor.reset(); }

 private:
  ListeningSocket socket_;
};

/// A client that is not weir, connected when this returns. With `error` it may also fail, which that tells.
inline Peer dial(const Address& to, int* error = nullptr) { return Peer(connect_to(to.name(), {}, error)); }

/// Two connected sockets, the first of which is for weir.
inline SocketPair open_sockets(Transport transport = Transport::unix_pair, SocketBuffers ours = {},
                               SocketBuffers theirs = {}) {
  if (transport == Transport::tcp) {
    const ListeningSocket listening(1, theirs);
    sys::Descriptor near = connect_to(listening.name, ours);
    return {Socket(std::move(near)), Peer(listening.accept())};
  }
  Pair pair = unix_pair();
  set_buffers(pair.near, ours);
  set_buffers(pair.far, theirs);
  return {Socket(std::move(pair.near)), Peer(std::move(pair.far))};
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

/// Makes turns until `done()`, which may play the peers; false after 20 seconds of the kernel's time, or when `run` fails.
/// On the simulated kernel a turn in which nothing happens lets a millisecond pass; on the real one it does not wait.
template <class Done>
bool spin_until(EventLoop& loop, Done done) {
  Timer tick(loop, [](Timer&) {});
  tick.start_every(std::chrono::milliseconds(1));
  const TimePoint limit = sys::monotonic_now() + patience;
  while (!done()) {
    if (sys::monotonic_now() > limit) return false;
    if (!(is_simulated() ? loop.run_once() : loop.poll())) return false;
  }
  return true;
}

/// A few turns that do not wait: what had to happen by itself has happened after them.
inline void settle(EventLoop& loop, int turns = 8) {
  for (int i = 0; i < turns; ++i) (void)loop.poll();
}

}  // namespace weir::testing_support
