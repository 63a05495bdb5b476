// weir: connected descriptors and slots that record what a loop tells them, for tests.
// SPDX-License-Identifier: MIT
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/descriptor_check.h"
#include "weir/loop/backend.h"
#include "weir/loop/event_loop.h"
#include "weir/loop/io_slot.h"
#include "weir/sys/calls.h"

namespace weir::testing_support {

/// Both ends of a connection: `near` for the loop under test, `far` for the test itself. Non-blocking, close-on-exec.
struct Pair {
  sys::Descriptor near;
  sys::Descriptor far;
};

inline Pair unix_pair() {
  int numbers[2] = {-1, -1};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, numbers), 0);
  return {sys::Descriptor(numbers[0]), sys::Descriptor(numbers[1])};
}

/// A pipe: `near` is the end to read, `far` the one to write.
inline Pair pipe_pair() {
  int numbers[2] = {-1, -1};
  EXPECT_EQ(::pipe2(numbers, O_NONBLOCK | O_CLOEXEC), 0);
  return {sys::Descriptor(numbers[0]), sys::Descriptor(numbers[1])};
}

/// A TCP connection over loopback, made before this returns.
inline Pair tcp_pair() {
  sys::Descriptor listening(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof name;
  EXPECT_EQ(::bind(listening.number(), reinterpret_cast<sockaddr*>(&name), length), 0);
  EXPECT_EQ(::listen(listening.number(), 1), 0);
  EXPECT_EQ(::getsockname(listening.number(), reinterpret_cast<sockaddr*>(&name), &length), 0);
  sys::Descriptor far(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(::connect(far.number(), reinterpret_cast<sockaddr*>(&name), length), 0);
  EXPECT_EQ(::fcntl(far.number(), F_SETFL, O_NONBLOCK), 0);
  sys::Descriptor near(::accept4(listening.number(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  EXPECT_TRUE(near);
  return {std::move(near), std::move(far)};
}

/// Writes as much as the kernel takes; returns how much that was.
inline std::size_t write_some(const sys::Descriptor& to, std::string_view bytes) {
  const auto written = ::send(to.number(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  return written < 0 ? 0 : static_cast<std::size_t>(written);
}

/// Everything that can be read without waiting.
inline std::string read_some(const sys::Descriptor& from) {
  std::string result;
  char chunk[16384];
  for (;;) {
    const auto got = ::read(from.number(), chunk, sizeof chunk);
    if (got <= 0) return result;
    result.append(chunk, static_cast<std::size_t>(got));
  }
}

/// Closes a TCP descriptor with a reset instead of an orderly end.
inline void close_with_reset(sys::Descriptor descriptor) {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  EXPECT_EQ(::setsockopt(descriptor.number(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
  descriptor.reset();
}

/// Bytes that are different at every position for a long way, so that a lost, doubled or moved one shows.
inline std::string numbered_bytes(std::size_t count, std::uint32_t seed = 1) {
  std::string bytes(count, '\0');
  std::uint32_t state = seed * 2654435761U + 1;
  for (char& byte : bytes) {
    state = state * 1664525U + 1013904223U;
    byte = static_cast<char>(state >> 24);
  }
  return bytes;
}

/// The text as a buffer of many slices that do not merge: each piece is of another copy than its neighbours.
class Scattered {
 public:
  explicit Scattered(std::string text) : copies_{text, text} {}

  const std::string& text() const { return copies_[0]; }

  /// Pieces of `size` bytes. The memory is this object's.
  Buffer buffer(std::size_t size) const {
    Buffer pieces;
    for (std::size_t at = 0, i = 0; at < text().size(); at += size, ++i) {
      pieces.append_static(std::string_view(copies_[i % 2]).substr(at, size));
    }
    return pieces;
  }

 private:
  std::string copies_[2];
};

/// Releases a probe as a handle of the library releases its slot: at any time, also inside a callback.
struct DestroyProbe {
  template <class T>
  void operator()(T* probe) const noexcept {
    probe->destroy();
  }
};
template <class T>
using Handle = std::unique_ptr<T, DestroyProbe>;

/// A slot of the barest kind that sends and receives bytes; records everything.
class ByteProbe final : public ByteSlot {
 public:
  static Handle<ByteProbe> open(EventLoop& loop, sys::Descriptor descriptor) {
    Handle<ByteProbe> probe(new ByteProbe(loop));
    EXPECT_TRUE(probe->attach(std::move(descriptor)));
    return probe;
  }

  /// Attached and receiving.
  static Handle<ByteProbe> reading(EventLoop& loop, sys::Descriptor descriptor) {
    Handle<ByteProbe> probe = open(loop, std::move(descriptor));
    probe->start();
    return probe;
  }

  static Handle<ByteProbe> unattached(EventLoop& loop) { return Handle<ByteProbe>(new ByteProbe(loop)); }

  Result<void> attach(sys::Descriptor descriptor) {
    int domain = 0;
    if (sys::get_option(descriptor.number(), SOL_SOCKET, SO_DOMAIN, domain) && domain == AF_INET) trust_short_reads();
    return loop().slots_backend().attach(*this, std::move(descriptor));
  }
  void start() { loop().slots_backend().start_receive(*this); }
  void stop() { loop().slots_backend().stop_receive(*this); }
  void send(std::string_view bytes) {
    output_.append(bytes);
    start_send();
  }
  void send(Buffer&& buffer) {
    output_.append(std::move(buffer));
    start_send();
  }
  void start_send() { loop().slots_backend().start_send(*this); }
  void close() noexcept { loop().slots_backend().detach(*this).reset(); }
  void destroy() noexcept {
    close();
    release();
  }

  bool has_ended() const { return end.has_value(); }

  std::function<void(ByteProbe&)> on_received;
  std::function<void(ByteProbe&)> on_ended;
  std::function<void(ByteProbe&)> on_sent;
  bool keeps_input = false;  ///< leaves what arrives in the input buffer instead of adding it to `text`
  std::string text;          ///< all that arrived
  std::size_t deliveries = 0;
  std::size_t largest_delivery = 0;
  std::optional<std::error_code> end;     ///< how receiving ended
  std::optional<std::error_code> broken;  ///< how sending failed
  std::size_t ends = 0;

 private:
  explicit ByteProbe(EventLoop& loop) : ByteSlot(loop) {}

  void received(Received& data) override {
    ++deliveries;
    largest_delivery = std::max(largest_delivery, data.bytes().size());
    data.append_to(input_);
    if (!keeps_input) take_input();
    if (on_received) on_received(*this);
  }
  void receive_ended(std::error_code error) override {
    ++ends;
    end = error;
    if (on_ended) on_ended(*this);
  }
  void sent(std::size_t count) override {
    output_.drop(count);
    if (on_sent) on_sent(*this);
  }
  void send_failed(std::error_code error) override {
    broken = error;
    output_.clear();
  }

 public:
  void take_input() {
    for (const Slice& slice : input_.slices()) text += as_text(slice.bytes());
    input_.clear();
  }
};

/// A slot that accepts, and keeps what it accepted.
class AcceptProbe final : public AcceptSlot {
 public:
  static Handle<AcceptProbe> accepting(EventLoop& loop, sys::Descriptor listening) {
    Handle<AcceptProbe> probe(new AcceptProbe(loop));
    EXPECT_TRUE(loop.slots_backend().attach(*probe, std::move(listening)));
    probe->start();
    return probe;
  }

  void start() { loop().slots_backend().start_accept(*this); }
  void stop() { loop().slots_backend().stop_accept(*this); }
  void destroy() noexcept {
    loop().slots_backend().detach(*this).reset();
    release();
  }

  std::function<void(AcceptProbe&)> on_accepted;
  std::vector<sys::Descriptor> connections;
  std::vector<std::error_code> failures;

 private:
  explicit AcceptProbe(EventLoop& loop) : AcceptSlot(loop) {}

  void accepted(sys::Descriptor connection, const sys::SocketName&) override {
    connections.push_back(std::move(connection));
    if (on_accepted) on_accepted(*this);
  }
  void accept_failed(std::error_code error) override { failures.push_back(error); }
};

/// A slot that waits for a connection to be made.
class ConnectProbe final : public ConnectSlot {
 public:
  static Handle<ConnectProbe> waiting(EventLoop& loop, sys::Descriptor connecting) {
    Handle<ConnectProbe> probe(new ConnectProbe(loop));
    EXPECT_TRUE(loop.slots_backend().attach(*probe, std::move(connecting)));
    loop.slots_backend().start_connect(*probe);
    return probe;
  }

  void destroy() noexcept {
    loop().slots_backend().detach(*this).reset();
    release();
  }

  std::optional<std::error_code> outcome;

 private:
  explicit ConnectProbe(EventLoop& loop) : ConnectSlot(loop) {}

  void connected(std::error_code error) override { outcome = error; }
};

/// A TCP socket that listens on a port of the system's choice.
struct ListeningSocket {
  explicit ListeningSocket(int backlog = 4096)
      : descriptor(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    name.v4 = {};
    name.v4.sin_family = AF_INET;
    name.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    name.length = sizeof name.v4;
    EXPECT_EQ(::bind(descriptor.number(), &name.any, name.length), 0);
    EXPECT_EQ(::listen(descriptor.number(), backlog), 0);
    EXPECT_EQ(::getsockname(descriptor.number(), &name.any, &name.length), 0);
  }

  /// A socket that connects here; `in_progress` tells whether it is still at it.
  sys::Descriptor connect(bool* in_progress = nullptr) const {
    sys::Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    (void)::connect(socket.number(), &name.any, name.length);
    pollfd writable{.fd = socket.number(), .events = POLLOUT, .revents = 0};
    const bool is_done = ::poll(&writable, 1, 0) == 1;
    if (in_progress != nullptr) *in_progress = !is_done;
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
  sys::SocketName name;
};

/// Lets the process open `count` descriptors at least; false when the system does not allow that.
inline bool allow_descriptors(rlim_t count) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur >= count) return true;
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, count);
  ::setrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur >= count;
}

}  // namespace weir::testing_support
