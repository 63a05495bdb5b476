// weir: a kernel in memory, with machines, a network between them, and its own time.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "weir/base/export.h"
#include "weir/sys/kernel.h"
#include "weir/sys/sim_kernel/machine.h"
#include "weir/sys/sim_kernel/network.h"
#include "weir/sys/sim_kernel/random.h"
#include "weir/sys/sim_kernel/timeline.h"
#include "weir/sys/sim_kernel/trace.h"

namespace weir::sys {

/// Those who can act while one program waits: the other programs of a simulation.
class Actors {
 public:
  /// Lets one of them act that has something to do now. False when none has.
  virtual bool act() = 0;
  /// When the first of them wants to act by itself.
  virtual TimePoint next_deadline() = 0;

 protected:
  ~Actors() = default;
};

/// Sockets, epoll, pipes, event counters, files and the clock of one or more machines, without any real descriptor.
///
///     SimKernel kernel(seed);
///     ScopedKernel installed(kernel);
///     … whatever runs on this thread has the simulated machine "local" under it …
///
/// Time stands still while anything can run, and jumps to the next event when everybody waits. All chance comes from the
/// seed: the same program on the same seed makes the same trace.
///
/// A call on a descriptor reaches the machine that the descriptor belongs to; one that opens something, the current machine.
/// Threads: one. A wait in which nothing can ever happen any more fails with EDEADLK instead of hanging.
class WEIR_API SimKernel final : public Kernel {
 public:
  explicit SimKernel(std::uint64_t seed);
  SimKernel(const SimKernel&) = delete;
  SimKernel& operator=(const SimKernel&) = delete;
  ~SimKernel() override;

  Machine& add_machine(std::string name, const MachineOptions& options);
  /// The first one, called "local": it is there from the start.
  Machine& local() noexcept { return *machines_.front(); }
  const std::vector<std::unique_ptr<Machine>>& machines() const noexcept { return machines_; }
  /// Makes `machine` the one that opens descriptors; gives the previous one.
  Machine& exchange_current(Machine& machine) noexcept { return *std::exchange(current_, &machine); }

  Timeline& timeline() noexcept { return timeline_; }
  Random& random() noexcept { return random_; }
  Trace& trace() noexcept { return trace_; }
  Network& network() noexcept { return network_; }

  void set_actors(Actors* actors) noexcept { actors_ = actors; }
  /// Lets the next thing happen: an actor act, or else time pass to the next event, at most to `limit`. False when nothing
  /// can happen up to then; time is then at `limit`, unless that is `TimePoint::max()`.
  bool step(TimePoint limit);
  /// True when the epoll has something to report.
  bool is_ready(int epoll);
  /// True while a program waits in that epoll.
  bool is_waiting(int epoll) const noexcept {
    return std::find(waiting_.begin(), waiting_.end(), epoll) != waiting_.end();
  }

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
  TimePoint now() override { return timeline_.now(); }
  bool has_threads() const noexcept override { return false; }

 private:
  Machine* machine_of(int descriptor) const noexcept;
  File* find(int descriptor) const noexcept;
  template <class Function>
  CallResult on_machine(Call call, Function function);
  template <class Function>
  CallResult on_file(Call call, int descriptor, Function function);
  template <class Function>
  CallResult on_socket(Call call, int descriptor, Function function);
  CallResult record(Call call, Machine& machine, int subject, CallResult result, bool is_injected);
  CallResult install_pair(std::unique_ptr<File> first, std::unique_ptr<File> second, std::array<int, 2>& ends);
  std::size_t look(std::span<pollfd> entries) const;
  CallResult wait(int descriptor, Epoll& epoll, std::span<epoll_event> events, Duration timeout);

  Timeline timeline_;
  Random random_;
  Trace trace_;
  Network network_;
  std::vector<std::unique_ptr<Machine>> machines_;
  Machine* current_ = nullptr;
  Actors* actors_ = nullptr;
  std::vector<int> waiting_;  // the epolls that programs wait in; more than one when an actor waits inside a wait
};

}  // namespace weir::sys
