// weir: a simulated TCP connection: how it begins.
// SPDX-License-Identifier: MIT
#include <algorithm>

#include "weir/sys/sim_kernel/tcp_connection.h"
#include "weir/sys/sim_kernel/tcp_socket.h"

namespace weir::sys {
namespace {

using namespace weir::literals;

constexpr std::uint32_t most_asks = 6;      // repetitions, net.ipv4.tcp_syn_retries: 127 s in all
constexpr std::uint32_t most_answers = 5;   // net.ipv4.tcp_synack_retries
constexpr Duration until_unreachable = 3s;  // three ARP requests without an answer

}  // namespace

void TcpConnection::connect_to_nobody() { in(until_unreachable, {Segment::nobody, client}); }

void TcpConnection::connect() {
  ends_[client].stalled_since = network_.timeline().now();
  ask(0);
}

/// The SYN.
void TcpConnection::ask(std::uint32_t tries) {
  TcpEnd& end = ends_[client];
  if (is_gone(end) || end.is_orphan) return;
  const bool is_late = network_.timeline().now() - end.stalled_since >= patience(client);
  if (tries > most_asks || (tries > 0 && is_late)) return time_out({Segment::ask, client});
  const auto arrival = network_.arrival_of_segment(*end.machine, *ends_[server].machine, 0);
  if (!arrival) return ask_again(tries);
  post({Segment::ask, client, tries}, *arrival);
}

/// Nobody has answered: after 1, 2, 4, … s, and when the user's time is up.
void TcpConnection::ask_again(std::uint32_t tries) {
  const Duration passed = network_.timeline().now() - ends_[client].stalled_since;
  in(until_repetition(client, passed, 1s * (1 << tries)), {Segment::repeat, client, tries + 1, 1});
}

/// A full queue drops it, silently: the client repeats it.
void TcpConnection::asked(const Segment& segment) {
  TcpEnd& end = ends_[server];
  if (is_gone(ends_[client]) || ends_[client].is_orphan) return;
  note(NetworkEvent::connect_arrives, segment, end.path.local.port);
  Socket* found = end.machine->tcp_ports.find(end.path.local, [](const PortUse& use) { return use.is_listening; });
  end.crashes = end.machine->crashes();
  if (found == nullptr) return send_reset(server);
  auto& listener = static_cast<TcpSocket&>(*found);
  if (listener.is_queue_full()) return ask_again(segment.mark);
  listener_ = &listener;
  listener.begin_accepting(shared_from_this());
  is_deferred_ = listener.accept_deferral() > Duration::zero();
  if (is_deferred_) in(listener.accept_deferral(), {Segment::deferral, server});
  send_answer();
}

/// The SYN with its acknowledgement.
void TcpConnection::send_answer() {
  const auto arrival = network_.arrival_of_segment(*ends_[server].machine, *ends_[client].machine, 0);
  if (!arrival) return in(1s, {Segment::answer, server});
  post({Segment::answer, server}, *arrival);
}

/// For the client the connection stands.
void TcpConnection::answered(const Segment& segment) {
  if (!network_.is_up(*from(segment).machine, *to(segment).machine)) {  // a repetition that was lost as well
    if (segment.mark < most_answers) return in(1s * (2 << segment.mark), {Segment::answer, server, segment.mark + 1});
    return die(server, 0);
  }
  TcpEnd& end = ends_[client];
  if (is_gone(end)) return send_reset(client);
  if (end.is_established) return confirm(0);  // a repetition, which asks for that
  if (end.is_orphan) return send_reset(client);
  end.is_established = true;
  end.last_heard = network_.timeline().now();
  end.socket->connection_stands();
  confirm(0);
  transmit(client);
}

void TcpConnection::confirm(std::uint32_t tries) {
  const auto arrival = network_.arrival_of_segment(*ends_[client].machine, *ends_[server].machine, 0);
  if (!arrival) return in(1s, {Segment::confirm, client, tries + 1});
  post({Segment::confirm, client, tries}, *arrival);
}

/// The acknowledgement: for the server the connection stands, and waits to be accepted.
void TcpConnection::confirmed(const Segment& segment) {
  TcpEnd& end = ends_[server];
  if (is_gone(end) || end.is_established) return;
  const bool is_up = network_.is_up(*from(segment).machine, *to(segment).machine);
  if (listener_ == nullptr) {
    send_reset(server);
    return die(server, 0);
  }
  if (is_deferred_) return;
  if (!is_up || listener_->is_queue_full()) {
    if (segment.mark < most_answers) return in(1s * (1 << segment.mark), {Segment::confirm, client, segment.mark + 1});
    return die(server, 0);  // the client hears of it when it sends something
  }
  end.is_established = true;
  end.last_heard = network_.timeline().now();
  std::exchange(listener_, nullptr)->add_connection(shared_from_this());
  transmit(server);
}

/// The client has sent nothing in the time of TCP_DEFER_ACCEPT. Linux answers it once more, and accepts when it confirms that.
void TcpConnection::deferral_over() {
  if (!is_deferred_ || listener_ == nullptr || is_gone(ends_[server])) return;
  is_deferred_ = false;
  send_answer();
}

/// What the listener was waiting for has come: bytes, or their end.
void TcpConnection::client_has_sent() {
  if (std::exchange(is_deferred_, false)) confirmed({Segment::confirm, client});
}

}  // namespace weir::sys
