// weir: a kernel whose own memory is none of a test's business.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "weir/buffer/allocation_plan.h"
#include "weir/sys/kernel.h"

namespace weir::testing_support {

/// Passes every call to another kernel, a simulated one say, whose allocations then neither count in an AllocationPlan nor
/// fail by it: Linux has its own memory.
class CarefulKernel final : public sys::Kernel {
 public:
  explicit CarefulKernel(sys::Kernel& below) noexcept : below_(below) {}

  TimePoint now() override { return below_.now(); }
  sys::CallResult open_socket(int family, int type, int protocol) override {
    const AllocationPause pause;
    return below_.open_socket(family, type, protocol);
  }
  sys::CallResult create_socket_pair(int family, int type, std::array<int, 2>& ends) override {
    const AllocationPause pause;
    return below_.create_socket_pair(family, type, ends);
  }
  sys::CallResult bind(int descriptor, const sys::SocketName& name) override {
    const AllocationPause pause;
    return below_.bind(descriptor, name);
  }
  sys::CallResult listen(int descriptor, int backlog) override {
    const AllocationPause pause;
    return below_.listen(descriptor, backlog);
  }
  sys::CallResult accept(int descriptor, sys::SocketName& peer) override {
    const AllocationPause pause;
    return below_.accept(descriptor, peer);
  }
  sys::CallResult connect(int descriptor, const sys::SocketName& name) override {
    const AllocationPause pause;
    return below_.connect(descriptor, name);
  }
  sys::CallResult shutdown(int descriptor, int how) override {
    const AllocationPause pause;
    return below_.shutdown(descriptor, how);
  }
  sys::CallResult local_name(int descriptor, sys::SocketName& name) override {
    const AllocationPause pause;
    return below_.local_name(descriptor, name);
  }
  sys::CallResult peer_name(int descriptor, sys::SocketName& name) override {
    const AllocationPause pause;
    return below_.peer_name(descriptor, name);
  }
  sys::CallResult get_option(int descriptor, int level, int option, MutableBytes value) override {
    const AllocationPause pause;
    return below_.get_option(descriptor, level, option, value);
  }
  sys::CallResult set_option(int descriptor, int level, int option, Bytes value) override {
    const AllocationPause pause;
    return below_.set_option(descriptor, level, option, value);
  }
  sys::CallResult receive(int descriptor, MutableBytes into) override {
    const AllocationPause pause;
    return below_.receive(descriptor, into);
  }
  sys::CallResult send(int descriptor, Bytes from) override {
    const AllocationPause pause;
    return below_.send(descriptor, from);
  }
  sys::CallResult send_pieces(int descriptor, std::span<const iovec> pieces, bool more_follows) override {
    const AllocationPause pause;
    return below_.send_pieces(descriptor, pieces, more_follows);
  }
  sys::CallResult send_to(int descriptor, Bytes from, const sys::SocketName& to) override {
    const AllocationPause pause;
    return below_.send_to(descriptor, from, to);
  }
  sys::CallResult receive_from(int descriptor, MutableBytes into, sys::SocketName& from) override {
    const AllocationPause pause;
    return below_.receive_from(descriptor, into, from);
  }
  sys::CallResult send_with_descriptors(int descriptor, std::span<const iovec> pieces,
                                        std::span<const int> passed) override {
    const AllocationPause pause;
    return below_.send_with_descriptors(descriptor, pieces, passed);
  }
  sys::CallResult receive_with_descriptors(int descriptor, MutableBytes into, sys::PassedDescriptors& passed) override {
    const AllocationPause pause;
    return below_.receive_with_descriptors(descriptor, into, passed);
  }
  sys::CallResult read(int descriptor, MutableBytes into) override {
    const AllocationPause pause;
    return below_.read(descriptor, into);
  }
  sys::CallResult write(int descriptor, Bytes from) override {
    const AllocationPause pause;
    return below_.write(descriptor, from);
  }
  sys::CallResult read_pieces(int descriptor, std::span<const iovec> pieces) override {
    const AllocationPause pause;
    return below_.read_pieces(descriptor, pieces);
  }
  sys::CallResult write_pieces(int descriptor, std::span<const iovec> pieces) override {
    const AllocationPause pause;
    return below_.write_pieces(descriptor, pieces);
  }
  sys::CallResult close(int descriptor) override {
    const AllocationPause pause;
    return below_.close(descriptor);
  }
  sys::CallResult unlink(const char* path) override {
    const AllocationPause pause;
    return below_.unlink(path);
  }
  sys::CallResult describe_file(const char* path, sys::FileIdentity& identity) override {
    const AllocationPause pause;
    return below_.describe_file(path, identity);
  }
  sys::CallResult open_file(const char* path, int flags, unsigned mode) override {
    const AllocationPause pause;
    return below_.open_file(path, flags, mode);
  }
  sys::CallResult file_size(int descriptor) override {
    const AllocationPause pause;
    return below_.file_size(descriptor);
  }
  sys::CallResult file_kind(int descriptor, sys::FileKind& kind) override {
    const AllocationPause pause;
    return below_.file_kind(descriptor, kind);
  }
  sys::CallResult status_flags(int descriptor) override {
    const AllocationPause pause;
    return below_.status_flags(descriptor);
  }
  sys::CallResult set_status_flags(int descriptor, int flags) override {
    const AllocationPause pause;
    return below_.set_status_flags(descriptor, flags);
  }
  sys::CallResult read_at(int descriptor, MutableBytes into, std::uint64_t offset) override {
    const AllocationPause pause;
    return below_.read_at(descriptor, into, offset);
  }
  sys::CallResult read_pieces_at(int descriptor, std::span<const iovec> pieces, std::uint64_t offset) override {
    const AllocationPause pause;
    return below_.read_pieces_at(descriptor, pieces, offset);
  }
  sys::CallResult write_pieces_at(int descriptor, std::span<const iovec> pieces, std::uint64_t offset) override {
    const AllocationPause pause;
    return below_.write_pieces_at(descriptor, pieces, offset);
  }
  sys::CallResult send_file(int socket, int file, std::uint64_t offset, std::size_t count) override {
    const AllocationPause pause;
    return below_.send_file(socket, file, offset, count);
  }
  sys::CallResult fill_pipe(int socket, int pipe, std::size_t count) override {
    const AllocationPause pause;
    return below_.fill_pipe(socket, pipe, count);
  }
  sys::CallResult drain_pipe(int pipe, int socket, std::size_t count) override {
    const AllocationPause pause;
    return below_.drain_pipe(pipe, socket, count);
  }
  sys::CallResult set_pipe_size(int pipe, std::size_t size) override {
    const AllocationPause pause;
    return below_.set_pipe_size(pipe, size);
  }
  sys::CallResult create_pipe(std::array<int, 2>& ends) override {
    const AllocationPause pause;
    return below_.create_pipe(ends);
  }
  sys::CallResult create_event_counter() override {
    const AllocationPause pause;
    return below_.create_event_counter();
  }
  sys::CallResult create_epoll() override {
    const AllocationPause pause;
    return below_.create_epoll();
  }
  sys::CallResult control_epoll(int epoll, int operation, int descriptor, epoll_event event) override {
    const AllocationPause pause;
    return below_.control_epoll(epoll, operation, descriptor, event);
  }
  sys::CallResult wait_epoll(int epoll, std::span<epoll_event> events, Duration timeout) override {
    const AllocationPause pause;
    return below_.wait_epoll(epoll, events, timeout);
  }
  sys::CallResult poll(std::span<pollfd> entries, Duration timeout) override {
    const AllocationPause pause;
    return below_.poll(entries, timeout);
  }

 private:
  sys::Kernel& below_;
};

}  // namespace weir::testing_support
