// weir: a kernel that fails on purpose, by a plan.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "weir/sys/fault_plan.h"
#include "weir/sys/kernel.h"

namespace weir::sys {

/// Passes calls to another kernel, unless the plan says otherwise, and keeps count of them.
///
///     FaultKernel kernel(FaultPlan::nth(3, {.error = ENOBUFS}, {Call::send}));
///     ScopedKernel installed(kernel);
///     … the third send of this thread fails …
///
/// An injected EAGAIN or short count is honest: the kernel below still holds data or room, so the next wait reports the
/// descriptor as ready again, as Linux would on a new edge.
/// Threads: one.
class FaultKernel final : public Kernel {
 public:
  /// One decision of the recent past.
  struct TraceEntry {
    Call call;
    int descriptor;
    int error;  ///< what the caller got: an errno number, or 0
    bool injected;
  };

  /// `below` is the kernel that carries out what is let through; it must outlive this one. Null is the one that this
  /// thread uses now.
  explicit FaultKernel(FaultPlan plan = {}, Kernel* below = nullptr);

  void set_plan(FaultPlan plan) { plan_ = std::move(plan); }

  /// How often `call` was made.
  std::uint64_t calls(Call call) const { return counts_[static_cast<std::size_t>(call)]; }
  /// How often the program waited for events, on whatever backend.
  std::uint64_t waits() const { return calls(Call::wait_epoll) + calls(Call::poll); }
  /// How many calls of any kind were made.
  std::uint64_t all_calls() const;
  /// How many calls the plan changed.
  std::uint64_t injected() const { return injected_; }

  /// The last decisions (at most 256), oldest first, one line each.
  std::string trace() const;

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
  TimePoint now() override { return below_->now(); }
  bool has_threads() const noexcept override { return below_->has_threads(); }

 private:
  struct Registration {
    int epoll;
    epoll_event event;
    std::uint32_t owed = 0;  ///< readiness to report again after an injected EAGAIN
  };

  template <class Through>
  CallResult pass(Call call, int descriptor, Through through);
  template <class Through>
  CallResult pass_pieces(Call call, int descriptor, std::span<const iovec> pieces, Through through);
  CallResult record(Call call, int descriptor, CallResult result, bool injected);
  void owe_readiness(Call call, int descriptor);
  std::size_t pay_readiness(int epoll, std::span<epoll_event> events);

  FaultPlan plan_;
  Kernel* below_;
  std::array<std::uint64_t, call_count> counts_{};
  std::uint64_t injected_ = 0;
  std::map<int, Registration> registrations_;
  std::size_t owing_ = 0;
  std::vector<TraceEntry> trace_;
  std::size_t trace_next_ = 0;
};

}  // namespace weir::sys
