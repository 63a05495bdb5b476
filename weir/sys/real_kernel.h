// weir: the kernel of this machine.
// SPDX-License-Identifier: MIT
#pragma once

#include "weir/sys/kernel.h"

namespace weir::sys {

/// Linux itself. It has no state: any instance is as good as another, and calls on one are not virtual.
class RealKernel final : public Kernel {
 public:
  CallResult open_socket(int family, int type, int protocol) override;
  CallResult create_socket_pair(int family, int type, std::array<int, 2>& ends) override;
  CallResult bind(int descriptor, const SocketName& name) override;
  CallResult listen(int descriptor, int backlog) override;
  CallResult accept(int descriptor, SocketName& peer) override;
  CallResult connect(int descriptor, const SocketName& name) override;
  CallResult shutdown(int descriptor, int how) override;
  CallResult local_name(int descriptor, SocketName& name) override;
  CallResult peer_name(int descriptor, SocketName& name) override;
  CallResult get_option(int descriptor, int level, int option, MutableBytes value) override;
  CallResult set_option(int descriptor, int level, int option, Bytes value) override;
  CallResult receive(int descriptor, MutableBytes into) override;
  CallResult send(int descriptor, Bytes from) override;
  CallResult send_pieces(int descriptor, std::span<const iovec> pieces, bool more_follows) override;
  CallResult send_to(int descriptor, Bytes from, const SocketName& to) override;
  CallResult receive_from(int descriptor, MutableBytes into, SocketName& from) override;
  CallResult send_with_descriptors(int descriptor, std::span<const iovec> pieces, std::span<const int> passed) override;
  CallResult receive_with_descriptors(int descriptor, MutableBytes into, PassedDescriptors& passed) override;
  CallResult read(int descriptor, MutableBytes into) override;
  CallResult write(int descriptor, Bytes from) override;
  CallResult read_pieces(int descriptor, std::span<const iovec> pieces) override;
  CallResult write_pieces(int descriptor, std::span<const iovec> pieces) override;
  CallResult close(int descriptor) override;
  CallResult unlink(const char* path) override;
  CallResult describe_file(const char* path, FileIdentity& identity) override;
  CallResult open_file(const char* path, int flags, unsigned mode) override;
  CallResult file_size(int descriptor) override;
  CallResult file_kind(int descriptor, FileKind& kind) override;
  CallResult status_flags(int descriptor) override;
  CallResult set_status_flags(int descriptor, int flags) override;
  CallResult read_at(int descriptor, MutableBytes into, std::uint64_t offset) override;
  CallResult read_pieces_at(int descriptor, std::span<const iovec> pieces, std::uint64_t offset) override;
  CallResult write_pieces_at(int descriptor, std::span<const iovec> pieces, std::uint64_t offset) override;
  CallResult fill_pipe(int socket, int pipe, std::size_t count) override;
  CallResult drain_pipe(int pipe, int socket, std::size_t count) override;
  CallResult set_pipe_size(int pipe, std::size_t size) override;
  CallResult send_file(int socket, int file, std::uint64_t offset, std::size_t count) override;
  CallResult create_pipe(std::array<int, 2>& ends) override;
  CallResult create_event_counter() override;
  CallResult create_epoll() override;
  CallResult control_epoll(int epoll, int operation, int descriptor, epoll_event event) override;
  CallResult wait_epoll(int epoll, std::span<epoll_event> events, Duration timeout) override;
  CallResult poll(std::span<pollfd> entries, Duration timeout) override;
  TimePoint now() override;
};

}  // namespace weir::sys
