// weir: what the loop asks of epoll, or of whatever stands in its place.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "weir/base/result.h"
#include "weir/base/time.h"
#include "weir/loop/io_slot.h"

namespace weir {

/// Carries out operations on slots and waits for what they bring. Reports through the virtual functions of the slots.
///
/// Every start may complete before it returns, except `start_receive`, `start_accept` and `start_connect`, which
/// report from `dispatch` only: they are called while a callback of the same object may be on the stack.
class Backend {
 public:
  virtual ~Backend() = default;

  virtual std::string_view name() const noexcept = 0;

  /// Readable while there are events to fetch, for a program that waits elsewhere; -1 where the system has no such thing.
  virtual int descriptor() const noexcept = 0;

  /// Takes the descriptor over and begins to listen to it. On failure it is closed and the slot is as before.
  virtual Result<void> attach(IoSlot& slot, sys::Descriptor descriptor) = 0;
  /// Ends every operation of the slot; none of them reports any more. The descriptor is the caller's again.
  virtual sys::Descriptor detach(IoSlot& slot) noexcept = 0;

  /// Has what the slot sends go to a descriptor of its own from now on. For one that is attached and does not send.
  virtual Result<void> attach_writer(ByteSlot& slot, sys::Descriptor writer) = 0;
  /// Ends the sending; the writer, none where there is no such, is the caller's again. Comes before `detach`.
  virtual sys::Descriptor detach_writer(ByteSlot& slot) noexcept = 0;

  /// Delivers what arrives until stopped or ended.
  virtual void start_receive(ByteSlot& slot) noexcept = 0;
  virtual void stop_receive(ByteSlot& slot) noexcept = 0;
  /// Tries at once to receive what the kernel still holds, whatever was reported before; ends like a turn of receive.
  virtual void receive_now(ByteSlot& slot) = 0;
  /// Sends the output until it is empty. One send at a time; a second start joins the first.
  virtual void start_send(ByteSlot& slot) = 0;
  virtual void stop_send(ByteSlot& slot) noexcept = 0;
  /// Tries at once to send, whatever was reported before. Linux reports room only when a good part of its buffer is free.
  virtual void send_now(ByteSlot& slot) = 0;

  /// Delivers connections until stopped or failed.
  virtual void start_accept(AcceptSlot& slot) noexcept = 0;
  virtual void stop_accept(AcceptSlot& slot) noexcept = 0;

  /// Waits for an attempt that connect(2) left in progress.
  virtual void start_connect(ConnectSlot& slot) noexcept = 0;

  /// Watches a descriptor that stays somebody else's, or changes what it is watched for. `epoll_events` is of EPOLLIN,
  /// EPOLLOUT, EPOLLRDHUP, and EPOLLET: without that it is reported in every turn in which it is ready.
  virtual Result<void> start_watch(WatchSlot& slot, int descriptor, std::uint32_t epoll_events) = 0;
  virtual void stop_watch(WatchSlot& slot) noexcept = 0;

  /// True when `dispatch` has something to do without waiting.
  virtual bool has_ready() const noexcept = 0;
  /// Waits for events, at most `timeout`; negative is without end.
  virtual Result<void> wait(Duration timeout) = 0;
  /// Reports what came. When a callback throws, the rest is kept for the next call.
  /// Returns early when the loop's turn is cut.
  virtual void dispatch() = 0;
  /// What is left of the events waits behind those of the next `wait`.
  virtual void set_aside() noexcept = 0;

  /// Puts a slot among those that wait for memory; false when some came meanwhile. Those that were not attached are told by
  /// `memory_returned` alone.
  virtual bool must_starve(IoSlot& slot) = 0;
  /// Memory is to be had again: goes on with what stopped for lack of it.
  virtual void resume_starved() noexcept = 0;

  /// In the child of a fork: begins anew, with the slots that are there, and without touching what the parent has.
  virtual Result<void> after_fork(int wake_descriptor) = 0;

  /// Events that found no slot: they belonged to an earlier owner of the descriptor number.
  virtual std::uint64_t stale_events() const noexcept = 0;
};

/// The backend that was chosen; for `automatic` the one that WEIR_BACKEND names, or else the best that the system offers.
/// Error: errc::unavailable, and the loop says why.
Result<std::unique_ptr<Backend>> make_backend(EventLoop& loop, BackendChoice choice, Pool& pool, int wake_descriptor);

}  // namespace weir
