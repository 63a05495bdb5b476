// weir: slots with a descriptor, and what a backend tells each kind of them.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <system_error>

#include "weir/buffer/buffer.h"
#include "weir/buffer/receive_block.h"
#include "weir/loop/diversion.h"
#include "weir/loop/event_loop.h"
#include "weir/sys/descriptor.h"
#include "weir/sys/socket_name.h"

namespace weir {

struct ReadyTag;

/// A slot that the kernel reports on.
///
/// A backend finds the slot by its id, which it hands to the kernel beside the descriptor; an event that carries the id
/// of an earlier owner of the same number finds nothing and is dropped.
class IoSlot : public Slot, public ListHook<ReadyTag> {
 public:
  enum class Kind : std::uint8_t { bytes, accept, connect, watch };

  Kind kind() const noexcept { return kind_; }
  int descriptor() const noexcept { return descriptor_.number(); }
  bool is_attached() const noexcept { return is_attached_; }
  /// True while the slot waits for the pool to have memory again; what the kernel holds for it is not lost.
  bool is_starved() const noexcept { return is_starved_; }
  /// How urgent it is to serve the slot; 0 is the most urgent. Classes that the loop does not have are its last one.
  std::uint8_t priority() const noexcept { return priority_; }
  void set_priority(std::uint8_t priority) noexcept { priority_ = priority; }
  /// The pool has memory again. What was asked of the slot goes on in this turn by itself.
  virtual void memory_returned() noexcept {}

 protected:
  IoSlot(EventLoop& loop, Kind kind) : Slot(loop), kind_(kind) {}

 private:
  friend class ReadinessBackend;

  IoSlot* as_io_slot() noexcept final { return this; }

  sys::Descriptor descriptor_;
  const Kind kind_;
  std::uint8_t priority_ = 0;
  bool is_attached_ = false;
  bool is_starved_ = false;       ///< to receive, or to accept
  bool cannot_send_yet_ = false;  ///< for there was no memory for what has to be copied, or as bad

  // What the backend knows and what was asked of it. Meanings differ a little by kind; see ReadinessBackend.
  bool is_reading_ = false;   ///< bytes: receive is on; accept: accepting
  bool is_writing_ = false;   ///< bytes: a send is in flight; connect: connecting
  bool is_readable_ = false;  ///< no call has said EAGAIN since the last event
  bool is_writable_ = false;
  std::uint32_t noted_events_ = 0;
  std::uint32_t noted_for_ = 0;      ///< the dispatch for which these were fetched
  bool has_ended_ = false;           ///< the kernel reported an end or an error: short reads prove nothing any more
  bool is_always_readable_ = false;  ///< a regular file, say: the system does not report on it, and need not
  bool is_always_writable_ = false;
};

/// Bytes that have just arrived in the loop's receive block.
class Received {
 public:
  /// Below this many bytes copying into a small block beats sharing: it keeps the hot block free to be used again.
  static constexpr std::size_t share_from = 2048;

  Received(ReceiveBlock& block, Bytes bytes) noexcept : block_(block), bytes_(bytes) {}

  Bytes bytes() const noexcept { return bytes_; }

  /// Puts the bytes at the end of `buffer`, by copy or by reference. The backend has reserved what this needs.
  void append_to(Buffer& buffer) noexcept {
    if (bytes_.size() < share_from && buffer.try_append(bytes_)) return;
    buffer.append_reserved(block_.take(bytes_.size()));
  }

 private:
  ReceiveBlock& block_;
  Bytes bytes_;
};

/// A slot that receives and sends bytes. Its buffers belong to it, so that what was accepted for sending outlives the
/// stream that wrote it.
class ByteSlot : public IoSlot {
 public:
  /// Bytes arrived. May come after `stop_receive`, for what the kernel had already handed over.
  virtual void received(Received& data) = 0;
  /// Nothing more will arrive: the peer's end when `error` is none. Receiving is off.
  virtual void receive_ended(std::error_code error) = 0;
  /// The kernel took `count` bytes from the front of the output. Drops them; the backend goes on sending while the
  /// output is not empty. May be called before `start_send` returns.
  virtual void sent(std::size_t count) = 0;
  /// The kernel takes nothing more. Sending is off; the output is untouched.
  virtual void send_failed(std::error_code error) = 0;

  /// How much may be received, or sent, at once. 0: not now; the slot has been stopped, and starts again by itself. Asked only
  /// of those that are limited.
  virtual std::size_t receive_allowance() { return unlimited; }
  virtual std::size_t send_allowance() { return unlimited; }
  bool is_rate_limited() const noexcept { return is_rate_limited_; }

  /// Descriptors that are to leave with a byte of the output.
  struct Departure {
    std::size_t bytes_before;   ///< those leave without them, and have to be gone
    std::size_t bytes_to_next;  ///< of those behind: up to the place of other descriptors
    std::span<const sys::Descriptor> descriptors;
  };
  /// The next ones. Asked only of those that have some.
  virtual Departure next_departure() const noexcept { return {}; }
  /// They have left, and may be closed; `sent` tells of the bytes then.
  virtual void descriptors_departed() noexcept {}
  bool has_departures() const noexcept { return has_departures_; }
  /// Some may come: makes room, so that none can be lost. Asked only of those that take any, which hear of what has come
  /// before `received` tells of the bytes. The numbers are theirs from then on.
  virtual void reserve_arrivals() {}
  virtual void descriptors_arrived(std::span<const int>) noexcept {}

  Buffer& input_buffer() noexcept { return input_; }
  Buffer& output_buffer() noexcept { return output_; }

 protected:
  /// A receive that brings less than was asked for has emptied the socket. True of TCP; on a Unix socket a receive also
  /// stops behind bytes that came with descriptors (unix(7), SCM_RIGHTS).
  void trust_short_reads() noexcept { trusts_short_reads_ = true; }

  /// What is read from, or written to, is no socket: read(2) and writev(2) take the place of recv(2) and sendmsg(2).
  void use_file_calls(bool reading, bool writing) noexcept {
    reading_ = reading ? Reading::file : Reading::socket;
    writes_file_ = writing;
  }
  /// It is a Unix socket: bytes may travel with descriptors.
  void allow_passing() noexcept { can_pass_ = true; }
  bool can_pass() const noexcept { return can_pass_; }
  /// Whether those that come are taken. Else the system closes them.
  void take_arrivals(bool takes) noexcept {
    if (can_pass_) reading_ = takes ? Reading::with_descriptors : Reading::socket;
  }
  bool takes_arrivals() const noexcept { return reading_ == Reading::with_descriptors; }
  void set_departures(bool has_some) noexcept { has_departures_ = has_some; }
  /// Null: through memory, as ever. It must outlive its being set.
  void divert(Diversion* diversion) noexcept { diversion_ = diversion; }
  bool is_diverted() const noexcept { return diversion_ != nullptr; }
  bool is_diverted_to(const Diversion& diversion) const noexcept { return diversion_ == &diversion; }
  void set_rate_limited(bool is_limited) noexcept { is_rate_limited_ = is_limited; }
  const sys::Descriptor& writer() const noexcept { return writer_; }

  explicit ByteSlot(EventLoop& loop) : IoSlot(loop, Kind::bytes), input_(loop.pool()), output_(loop.pool()) {}

  Buffer input_;
  Buffer output_;

 private:
  friend class ReadinessBackend;

  /// Where bytes come from.
  enum class Reading : std::uint8_t { socket, file, with_descriptors };

  sys::Descriptor writer_;  ///< where what is sent goes, when that is not the slot's descriptor
  bool trusts_short_reads_ = false;
  bool is_rate_limited_ = false;
  Reading reading_ = Reading::socket;
  bool writes_file_ = false;
  bool can_pass_ = false;
  bool has_departures_ = false;
  Diversion* diversion_ = nullptr;
};

/// A slot that accepts connections.
class AcceptSlot : public IoSlot {
 public:
  virtual void accepted(sys::Descriptor connection, const sys::SocketName& peer) = 0;
  /// Accepting is off. Out of descriptors or memory, or a whole batch of failures: worth another try later.
  virtual void accept_failed(std::error_code error) = 0;

 protected:
  explicit AcceptSlot(EventLoop& loop) : IoSlot(loop, Kind::accept) {}
};

/// A slot that waits for one connection to be made.
class ConnectSlot : public IoSlot {
 public:
  /// The attempt is over; `error` is none when the socket is connected.
  virtual void connected(std::error_code error) = 0;

 protected:
  explicit ConnectSlot(EventLoop& loop) : IoSlot(loop, Kind::connect) {}
};

/// A slot that watches a descriptor which is not the loop's own. It is never closed by the loop.
class WatchSlot : public IoSlot {
 public:
  virtual void became_ready(std::uint32_t epoll_events) = 0;

 protected:
  explicit WatchSlot(EventLoop& loop) : IoSlot(loop, Kind::watch) {}

 private:
  friend class ReadinessBackend;

  std::uint32_t interest_ = 0;  ///< of epoll, while watching
};

}  // namespace weir
