// weir: simulated TCP sockets.
// SPDX-License-Identifier: MIT
#include "weir/sys/sim_kernel/tcp_socket.h"

#include <netinet/tcp.h>

#include <algorithm>
#include <cerrno>

namespace weir::sys {

// libc's names, kept out of the header: <netinet/tcp.h> defines many macros.
const int TcpSocket::user_timeout = TCP_USER_TIMEOUT;
const int TcpSocket::keep_idle = TCP_KEEPIDLE;
const int TcpSocket::keep_interval = TCP_KEEPINTVL;
const int TcpSocket::keep_count = TCP_KEEPCNT;
const int TcpSocket::defer_accept = TCP_DEFER_ACCEPT;

TcpSocket::~TcpSocket() {
  stop_listening();
  if (connection_ == nullptr) return;
  connection_->close(side_, options().resets_on_close());
}

// --- readiness ---

/// As tcp_poll() of Linux composes it.
std::uint32_t TcpSocket::readiness() {
  switch (state_) {
    case State::fresh:
      return writable | EPOLLHUP | (error_ != 0 ? EPOLLERR : 0U) | (is_receive_shut_ ? readable | EPOLLRDHUP : 0U);
    case State::listening: return queue_.empty() ? 0 : readable;
    case State::connecting:
      if (!is_dead()) return 0;
      break;
    case State::connected: break;
  }
  const bool no_more_to_read = end().is_receive_shut || end().has_fin || end().is_dead;
  const bool no_more_to_send = end().is_send_shut || end().is_dead;
  std::uint32_t events = 0;
  if (end().is_dead || (no_more_to_read && no_more_to_send)) events |= EPOLLHUP;
  if (no_more_to_read) events |= readable | EPOLLRDHUP;
  if (connection_->readable(side_) > 0) events |= readable;
  if (no_more_to_send || has_room()) events |= writable;
  if (end().error != 0) events |= EPOLLERR;
  return events;
}

/// Linux finds room once a third of the buffer is free.
bool TcpSocket::has_room() {
  if (end().unacknowledged + end().unacknowledged / 2 <= end().send_buffer) return true;
  end().wants_room = true;
  return false;
}

void TcpSocket::room_grew() {
  if (!end().wants_room || !has_room()) return;
  end().wants_room = false;
  wake(writable);
}

void TcpSocket::connection_stands() {
  state_ = State::connected;
  if (options().is_set(SOL_SOCKET, SO_KEEPALIVE)) connection_->set_keep_alive(side_, true);
  wake(anything);
}

int TcpSocket::take_error() { return std::exchange(connection_ != nullptr ? end().error : error_, 0); }

// --- listening ---

CallResult TcpSocket::listen(int backlog) {
  if (state_ != State::fresh && state_ != State::listening) return CallResult::failure(EINVAL);
  if (const int error = bind_if_unbound()) return CallResult::failure(error);
  if (state_ == State::fresh && !ports().may_listen(*port_)) return CallResult::failure(EADDRINUSE);
  const int most = machine().options().largest_backlog;
  backlog_ = static_cast<std::size_t>(backlog < 0 ? most : std::min(backlog, most));
  state_ = State::listening;
  port_->is_listening = true;
  return CallResult::success();
}

bool TcpSocket::has_connection(int& error) {
  if (state_ == State::listening && !queue_.empty()) return true;
  error = state_ == State::listening ? EAGAIN : EINVAL;
  return false;
}

Socket* TcpSocket::accept(SocketName& peer) {
  auto accepted = std::make_unique<TcpSocket>(machine(), family());
  accepted->options() = options();
  accepted->options().forget(IPPROTO_TCP, defer_accept);
  accepted->connection_ = std::move(queue_.front());
  queue_.pop_front();
  accepted->side_ = TcpConnection::server;
  accepted->state_ = State::connected;
  accepted->has_told_connected_ = true;
  TcpEnd& end = accepted->end();
  end.socket = accepted.get();
  accepted->name_ = end.path.local;
  peer = end.path.remote.told_to(family());
  if (options().is_set(SOL_SOCKET, SO_KEEPALIVE)) accepted->connection_->set_keep_alive(TcpConnection::server, true);
  return accepted.release();
}

void TcpSocket::begin_accepting(const std::shared_ptr<TcpConnection>& connection) {
  TcpEnd& end = connection->end(TcpConnection::server);
  end.send_buffer = options().send_buffer;
  end.receive_buffer = options().receive_buffer;
  end.port = new_use(end.path.local);
  end.port->socket = nullptr;
  ports().add(*end.port);
  handshakes_[connection.get()] = connection;
}

void TcpSocket::add_connection(std::shared_ptr<TcpConnection> connection) {
  handshakes_.erase(connection.get());
  queue_.push_back(std::move(connection));
  wake(readable);
}

/// Those who wait to be accepted are reset.
void TcpSocket::stop_listening() {
  for (const auto& [address, handshake] : handshakes_) {
    if (const auto connection = handshake.lock()) connection->forget_listener();
  }
  handshakes_.clear();
  while (!queue_.empty()) {
    const std::shared_ptr<TcpConnection> connection = std::move(queue_.front());
    queue_.pop_front();
    connection->close(TcpConnection::server, true);
  }
}

// --- connecting ---

CallResult TcpSocket::connect(const SocketName& name) {
  if (state_ == State::listening) return CallResult::failure(EISCONN);
  if (is_spoilt_) return CallResult::failure(EINVAL);
  if (int error = 0; forget_failed_attempt(error)) return CallResult::failure(error);
  if (state_ == State::connecting) return CallResult::failure(EALREADY);
  if (state_ == State::connected) {
    return std::exchange(has_told_connected_, true) ? CallResult::failure(EISCONN) : CallResult::success();
  }
  InternetName remote;
  if (const int error = read_peer(name, remote)) return CallResult::failure(error);
  if (!can_reach(remote.address)) return CallResult::failure(EAFNOSUPPORT);
  return begin_to_connect(remote);
}

/// A failed attempt is reported by the next connect(2), after which the socket is as good as new.
bool TcpSocket::forget_failed_attempt(int& error) {
  if (has_told_connected_ || !is_closed()) return false;
  error = take_error();
  if (error == 0) error = ECONNABORTED;
  if (end().port != nullptr) {
    port_ = std::move(end().port);  // the program has chosen it
    port_->socket = this;
  }
  connection_->close(side_, false);
  connection_ = nullptr;
  state_ = State::fresh;
  is_send_shut_ = is_receive_shut_ = false;
  if (!has_chosen_address_) name_.address = wildcard();
  return true;
}

CallResult TcpSocket::begin_to_connect(const InternetName& remote) {
  Machine* peer = machine().network().find(machine(), remote.address);
  const bool is_of_this_net = remote.address.bytes[remote.address.is_v4() ? 12 : 0] ==
                              machine().address(remote.address.is_v4()).bytes[remote.address.is_v4() ? 12 : 0];
  if (peer == nullptr && !is_of_this_net) return CallResult::failure(ENETUNREACH);

  InternetName local = name_;
  if (local.address.is_any()) local.address = source_for(remote.address);
  if (local.address.is_loopback() && peer != &machine()) return CallResult::failure(EINVAL);
  if (port_ == nullptr) {
    port_ = new_use(local);
    if (const int error = ports().take_for(*port_, remote)) {
      port_ = nullptr;
      return CallResult::failure(error);
    }
    local.port = port_->name.port;
  }
  if (!ports().connect({local, remote})) return CallResult::failure(EADDRNOTAVAIL);

  name_ = port_->name = local;
  port_->socket = nullptr;
  connection_ = std::make_shared<TcpConnection>(machine().network());
  TcpEnd& end = connection_->end(TcpConnection::client);
  end.machine = &machine();
  end.crashes = machine().crashes();
  end.socket = this;
  end.path = {local, remote};
  end.port = std::move(port_);
  end.send_buffer = options().send_buffer;
  end.receive_buffer = options().receive_buffer;
  end.is_send_shut = is_send_shut_;  // noted though it failed
  end.is_receive_shut = is_receive_shut_;
  TcpEnd& other = connection_->end(TcpConnection::server);
  other.machine = peer != nullptr ? peer : &machine();
  other.crashes = other.machine->crashes();
  other.path = {remote, local};
  side_ = TcpConnection::client;
  state_ = State::connecting;
  machine().network().add(connection_);
  if (peer == nullptr) {
    connection_->connect_to_nobody();
  } else {
    connection_->connect();
  }
  return CallResult::failure(EINPROGRESS);
}

CallResult TcpSocket::peer_name(SocketName& name) {
  if (state_ != State::connected || is_closed()) return CallResult::failure(ENOTCONN);
  name = end().path.remote.told_to(family());
  return CallResult::success();
}

// --- bytes and ends ---

CallResult TcpSocket::receive(MutableBytes into) {
  if (state_ == State::fresh && is_receive_shut_) return CallResult::success();
  if (state_ == State::fresh || state_ == State::listening) return CallResult::failure(ENOTCONN);
  if (state_ == State::connecting && !is_dead()) return CallResult::failure(EAGAIN);
  if (connection_->readable(side_) > 0) {
    return CallResult::success(static_cast<std::int64_t>(connection_->receive(side_, into)));
  }
  if (end().has_fin) return CallResult::success();
  if (const int error = take_error()) return CallResult::failure(error);
  const bool is_over = end().is_receive_shut || end().is_dead;
  return is_over ? CallResult::success() : CallResult::failure(EAGAIN);
}

CallResult TcpSocket::receive_from(MutableBytes into, SocketName& from) {
  from.length = 0;                                  // a connection has one peer: Linux names none here
  std::vector<std::byte> thrown_away(into.size());  // what MSG_TRUNC means on TCP: tcp(7)
  return receive(thrown_away);
}

CallResult TcpSocket::send(Bytes from) {
  if (state_ == State::fresh || state_ == State::listening) {
    return CallResult::failure(error_ != 0 ? take_error() : EPIPE);
  }
  if (state_ == State::connecting && !is_dead()) return CallResult::failure(EAGAIN);
  if (end().error != 0) return CallResult::failure(take_error());
  if (end().is_send_shut || end().is_dead) return CallResult::failure(EPIPE);
  const std::size_t taken = connection_->send(side_, from);
  if (taken == 0 && !from.empty()) return CallResult::failure(EAGAIN);
  return CallResult::success(static_cast<std::int64_t>(taken));
}

CallResult TcpSocket::shutdown(int how) {
  if (how < SHUT_RD || how > SHUT_RDWR) return CallResult::failure(EINVAL);
  if (state_ == State::listening) {
    if (how == SHUT_WR) return CallResult::success();
    stop_listening();
    port_->is_listening = false;
    if (!port_->is_chosen) port_ = nullptr;
    state_ = State::fresh;
    wake(anything);
    return CallResult::success();
  }
  if (state_ == State::connecting && !is_dead()) {
    give_up_connecting();
    return CallResult::success();
  }
  if (state_ == State::fresh) {
    is_receive_shut_ |= how != SHUT_WR;
    is_send_shut_ |= how != SHUT_RD;
    wake(anything);
  }
  is_spoilt_ |= is_closed() && !has_told_connected_;
  if (state_ == State::fresh || is_closed()) return CallResult::failure(ENOTCONN);
  has_told_connected_ = true;
  if (how != SHUT_WR) end().is_receive_shut = true;
  if (how != SHUT_RD) connection_->shut_send(side_);
  wake(anything);
  return CallResult::success();
}

/// What shutdown(2) does in the middle of an attempt.
void TcpSocket::give_up_connecting() {
  connection_->close(side_, true);
  connection_ = nullptr;
  state_ = State::fresh;
  error_ = ECONNRESET;
  wake(anything);
}

void TcpSocket::option_changed(int level, int option) {
  if (connection_ == nullptr) return;
  if (level == SOL_SOCKET && option == SO_SNDBUF) end().send_buffer = options().send_buffer;
  if (level == SOL_SOCKET && option == SO_RCVBUF) {
    end().receive_buffer = options().receive_buffer;
    connection_->transmit(TcpConnection::other(side_));
  }
  if (level == IPPROTO_TCP && option == user_timeout) connection_->patience_changed(side_);
  const bool is_about_life =
      (level == SOL_SOCKET && option == SO_KEEPALIVE) || (level == IPPROTO_TCP && option == keep_idle);
  if (is_about_life && state_ == State::connected) {
    connection_->set_keep_alive(side_, options().is_set(SOL_SOCKET, SO_KEEPALIVE));
  }
}

}  // namespace weir::sys
