// weir: the real kernel with a clock of its own, which moves only when nothing can run.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include "weir/sys/real_kernel.h"

namespace weir::testing_support {

/// Makes tests of hours run in no time: a wait that finds nothing ready moves the clock by its timeout and returns.
///
///     ClockKernel kernel;
///     sys::ScopedKernel installed(kernel);       // before the loop is made
///     timer.start(24h);
///     loop.run_until([&] { return has_fired; });
///
/// Bytes that are on their way in the real kernel do not hold the clock back; loopback delivers at once.
class ClockKernel final : public sys::Kernel {
 public:
  Duration oversleep{};     ///< how much later than asked for a wait returns
  std::uint64_t waits = 0;  ///< how often the loop waited, or looked

  void advance(Duration length) noexcept { now_ += length; }

  TimePoint now() override { return now_; }
  sys::CallResult wait_epoll(int epoll, std::span<epoll_event> events, Duration timeout) override {
    ++waits;
    if (timeout < Duration::zero()) return real_.wait_epoll(epoll, events, timeout);
    const sys::CallResult ready = real_.wait_epoll(epoll, events, Duration::zero());
    if (ready && ready.count() == 0 && timeout > Duration::zero()) now_ = add_saturated(now_, timeout + oversleep);
    return ready;
  }

  sys::CallResult open_socket(int family, int type, int protocol) override {
    return real_.open_socket(family, type, protocol);
  }
  sys::CallResult create_socket_pair(int family, int type, std::array<int, 2>& ends) override {
    return real_.create_socket_pair(family, type, ends);
  }
  sys::CallResult bind(int descriptor, const sys::SocketName& name) override { return real_.bind(descriptor, name); }
  sys::CallResult listen(int descriptor, int backlog) override { return real_.listen(descriptor, backlog); }
  sys::CallResult accept(int descriptor, sys::SocketName& peer) override { return real_.accept(descriptor, peer); }
  sys::CallResult connect(int descriptor, const sys::SocketName& name) override {
    return real_.connect(descriptor, name);
  }
  sys::CallResult shutdown(int descriptor, int how) override { return real_.shutdown(descriptor, how); }
  sys::CallResult local_name(int descriptor, sys::SocketName& name) override {
    return real_.local_name(descriptor, name);
  }
  sys::CallResult peer_name(int descriptor, sys::SocketName& name) override {
    return real_.peer_name(descriptor, name);
  }
  sys::CallResult get_option(int descriptor, int level, int option, MutableBytes value) override {
    return real_.get_option(descriptor, level, option, value);
  }
  sys::CallResult set_option(int descriptor, int level, int option, Bytes value) override {
    return real_.set_option(descriptor, level, option, value);
  }
  sys::CallResult receive(int descriptor, MutableBytes into) override { return real_.receive(descriptor, into); }
  sys::CallResult send(int descriptor, Bytes from) override { return real_.send(descriptor, from); }
  sys::CallResult send_pieces(int descriptor, std::span<const iovec> pieces) override {
    return real_.send_pieces(descriptor, pieces);
  }
  sys::CallResult send_to(int descriptor, Bytes from, const sys::SocketName& to) override {
    return real_.send_to(descriptor, from, to);
  }
  sys::CallResult receive_from(int descriptor, MutableBytes into, sys::SocketName& from) override {
    return real_.receive_from(descriptor, into, from);
  }
  sys::CallResult read(int descriptor, MutableBytes into) override { return real_.read(descriptor, into); }
  sys::CallResult write(int descriptor, Bytes from) override { return real_.write(descriptor, from); }
  sys::CallResult close(int descriptor) override { return real_.close(descriptor); }
  sys::CallResult unlink(const char* path) override { return real_.unlink(path); }
  sys::CallResult describe_file(const char* path, sys::FileIdentity& identity) override {
    return real_.describe_file(path, identity);
  }
  sys::CallResult open_file(const char* path, int flags, unsigned mode) override {
    return real_.open_file(path, flags, mode);
  }
  sys::CallResult file_size(int descriptor) override { return real_.file_size(descriptor); }
  sys::CallResult read_at(int descriptor, MutableBytes into, std::uint64_t offset) override {
    return real_.read_at(descriptor, into, offset);
  }
  sys::CallResult send_file(int socket, int file, std::uint64_t offset, std::size_t count) override {
    return real_.send_file(socket, file, offset, count);
  }
  sys::CallResult create_pipe(std::array<int, 2>& ends) override { return real_.create_pipe(ends); }
  sys::CallResult create_event_counter() override { return real_.create_event_counter(); }
  sys::CallResult create_epoll() override { return real_.create_epoll(); }
  sys::CallResult control_epoll(int epoll, int operation, int descriptor, epoll_event event) override {
    return real_.control_epoll(epoll, operation, descriptor, event);
  }

 private:
  sys::RealKernel real_;
  TimePoint now_{std::chrono::hours(1)};
};

}  // namespace weir::testing_support
