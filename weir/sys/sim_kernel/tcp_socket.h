// weir: simulated TCP sockets.
// SPDX-License-Identifier: MIT
#pragma once

#include <deque>
#include <map>
#include <memory>

#include "weir/sys/sim_kernel/internet_socket.h"
#include "weir/sys/sim_kernel/tcp_connection.h"

namespace weir::sys {

/// A TCP socket: fresh, listening, or an end of a connection. Answers as net/ipv4/tcp.c and af_inet.c of Linux do.
class TcpSocket final : public InternetSocket {
 public:
  TcpSocket(Machine& machine, int family) : InternetSocket(machine, family, SOCK_STREAM) {}
  ~TcpSocket() override;

  std::uint32_t readiness() override;
  CallResult listen(int backlog) override;
  bool has_connection(int& error) override;
  Socket* accept(SocketName& peer) override;
  CallResult connect(const SocketName& name) override;
  CallResult shutdown(int how) override;
  CallResult peer_name(SocketName& name) override;
  CallResult receive(MutableBytes into) override;
  CallResult send(Bytes from) override;
  CallResult send_to(Bytes from, const SocketName&) override { return send(from); }
  CallResult receive_from(MutableBytes into, SocketName& from) override;

  // --- what a connection tells its socket ---

  void connection_stands();
  /// Room may have come back: tells who waits for it, once a third of the buffer is free, as Linux does.
  void room_grew();
  Duration longest_silence() { return std::chrono::milliseconds(options().number(IPPROTO_TCP, user_timeout)); }
  Duration keep_alive_idle() { return options().seconds(keep_idle); }
  Duration keep_alive_interval() { return options().seconds(keep_interval); }
  int keep_alive_probes() { return options().number(IPPROTO_TCP, keep_count); }

  // --- what a connection tells the listener ---

  /// How long the client may take to send something until it is accepted anyway; 0: it need not.
  Duration accept_deferral() { return options().seconds(defer_accept); }
  bool is_queue_full() const noexcept { return queue_.size() > backlog_; }
  /// A handshake has begun that will end at this listener.
  void begin_accepting(const std::shared_ptr<TcpConnection>& connection);
  void add_connection(std::shared_ptr<TcpConnection> connection);

 private:
  static const int user_timeout, keep_idle, keep_interval, keep_count, defer_accept;

  enum class State : std::uint8_t { fresh, listening, connecting, connected };

  Ports& ports() override { return machine().tcp_ports; }
  int take_error() override;
  bool is_listening() const override { return state_ == State::listening; }
  void option_changed(int level, int option) override;
  TcpEnd& end() { return connection_->end(side_); }
  PortUse* port_use() override { return port_ != nullptr || connection_ == nullptr ? port_.get() : end().port.get(); }
  bool has_lost_port() override { return port_use() == nullptr && (connection_ == nullptr || is_closed()); }
  bool is_dead() { return connection_ != nullptr && end().is_dead; }
  /// Reset, timed out, or ended by both sides: the state CLOSED or TIME_WAIT.
  bool is_closed() { return connection_ != nullptr && end().is_closed(); }
  bool has_room();
  bool forget_failed_attempt(int& error);
  void give_up_connecting();
  CallResult begin_to_connect(const InternetName& remote);
  void stop_listening();

  State state_ = State::fresh;
  int error_ = 0;  // and what was shut, while there is no connection
  bool is_send_shut_ = false;
  bool is_receive_shut_ = false;
  bool is_spoilt_ = false;           // shut after an attempt had failed and before that was told
  bool has_told_connected_ = false;  // the connect(2) that follows an attempt tells of its end, later ones EISCONN
  std::shared_ptr<TcpConnection> connection_;
  TcpConnection::Side side_ = TcpConnection::client;
  std::size_t backlog_ = 0;
  std::deque<std::shared_ptr<TcpConnection>> queue_;                         // to be accepted
  std::map<const TcpConnection*, std::weak_ptr<TcpConnection>> handshakes_;  // that will end here
};

}  // namespace weir::sys
