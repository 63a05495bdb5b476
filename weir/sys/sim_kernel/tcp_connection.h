// weir: a simulated TCP connection, both ends of it.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <memory>

#include "weir/sys/sim_kernel/byte_queue.h"
#include "weir/sys/sim_kernel/machine.h"

namespace weir::sys {

class TcpSocket;

/// One end, and what it sends. Its bytes stay in one queue until the other end's program takes them:
///
///     other program ◄── arrived │ in flight │ unsent ◄── this program
///
/// `unacknowledged` counts what takes up this end's send buffer: the unsent, those in flight, and those that have arrived
/// while the acknowledgement is still on its way back.
struct TcpEnd {
  enum class Fin : std::uint8_t { none, wanted, in_flight, arrived };

  Machine* machine = nullptr;
  TcpSocket* socket = nullptr;  ///< null: not accepted yet, or closed by its program
  InternetPath path;
  std::unique_ptr<PortUse> port;
  int crashes = 0;  ///< of the machine, when the connection began

  ByteQueue bytes;
  std::size_t arrived = 0;
  std::size_t in_flight = 0;
  std::size_t unacknowledged = 0;
  std::size_t send_buffer = 0;
  std::size_t receive_buffer = 0;
  Fin fin = Fin::none;
  TimePoint last_arrival{};      ///< of what was sent: nothing overtakes
  std::uint32_t under_way = 0;   ///< segments that have not arrived
  std::uint32_t generation = 0;  ///< goes up when what is in flight was lost
  bool waits_for_window = false;
  bool is_stalled = false;  ///< nothing gets through; tries again after `repeat_after`
  Duration repeat_after{};
  TimePoint stalled_since{};  ///< or when the connection was first asked for
  TimePoint window_closed_since{};

  int error = 0;  ///< SO_ERROR
  bool is_established = false;
  bool is_dead = false;    ///< reset, timed out, or over: the state CLOSED
  bool is_orphan = false;  ///< its program has closed it
  bool has_fin = false;    ///< the other end's FIN has arrived
  bool is_send_shut = false;
  bool is_receive_shut = false;
  bool wants_room = false;      ///< the program was told that there is no room
  bool ended_first = false;     ///< its FIN arrived before the other's: it will wait in TIME_WAIT
  bool gave_back_port = false;  ///< the port and the path are free again, or wait
  TimePoint last_heard{};
  std::uint32_t keep_alive = 0;  ///< tells timers of an earlier setting apart
  int unanswered_probes = 0;

  /// Nothing more can happen: reset, timed out, or ended by both sides.
  bool is_closed() const noexcept { return is_dead || (has_fin && fin == Fin::arrived); }
  std::size_t unsent() const noexcept { return bytes.size() - arrived - in_flight; }
};

/// Carries bytes, ends and resets between two ends, as Linux's TCP does as far as programs can see: windows, retransmission,
/// half closes, resets, silence where the peer is gone. Congestion control is left out: what the window allows is sent.
///
/// Where the way takes no time, everything has its effect before the call that caused it returns, as over loopback.
class TcpConnection : public std::enable_shared_from_this<TcpConnection> {
 public:
  enum Side : std::uint8_t { client = 0, server = 1 };

  explicit TcpConnection(Network& network) noexcept : network_(network) {}

  TcpConnection(const TcpConnection&) = delete;
  TcpConnection& operator=(const TcpConnection&) = delete;
  ~TcpConnection();

  TcpEnd& end(Side side) noexcept { return ends_[side]; }
  static Side other(Side side) noexcept { return side == client ? server : client; }

  // --- the client's handshake; `end(client)` and the machine and path of `end(server)` are filled in ---

  void connect();
  /// There is nobody at the address: fails after a while, as when no machine answers to ARP.
  void connect_to_nobody();
  /// The listener is closed before it has accepted.
  void forget_listener() noexcept { listener_ = nullptr; }

  // --- what the programs do ---

  std::size_t send(Side side, Bytes from);
  std::size_t receive(Side side, MutableBytes into);
  std::size_t readable(Side side) const noexcept { return ends_[1 - side].arrived; }
  void shut_send(Side side);
  /// The program is done with it: in order, or with a reset where it asks for one or leaves bytes unread (RFC 2525 2.17).
  void close(Side side, bool resets);
  /// Sends what the other end's window allows.
  void transmit(Side side);
  /// TCP_USER_TIMEOUT is another one.
  void patience_changed(Side side) { limit_wait_for_window(side); }
  /// Begins to ask now and then whether the other end is there (SO_KEEPALIVE), or stops.
  void set_keep_alive(Side side, bool on);
  /// A middlebox has lost patience: both ends receive a reset.
  void reset_both();
  bool is_between(const Machine& a, const Machine& b) const noexcept;

 private:
  static constexpr Duration first_repeat = std::chrono::milliseconds(200);  ///< Linux's smallest retransmission time

  struct Segment {
    enum Kind : std::uint8_t {
      ask,
      answer,
      confirm,
      deferral,
      data,
      fin,
      reset,
      acknowledge,
      window,
      window_limit,
      repeat,
      probe,
      forget,
      nobody
    };

    Kind kind;
    Side from;
    std::uint32_t mark = 0;  // a generation, or a number of tries
    std::size_t count = 0;
  };

  TcpEnd& from(const Segment& segment) noexcept { return ends_[segment.from]; }
  TcpEnd& to(const Segment& segment) noexcept { return ends_[1 - segment.from]; }

  void in(Duration delay, Segment segment);
  void post(Segment segment, TimePoint arrival);
  void arrive(const Segment& segment);
  void happen(const Segment& segment);
  void note(NetworkEvent what, const Segment& segment, std::int64_t amount);

  void ask(std::uint32_t tries);
  void ask_again(std::uint32_t tries);
  void asked(const Segment& segment);
  void send_answer();
  void answered(const Segment& segment);
  void confirm(std::uint32_t tries);
  void confirmed(const Segment& segment);
  void deferral_over();
  void client_has_sent();
  void data_arrived(const Segment& segment);
  void fin_arrived(const Segment& segment);
  void reset_arrived(const Segment& segment);
  void acknowledged(const Segment& segment);
  void acknowledgement_lost(const Segment& segment);
  void repeat(const Segment& segment);
  void probe(const Segment& segment);
  static bool has_probed_enough(const TcpEnd& end, TimePoint now);
  void in_flight_lost(Side side);
  void stall(Side side);
  void wait_for_window(Side side, bool has_waited);
  void limit_wait_for_window(Side side);
  void window_stayed_closed(const Segment& segment);
  static Duration time_of_repetition(std::uint32_t tries) noexcept;
  Duration patience(Side side) noexcept;
  Duration until_repetition(Side side, Duration passed, Duration planned) noexcept;
  void time_out(const Segment& segment);
  void refuse(const Segment& segment, int error);
  bool is_gone(const TcpEnd& end) const noexcept;
  void forget_unread(Side side);
  void send_fin(Side side);
  void send_reset(Side side);
  void die(Side side, int error);
  void give_back_port(Side side, bool waits);
  void finish_if_over(Side side);

  Network& network_;
  TcpEnd ends_[2];
  TcpSocket* listener_ = nullptr;  // until it has accepted
  bool is_deferred_ = false;       // the listener is to hear of the connection when the client has sent something
};

}  // namespace weir::sys
