// weir: the system calls, one function each, on whichever kernel this thread uses.
// SPDX-License-Identifier: MIT
#pragma once

#include "weir/sys/kernel.h"
#include "weir/sys/real_kernel.h"

namespace weir::sys {

/// Calls `operation` on the real kernel without a virtual call, or on the one installed for this thread.
template <class Operation>
inline auto on_kernel(Operation operation) {
  if (Kernel* kernel = installed_kernel; kernel != nullptr) [[unlikely]] {
    return operation(*kernel);
  }
  RealKernel real;
  return operation(real);
}

inline CallResult open_socket(int family, int type, int protocol = 0) {
  return on_kernel([&](auto& kernel) { return kernel.open_socket(family, type, protocol); });
}
inline CallResult create_socket_pair(int family, int type, std::array<int, 2>& ends) {
  return on_kernel([&](auto& kernel) { return kernel.create_socket_pair(family, type, ends); });
}
inline CallResult bind(int descriptor, const SocketName& name) {
  return on_kernel([&](auto& kernel) { return kernel.bind(descriptor, name); });
}
inline CallResult listen(int descriptor, int backlog) {
  return on_kernel([&](auto& kernel) { return kernel.listen(descriptor, backlog); });
}
/// The accepted descriptor is non-blocking and close-on-exec. EINTR and the errors of the connection itself are the
/// caller's to sort out.
inline CallResult accept(int descriptor, SocketName& peer) {
  return on_kernel([&](auto& kernel) { return kernel.accept(descriptor, peer); });
}
inline CallResult connect(int descriptor, const SocketName& name) {
  return on_kernel([&](auto& kernel) { return kernel.connect(descriptor, name); });
}
inline CallResult shutdown(int descriptor, int how) {
  return on_kernel([&](auto& kernel) { return kernel.shutdown(descriptor, how); });
}
inline CallResult local_name(int descriptor, SocketName& name) {
  return on_kernel([&](auto& kernel) { return kernel.local_name(descriptor, name); });
}
inline CallResult peer_name(int descriptor, SocketName& name) {
  return on_kernel([&](auto& kernel) { return kernel.peer_name(descriptor, name); });
}
template <class T>
CallResult get_option(int descriptor, int level, int option, T& value) {
  return on_kernel([&](auto& kernel) {
    return kernel.get_option(descriptor, level, option, std::as_writable_bytes(std::span(&value, 1)));
  });
}
template <class T>
CallResult set_option(int descriptor, int level, int option, const T& value) {
  return on_kernel(
      [&](auto& kernel) { return kernel.set_option(descriptor, level, option, std::as_bytes(std::span(&value, 1))); });
}
inline CallResult receive(int descriptor, MutableBytes into) {
  return on_kernel([&](auto& kernel) { return kernel.receive(descriptor, into); });
}
inline CallResult send(int descriptor, Bytes from) {
  return on_kernel([&](auto& kernel) { return kernel.send(descriptor, from); });
}
inline CallResult send_pieces(int descriptor, std::span<const iovec> pieces, bool more_follows = false) {
  return on_kernel([&](auto& kernel) { return kernel.send_pieces(descriptor, pieces, more_follows); });
}
inline CallResult send_to(int descriptor, Bytes from, const SocketName& to) {
  return on_kernel([&](auto& kernel) { return kernel.send_to(descriptor, from, to); });
}
inline CallResult receive_from(int descriptor, MutableBytes into, SocketName& from) {
  return on_kernel([&](auto& kernel) { return kernel.receive_from(descriptor, into, from); });
}
inline CallResult send_with_descriptors(int descriptor, std::span<const iovec> pieces, std::span<const int> passed) {
  return on_kernel([&](auto& kernel) { return kernel.send_with_descriptors(descriptor, pieces, passed); });
}
inline CallResult receive_with_descriptors(int descriptor, MutableBytes into, PassedDescriptors& passed) {
  return on_kernel([&](auto& kernel) { return kernel.receive_with_descriptors(descriptor, into, passed); });
}
inline CallResult read(int descriptor, MutableBytes into) {
  return on_kernel([&](auto& kernel) { return kernel.read(descriptor, into); });
}
inline CallResult write(int descriptor, Bytes from) {
  return on_kernel([&](auto& kernel) { return kernel.write(descriptor, from); });
}
inline CallResult read_pieces(int descriptor, std::span<const iovec> pieces) {
  return on_kernel([&](auto& kernel) { return kernel.read_pieces(descriptor, pieces); });
}
inline CallResult write_pieces(int descriptor, std::span<const iovec> pieces) {
  return on_kernel([&](auto& kernel) { return kernel.write_pieces(descriptor, pieces); });
}
inline CallResult close(int descriptor) {
  return on_kernel([&](auto& kernel) { return kernel.close(descriptor); });
}
inline CallResult unlink(const char* path) {
  return on_kernel([&](auto& kernel) { return kernel.unlink(path); });
}
inline CallResult describe_file(const char* path, FileIdentity& identity) {
  return on_kernel([&](auto& kernel) { return kernel.describe_file(path, identity); });
}
inline CallResult open_file(const char* path, int flags, unsigned mode = 0) {
  return on_kernel([&](auto& kernel) { return kernel.open_file(path, flags, mode); });
}
inline CallResult file_size(int descriptor) {
  return on_kernel([&](auto& kernel) { return kernel.file_size(descriptor); });
}
inline CallResult file_kind(int descriptor, FileKind& kind) {
  return on_kernel([&](auto& kernel) { return kernel.file_kind(descriptor, kind); });
}
inline CallResult status_flags(int descriptor) {
  return on_kernel([&](auto& kernel) { return kernel.status_flags(descriptor); });
}
/// For everyone who has the same open file, other processes too.
inline CallResult set_status_flags(int descriptor, int flags) {
  return on_kernel([&](auto& kernel) { return kernel.set_status_flags(descriptor, flags); });
}
inline CallResult read_at(int descriptor, MutableBytes into, std::uint64_t offset) {
  return on_kernel([&](auto& kernel) { return kernel.read_at(descriptor, into, offset); });
}
inline CallResult read_pieces_at(int descriptor, std::span<const iovec> pieces, std::uint64_t offset) {
  return on_kernel([&](auto& kernel) { return kernel.read_pieces_at(descriptor, pieces, offset); });
}
inline CallResult write_pieces_at(int descriptor, std::span<const iovec> pieces, std::uint64_t offset) {
  return on_kernel([&](auto& kernel) { return kernel.write_pieces_at(descriptor, pieces, offset); });
}
inline CallResult fill_pipe(int socket, int pipe, std::size_t count) {
  return on_kernel([&](auto& kernel) { return kernel.fill_pipe(socket, pipe, count); });
}
inline CallResult drain_pipe(int pipe, int socket, std::size_t count) {
  return on_kernel([&](auto& kernel) { return kernel.drain_pipe(pipe, socket, count); });
}
inline CallResult set_pipe_size(int pipe, std::size_t size) {
  return on_kernel([&](auto& kernel) { return kernel.set_pipe_size(pipe, size); });
}
inline CallResult send_file(int socket, int file, std::uint64_t offset, std::size_t count) {
  return on_kernel([&](auto& kernel) { return kernel.send_file(socket, file, offset, count); });
}
inline CallResult create_pipe(std::array<int, 2>& ends) {
  return on_kernel([&](auto& kernel) { return kernel.create_pipe(ends); });
}
inline CallResult create_event_counter() {
  return on_kernel([](auto& kernel) { return kernel.create_event_counter(); });
}
inline CallResult create_epoll() {
  return on_kernel([](auto& kernel) { return kernel.create_epoll(); });
}
inline CallResult control_epoll(int epoll, int operation, int descriptor, epoll_event event = {}) {
  return on_kernel([&](auto& kernel) { return kernel.control_epoll(epoll, operation, descriptor, event); });
}
inline CallResult wait_epoll(int epoll, std::span<epoll_event> events, Duration timeout) {
  return on_kernel([&](auto& kernel) { return kernel.wait_epoll(epoll, events, timeout); });
}
inline CallResult poll(std::span<pollfd> entries, Duration timeout) {
  return on_kernel([&](auto& kernel) { return kernel.poll(entries, timeout); });
}
inline bool has_threads() {
  return on_kernel([](auto& kernel) { return kernel.has_threads(); });
}
inline TimePoint monotonic_now() {
  return on_kernel([](auto& kernel) { return kernel.now(); });
}

}  // namespace weir::sys
