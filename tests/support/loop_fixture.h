// weir: a loop to test, and slots that record what a loop tells them, for tests.
// SPDX-License-Identifier: MIT
#pragma once

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>

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
#include "tests/support/test_sockets.h"
#include "weir/loop/backend.h"
#include "weir/loop/event_loop.h"
#include "weir/loop/io_slot.h"
#include "weir/loop/timer.h"
#include "weir/sys/calls.h"
#include "weir/sys/fault_kernel.h"

namespace weir::testing_support {

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

/// False when the condition does not hold within `limit` of the kernel's time, so that a lost event is a failure and no hang.
template <class Condition>
bool run_until(EventLoop& loop, Condition condition, Duration limit = std::chrono::seconds(10)) {
  Timer timer(loop, [](Timer&) {});
  timer.start(limit);
  EXPECT_TRUE(loop.run_until([&] { return condition() || !timer.is_armed(); }));
  return condition();
}

/// Turns for as long as that: what was to be reported has been.
inline void run_for(EventLoop& loop, Duration length) {
  run_until(
      loop, [] { return false; }, length);
}

/// A loop whose system calls are counted, and can be made to fail.
class LoopTest : public testing::Test {
 protected:
  sys::FaultKernel kernel_;
  sys::ScopedKernel installed_{kernel_};
  EventLoop loop_;
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
