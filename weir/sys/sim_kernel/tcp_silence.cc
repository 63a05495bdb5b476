// weir: a simulated TCP connection: how long it waits for a peer from which nothing comes.
// SPDX-License-Identifier: MIT
#include <algorithm>

#include "weir/sys/sim_kernel/tcp_connection.h"
#include "weir/sys/sim_kernel/tcp_socket.h"

namespace weir::sys {
namespace {

using namespace weir::literals;

constexpr Duration longest_repeat = 120s;        // the largest retransmission time of Linux
constexpr Duration longest_silence = 924'600ms;  // what tcp_retries2 = 15 comes to

}  // namespace

/// How long after the first try that many repetitions have gone out.
Duration TcpConnection::time_of_repetition(std::uint32_t tries) noexcept {
  Duration passed{};
  Duration next = first_repeat;
  for (; tries > 0; --tries) {
    passed += next;
    next = std::min(next * 2, longest_repeat);
  }
  return passed;
}

/// TCP_USER_TIMEOUT where it is set (tcp(7)).
Duration TcpConnection::patience(Side side) noexcept {
  const TcpEnd& end = ends_[side];
  const Duration limit = end.socket != nullptr ? end.socket->longest_silence() : Duration::zero();
  return limit > Duration::zero() ? limit : longest_silence;
}

/// Linux makes its last try when the time is up: tcp_clamp_rto_to_user_timeout().
Duration TcpConnection::until_repetition(Side side, Duration passed, Duration planned) noexcept {
  return std::min(planned, std::max(patience(side) - passed, Duration::zero()));
}

/// The end from which `segment` comes gives up.
void TcpConnection::time_out(const Segment& segment) {
  note(NetworkEvent::timed_out, {segment.kind, other(segment.from)}, 0);
  die(segment.from, ETIMEDOUT);
}

// --- losses ---

/// Nothing gets through: tries again later, at growing intervals, until it gives up.
void TcpConnection::stall(Side side) {
  TcpEnd& end = ends_[side];
  if (end.is_stalled) return;
  const TimePoint now = network_.timeline().now();
  if (end.repeat_after == Duration::zero()) {
    end.repeat_after = first_repeat;
    end.stalled_since = now;
  }
  end.is_stalled = true;
  in(until_repetition(side, now - end.stalled_since, end.repeat_after), {Segment::repeat, side});
  end.repeat_after = std::min(end.repeat_after * 2, longest_repeat);
}

void TcpConnection::in_flight_lost(Side side) {
  TcpEnd& end = ends_[side];
  ++end.generation;
  end.in_flight = 0;
  if (end.fin == TcpEnd::Fin::in_flight) end.fin = TcpEnd::Fin::wanted;
  stall(side);
}

void TcpConnection::repeat(const Segment& segment) {
  TcpEnd& end = from(segment);
  if (end.is_dead) return;
  if (segment.count == 1) return ask(segment.mark);
  end.is_stalled = false;
  if (is_gone(end)) return;
  if (network_.timeline().now() - end.stalled_since >= patience(segment.from)) return time_out(segment);
  transmit(segment.from);
}

/// Data has arrived, and the sender does not hear of it: it repeats them. `from` is who had sent them.
void TcpConnection::acknowledgement_lost(const Segment& segment) {
  const Duration passed = time_of_repetition(segment.mark);
  if (passed >= patience(segment.from)) return time_out(segment);
  const Duration planned = time_of_repetition(segment.mark + 1) - passed;
  in(until_repetition(segment.from, passed, planned),
     {Segment::acknowledge, segment.from, segment.mark + 1, segment.count});
}

// --- a closed window ---

/// The other end's program does not read. Its system answers, so this may go on for ever, unless the user's time is up.
void TcpConnection::wait_for_window(Side side, bool has_waited) {
  TcpEnd& end = ends_[side];
  end.waits_for_window = true;
  if (has_waited) return;
  end.window_closed_since = network_.timeline().now() + first_repeat;  // Linux counts from its first probe
  limit_wait_for_window(side);
}

void TcpConnection::limit_wait_for_window(Side side) {
  TcpEnd& end = ends_[side];
  if (!end.waits_for_window || end.socket == nullptr || end.socket->longest_silence() == Duration::zero()) return;
  const Duration passed = network_.timeline().now() - end.window_closed_since;
  in(std::max(end.socket->longest_silence() - passed, Duration::zero()), {Segment::window_limit, side});
}

void TcpConnection::window_stayed_closed(const Segment& segment) {
  TcpEnd& end = from(segment);
  if (is_gone(end) || !end.waits_for_window || end.socket == nullptr) return;
  if (network_.timeline().now() - end.window_closed_since >= patience(segment.from)) time_out(segment);
}

// --- keep-alive ---

void TcpConnection::set_keep_alive(Side side, bool on) {
  TcpEnd& end = ends_[side];
  ++end.keep_alive;
  end.unanswered_probes = 0;
  if (on && end.socket != nullptr) in(end.socket->keep_alive_idle(), {Segment::probe, side, end.keep_alive});
}

/// TCP_USER_TIMEOUT takes the place of TCP_KEEPCNT (tcp(7)), but for the first probe.
bool TcpConnection::has_probed_enough(const TcpEnd& end, TimePoint now) {
  const Duration limit = end.socket->longest_silence();
  if (limit == Duration::zero()) return end.unanswered_probes >= end.socket->keep_alive_probes();
  return end.unanswered_probes > 0 && now - end.last_heard >= limit;
}

/// Asks the other end for a sign of life when none has come for long enough (RFC 9293 section 3.8.4).
void TcpConnection::probe(const Segment& segment) {
  TcpEnd& end = from(segment);
  TcpEnd& peer = to(segment);
  if (is_gone(end) || end.socket == nullptr || segment.mark != end.keep_alive) return;
  const TimePoint now = network_.timeline().now();
  const Duration idle = end.socket->keep_alive_idle();
  const bool is_sending = end.unacknowledged > 0 || end.fin == TcpEnd::Fin::wanted || end.fin == TcpEnd::Fin::in_flight;
  if (is_sending) return in(idle, segment);  // repetitions find out; Linux does not probe then
  if (now - end.last_heard < idle && end.unanswered_probes == 0) return in(end.last_heard + idle - now, segment);
  const bool is_up = network_.is_up(*end.machine, *peer.machine) && network_.is_up(*peer.machine, *end.machine);
  if (is_up && is_gone(peer)) return die(segment.from, ECONNRESET);  // it does not know the connection any more
  if (is_up) {
    end.last_heard = now;
    end.unanswered_probes = 0;
    return in(idle, segment);
  }
  if (has_probed_enough(end, now)) return time_out(segment);
  ++end.unanswered_probes;
  in(end.socket->keep_alive_interval(), segment);
}

}  // namespace weir::sys
