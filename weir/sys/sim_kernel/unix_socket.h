// weir: simulated Unix stream sockets.
// SPDX-License-Identifier: MIT
#pragma once

#include <deque>
#include <memory>
#include <string>

#include "weir/sys/sim_kernel/byte_queue.h"
#include "weir/sys/sim_kernel/machine.h"
#include "weir/sys/sim_kernel/socket_options.h"

namespace weir::sys {

/// A Unix stream socket. What one end does, the other sees at once. Answers as net/unix/af_unix.c of Linux does.
class UnixSocket final : public Socket {
 public:
  explicit UnixSocket(Machine& machine) : machine_(machine), options_(AF_UNIX, SOCK_STREAM, machine.options()) {}
  ~UnixSocket() override;

  /// Connects two fresh sockets with each other: socketpair(2).
  static void join(UnixSocket& a, UnixSocket& b) noexcept;

  UnixSocket* as_unix_socket() override { return this; }
  std::uint32_t readiness() override;
  CallResult bind(const SocketName& name) override;
  CallResult listen(int backlog) override;
  bool has_connection(int& error) override;
  Socket* accept(SocketName& peer) override;
  CallResult connect(const SocketName& name) override;
  CallResult shutdown(int how) override;
  CallResult local_name(SocketName& name) override;
  CallResult peer_name(SocketName& name) override;
  CallResult get_option(int level, int option, MutableBytes value) override;
  CallResult set_option(int level, int option, Bytes value) override { return options_.set(level, option, value); }
  /// What came with the bytes is gone.
  CallResult receive(MutableBytes into) override;
  CallResult send(Bytes from) override { return send_with_files(from, {}); }
  /// Stops behind bytes that came with files; those are added to `files`.
  CallResult receive_with_files(MutableBytes into, PassedFiles& files);
  /// The files travel with the first byte; without one they go nowhere.
  CallResult send_with_files(Bytes from, PassedFiles files);
  CallResult send_to(Bytes, const SocketName&) override {
    return state_ == State::connected ? CallResult::failure(EISCONN) : CallResult::failure(EOPNOTSUPP);
  }
  CallResult receive_from(MutableBytes into, SocketName& from) override;

 private:
  friend class InFlight;

  enum class State : std::uint8_t { fresh, listening, connected };

  /// What one send brought. The first may be read in part; then its files are gone.
  struct Piece {
    std::size_t size;
    PassedFiles files;
  };

  std::size_t queued_at_peer() const noexcept { return peer_ != nullptr ? peer_->queue_.size() : 0; }
  bool has_room() const noexcept { return queued_at_peer() * 4 <= options_.send_buffer; }
  const std::string& name_of_peer() const noexcept { return peer_ != nullptr ? peer_->name_ : peer_name_; }
  UnixSocket* find(const std::string& name, int& error) const;
  std::size_t take_pieces(std::size_t room, PassedFiles& files);
  void close(bool was_waiting);

  Machine& machine_;
  SocketOptions options_;
  State state_ = State::fresh;
  std::string name_;       // the path, or a NUL and the abstract name; empty when unnamed
  std::string peer_name_;  // when the peer is gone
  UnixSocket* peer_ = nullptr;
  ByteQueue queue_;           // what the peer sent
  std::deque<Piece> pieces_;  // how it was sent
  int error_ = 0;
  bool is_receive_shut_ = false;
  bool is_send_shut_ = false;
  bool was_passed_ = false;  // it has been under way itself, and is among those that InFlight looks after
  std::size_t backlog_ = 0;
  std::deque<std::unique_ptr<UnixSocket>> waiting_;  // to be accepted
};

}  // namespace weir::sys
