// weir: a simulated TCP connection: bytes, ends and resets.
// SPDX-License-Identifier: MIT
#include "weir/sys/sim_kernel/tcp_connection.h"

#include <algorithm>

#include "weir/sys/sim_kernel/tcp_socket.h"

namespace weir::sys {
namespace {

using namespace weir::literals;

constexpr Duration half_closed_limit = 60s;  // tcp_fin_timeout

}  // namespace

TcpConnection::~TcpConnection() {
  for (const Side side : {client, server}) {
    ends_[side].is_orphan = true;
    give_back_port(side, false);
  }
}

// --- carrying segments ---

void TcpConnection::in(Duration delay, Segment segment) {
  network_.timeline().after(delay, [self = shared_from_this(), segment] { self->happen(segment); });
}

/// Lets a segment arrive: at once where the way takes no time and nothing is under way before it.
void TcpConnection::post(Segment segment, TimePoint arrival) {
  TcpEnd& sender = from(segment);
  sender.last_arrival = std::max(sender.last_arrival, arrival);
  if (sender.last_arrival <= network_.timeline().now() && sender.under_way == 0) return arrive(segment);
  ++sender.under_way;
  network_.timeline().at(sender.last_arrival, [self = shared_from_this(), segment] {
    --self->from(segment).under_way;
    self->arrive(segment);
  });
}

void TcpConnection::note(NetworkEvent what, const Segment& segment, std::int64_t amount) {
  network_.trace().add({network_.timeline().now(), amount, to(segment).machine->number(),
                        from(segment).machine->number(), static_cast<std::uint8_t>(what), false, false});
}

/// What is under way when the link is cut is lost; the handshake and the ends are repeated like everything else.
void TcpConnection::arrive(const Segment& segment) {
  if (network_.is_up(*from(segment).machine, *to(segment).machine)) return happen(segment);
  note(NetworkEvent::lost, segment, static_cast<std::int64_t>(segment.count));
  switch (segment.kind) {
    case Segment::ask: return ask_again(segment.mark);
    case Segment::answer: return in(1s, {Segment::answer, server});
    case Segment::confirm: return in(1s, segment);
    case Segment::data:
    case Segment::fin:
      if (segment.mark == from(segment).generation) in_flight_lost(segment.from);
      return;
    default: return;  // a reset is not repeated
  }
}

void TcpConnection::happen(const Segment& segment) {
  switch (segment.kind) {
    case Segment::ask: return asked(segment);
    case Segment::answer: return answered(segment);
    case Segment::confirm: return confirmed(segment);
    case Segment::deferral: return deferral_over();
    case Segment::data: return data_arrived(segment);
    case Segment::fin: return fin_arrived(segment);
    case Segment::reset: return reset_arrived(segment);
    case Segment::acknowledge: return acknowledged(segment);
    case Segment::window: return transmit(segment.from);
    case Segment::window_limit: return window_stayed_closed(segment);
    case Segment::repeat: return repeat(segment);
    case Segment::probe: return probe(segment);
    case Segment::forget:
      if (!from(segment).has_fin) die(segment.from, 0);
      return;
    case Segment::nobody: return die(client, EHOSTUNREACH);
  }
}

// --- bytes ---

std::size_t TcpConnection::send(Side side, Bytes from) {
  TcpEnd& end = ends_[side];
  const std::size_t room = end.send_buffer > end.unacknowledged ? end.send_buffer - end.unacknowledged : 0;
  const Bytes taken = from.first(std::min(from.size(), room));
  if (taken.size() < from.size()) end.wants_room = true;
  end.bytes.append(taken);
  end.unacknowledged += taken.size();
  transmit(side);
  return taken.size();
}

void TcpConnection::transmit(Side side) {
  TcpEnd& end = ends_[side];
  TcpEnd& receiver = ends_[1 - side];
  if (end.is_dead || end.is_stalled || !end.is_established) return;
  const bool waited = std::exchange(end.waits_for_window, false);
  while (end.unsent() > 0) {
    const std::size_t window = receiver.receive_buffer / 2;  // Linux offers half of the buffer to the other end
    const std::size_t waiting = end.arrived + end.in_flight;
    if (waiting >= window) return wait_for_window(side, waited);
    const std::size_t size =
        network_.segment_size(*end.machine, *receiver.machine, std::min(end.unsent(), window - waiting));
    const auto arrival = network_.arrival_of_segment(*end.machine, *receiver.machine, size);
    if (!arrival) return stall(side);
    end.repeat_after = {};
    end.in_flight += size;
    post({Segment::data, side, end.generation, size}, *arrival);
    if (end.is_dead || end.is_stalled) return;
  }
  if (end.fin == TcpEnd::Fin::wanted) send_fin(side);
}

void TcpConnection::data_arrived(const Segment& segment) {
  TcpEnd& sender = from(segment);
  TcpEnd& receiver = to(segment);
  if (segment.mark != sender.generation) return;  // counted as lost, and sent again
  note(NetworkEvent::data_arrives, segment, static_cast<std::int64_t>(segment.count));
  if (segment.from == client) client_has_sent();
  if (is_gone(receiver) || receiver.is_orphan) return refuse(segment, 0);  // RFC 9293 section 3.10.7.1
  if (receiver.is_receive_shut && receiver.fin != TcpEnd::Fin::none) {     // both ways shut, though not closed
    return refuse(segment, ECONNRESET);
  }
  sender.in_flight -= segment.count;
  sender.arrived += segment.count;
  receiver.last_heard = network_.timeline().now();
  if (receiver.socket != nullptr) receiver.socket->wake(File::readable);
  if (const auto arrival = network_.arrival_of_reply(*receiver.machine, *sender.machine)) {
    const Segment reply{Segment::acknowledge, segment.from, 0, segment.count};
    if (*arrival == network_.timeline().now()) return acknowledged(reply);
    return in(*arrival - network_.timeline().now(), reply);
  }
  acknowledgement_lost({Segment::acknowledge, segment.from, 0, segment.count});
}

/// An acknowledgement that could not come back comes with that of a repetition. `from` is who had sent the data.
void TcpConnection::acknowledged(const Segment& segment) {
  TcpEnd& sender = from(segment);
  if (sender.is_dead) return;
  if (!network_.is_up(*to(segment).machine, *sender.machine)) return acknowledgement_lost(segment);
  sender.last_heard = network_.timeline().now();
  sender.unacknowledged -= segment.count;
  if (sender.socket != nullptr) sender.socket->room_grew();
}

std::size_t TcpConnection::receive(Side side, MutableBytes into) {
  TcpEnd& sender = ends_[1 - side];
  const std::size_t count = sender.bytes.take(into.first(std::min(into.size(), sender.arrived)));
  sender.arrived -= count;
  if (!sender.waits_for_window || count == 0) return count;
  const auto arrival = network_.arrival_of_reply(*ends_[side].machine, *sender.machine);
  if (arrival && *arrival > network_.timeline().now()) {
    sender.waits_for_window = false;
    in(*arrival - network_.timeline().now(), {Segment::window, other(side)});
  } else {
    transmit(other(side));  // where the window could not be told, a probe of the sender finds it open
  }
  return count;
}

// --- ends ---

void TcpConnection::shut_send(Side side) {
  TcpEnd& end = ends_[side];
  if (end.is_send_shut) return;
  end.is_send_shut = true;
  end.fin = TcpEnd::Fin::wanted;
  transmit(side);
}

void TcpConnection::send_fin(Side side) {
  TcpEnd& end = ends_[side];
  const auto arrival = network_.arrival_of_segment(*end.machine, *ends_[1 - side].machine, 0);
  if (!arrival) return stall(side);
  end.fin = TcpEnd::Fin::in_flight;
  post({Segment::fin, side, end.generation}, *arrival);
}

void TcpConnection::fin_arrived(const Segment& segment) {
  TcpEnd& sender = from(segment);
  TcpEnd& receiver = to(segment);
  if (segment.mark != sender.generation) return;
  note(NetworkEvent::end_arrives, segment, 0);
  if (segment.from == client) client_has_sent();
  const Side side = other(segment.from);
  if (is_gone(receiver)) return refuse(segment, 0);
  sender.fin = TcpEnd::Fin::arrived;
  sender.ended_first = !sender.has_fin;
  receiver.has_fin = true;
  receiver.last_heard = network_.timeline().now();
  if (receiver.socket != nullptr) receiver.socket->wake(File::anything);
  if (sender.is_orphan && !sender.has_fin) in(half_closed_limit, {Segment::forget, segment.from});
  finish_if_over(segment.from);
  finish_if_over(side);
}

/// Both ends have been sent and seen: the port is free, or waits a minute where this end was the first to finish.
void TcpConnection::finish_if_over(Side side) {
  TcpEnd& end = ends_[side];
  if (!end.has_fin || end.fin != TcpEnd::Fin::arrived) return;
  give_back_port(side, end.ended_first);
  if (end.is_orphan) end.is_dead = true;
}

void TcpConnection::close(Side side, bool resets) {
  TcpEnd& end = ends_[side];
  end.socket = nullptr;
  end.is_orphan = true;
  if (is_gone(end)) {
    forget_unread(side);
    return give_back_port(side, false);
  }
  if (end.is_closed()) return finish_if_over(side);
  if (!end.is_established) return die(side, 0);  // still connecting: an answer finds nobody
  if (resets || readable(side) > 0) {
    forget_unread(side);
    send_reset(side);
    return die(side, 0);
  }
  const bool had_ended = end.fin == TcpEnd::Fin::arrived;
  shut_send(side);
  if (had_ended && !end.has_fin) in(half_closed_limit, {Segment::forget, side});
  finish_if_over(side);
}

/// What had arrived is gone. A sender that waits for the window asks for it again, and finds nobody: the reset may be lost.
void TcpConnection::forget_unread(Side side) {
  TcpEnd& sender = ends_[1 - side];
  sender.bytes.drop(sender.arrived);
  sender.arrived = 0;
  if (sender.waits_for_window) in(first_repeat, {Segment::window, other(side)});
}

// --- resets ---

void TcpConnection::send_reset(Side side) {
  TcpEnd& end = ends_[side];
  const auto arrival = network_.arrival_of_reply(*end.machine, *ends_[1 - side].machine);
  if (arrival) post({Segment::reset, side}, *arrival);
}

/// Nobody will take what arrived: a reset says so. Its sender repeats it, for the reset may be lost.
void TcpConnection::refuse(const Segment& segment, int error) {
  send_reset(other(segment.from));
  die(other(segment.from), error);
  if (!from(segment).is_dead) in_flight_lost(segment.from);
}

void TcpConnection::reset_arrived(const Segment& segment) {
  TcpEnd& end = to(segment);
  if (end.is_dead) return;
  note(NetworkEvent::reset_arrives, segment, 0);
  const bool is_refused = !end.is_established && other(segment.from) == client;
  const bool had_only_to_write = end.has_fin && !end.is_send_shut;  // CLOSE_WAIT
  die(other(segment.from), is_refused ? ECONNREFUSED : had_only_to_write ? EPIPE : ECONNRESET);
}

void TcpConnection::reset_both() {
  for (const Side side : {client, server}) {
    if (ends_[side].is_established && !is_gone(ends_[side])) die(side, ECONNRESET);
  }
}

/// CLOSED: what was not sent is lost; what had arrived can still be read.
void TcpConnection::die(Side side, int error) {
  TcpEnd& end = ends_[side];
  if (end.is_dead) return;
  end.is_dead = true;
  if (error != 0) end.error = error;
  end.bytes.truncate(end.arrived + end.in_flight);
  end.unacknowledged = 0;
  give_back_port(side, false);
  if (end.socket != nullptr) end.socket->wake(File::anything);
}

bool TcpConnection::is_gone(const TcpEnd& end) const noexcept {
  return end.is_dead || end.crashes != end.machine->crashes();
}

void TcpConnection::give_back_port(Side side, bool waits) {
  TcpEnd& end = ends_[side];
  if (end.gave_back_port || end.machine == nullptr) return;
  const bool is_kept = end.port != nullptr && end.port->is_chosen && !end.is_orphan;
  if (is_kept && !waits) return;
  end.gave_back_port = true;
  if (end.crashes != end.machine->crashes()) return end.port.reset();  // the machine has forgotten them all
  end.machine->tcp_ports.disconnect(end.path, std::move(end.port), waits);
}

bool TcpConnection::is_between(const Machine& a, const Machine& b) const noexcept {
  return (ends_[0].machine == &a && ends_[1].machine == &b) || (ends_[0].machine == &b && ends_[1].machine == &a);
}

}  // namespace weir::sys
