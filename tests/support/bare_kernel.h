// weir: a kernel that refuses every call, for stand-ins that need only a few.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cerrno>
#include <cstdint>
#include <span>

#include "weir/sys/kernel.h"

namespace weir::testing_support {

/// Answers ENOSYS to whatever is not overridden. Its time stands still.
class BareKernel : public sys::Kernel {
 public:
  TimePoint now() override { return {}; }
  sys::CallResult open_socket(int, int, int) override { return refused(); }
  sys::CallResult create_socket_pair(int, int, std::array<int, 2>&) override { return refused(); }
  sys::CallResult bind(int, const sys::SocketName&) override { return refused(); }
  sys::CallResult listen(int, int) override { return refused(); }
  sys::CallResult accept(int, sys::SocketName&) override { return refused(); }
  sys::CallResult connect(int, const sys::SocketName&) override { return refused(); }
  sys::CallResult shutdown(int, int) override { return refused(); }
  sys::CallResult local_name(int, sys::SocketName&) override { return refused(); }
  sys::CallResult peer_name(int, sys::SocketName&) override { return refused(); }
  sys::CallResult get_option(int, int, int, MutableBytes) override { return refused(); }
  sys::CallResult set_option(int, int, int, Bytes) override { return refused(); }
  sys::CallResult receive(int, MutableBytes) override { return refused(); }
  sys::CallResult send(int, Bytes) override { return refused(); }
  sys::CallResult send_pieces(int, std::span<const iovec>, bool) override { return refused(); }
  sys::CallResult send_to(int, Bytes, const sys::SocketName&) override { return refused(); }
  sys::CallResult receive_from(int, MutableBytes, sys::SocketName&) override { return refused(); }
  sys::CallResult send_with_descriptors(int, std::span<const iovec>, std::span<const int>) override {
    return refused();
  }
  sys::CallResult receive_with_descriptors(int, MutableBytes, sys::PassedDescriptors&) override { return refused(); }
  sys::CallResult read(int, MutableBytes) override { return refused(); }
  sys::CallResult write(int, Bytes) override { return refused(); }
  sys::CallResult read_pieces(int, std::span<const iovec>) override { return refused(); }
  sys::CallResult write_pieces(int, std::span<const iovec>) override { return refused(); }
  sys::CallResult close(int) override { return refused(); }
  sys::CallResult unlink(const char*) override { return refused(); }
  sys::CallResult describe_file(const char*, sys::FileIdentity&) override { return refused(); }
  sys::CallResult open_file(const char*, int, unsigned) override { return refused(); }
  sys::CallResult file_size(int) override { return refused(); }
  sys::CallResult file_kind(int, sys::FileKind&) override { return refused(); }
  sys::CallResult status_flags(int) override { return refused(); }
  sys::CallResult set_status_flags(int, int) override { return refused(); }
  sys::CallResult read_at(int, MutableBytes, std::uint64_t) override { return refused(); }
  sys::CallResult read_pieces_at(int, std::span<const iovec>, std::uint64_t) override { return refused(); }
  sys::CallResult write_pieces_at(int, std::span<const iovec>, std::uint64_t) override { return refused(); }
  sys::CallResult send_file(int, int, std::uint64_t, std::size_t) override { return refused(); }
  sys::CallResult fill_pipe(int, int, std::size_t) override { return refused(); }
  sys::CallResult drain_pipe(int, int, std::size_t) override { return refused(); }
  sys::CallResult set_pipe_size(int, std::size_t) override { return refused(); }
  sys::CallResult create_pipe(std::array<int, 2>&) override { return refused(); }
  sys::CallResult create_event_counter() override { return refused(); }
  sys::CallResult create_epoll() override { return refused(); }
  sys::CallResult control_epoll(int, int, int, epoll_event) override { return refused(); }
  sys::CallResult wait_epoll(int, std::span<epoll_event>, Duration) override { return refused(); }
  sys::CallResult poll(std::span<pollfd>, Duration) override { return refused(); }

 private:
  static sys::CallResult refused() noexcept { return sys::CallResult::failure(ENOSYS); }
};

}  // namespace weir::testing_support
