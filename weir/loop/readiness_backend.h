// weir: the loop on a system that tells when descriptors are ready, by epoll(7) or poll(2).
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/epoll.h>

#include <cstdint>
#include <span>
#include <vector>

#include "weir/loop/backend.h"
#include "weir/loop/event_loop.h"
#include "weir/loop/ready_classes.h"
#include "weir/sys/call_result.h"

namespace weir {

/// Everything but how the system is asked. A call is tried first, and readiness is waited for when it answers EAGAIN; so a
/// slot remembers what was reported until a call disproves it.
///
/// Receiving lands in one block of the loop, so an idle connection holds no memory. A slot that has used up its turn, or
/// is started while its descriptor is known to be ready, stands on the ready list and is served with the next dispatch.
class ReadinessBackend : public Backend {
 public:
  Result<void> attach(IoSlot& slot, sys::Descriptor descriptor) override;
  sys::Descriptor detach(IoSlot& slot) noexcept override;
  Result<void> attach_writer(ByteSlot& slot, sys::Descriptor writer) override;
  sys::Descriptor detach_writer(ByteSlot& slot) noexcept override;
  void start_receive(ByteSlot& slot) noexcept override;
  void stop_receive(ByteSlot& slot) noexcept override;
  void receive_now(ByteSlot& slot) override;
  void start_send(ByteSlot& slot) override;
  void stop_send(ByteSlot& slot) noexcept override;
  void send_now(ByteSlot& slot) override;
  void start_accept(AcceptSlot& slot) noexcept override;
  void stop_accept(AcceptSlot& slot) noexcept override;
  void start_connect(ConnectSlot& slot) noexcept override;
  Result<void> start_watch(WatchSlot& slot, int descriptor, std::uint32_t epoll_events) override;
  void stop_watch(WatchSlot& slot) noexcept override;
  bool has_ready() const noexcept override {
    return next_event_ < event_count_ || !ready_.is_empty() || !serving_.is_empty() || classes_.has_ready();
  }
  Result<void> wait(Duration timeout) override;
  void dispatch() override;
  void set_aside() noexcept override;
  bool must_starve(IoSlot& slot) override;
  void resume_starved() noexcept override;
  std::uint64_t stale_events() const noexcept override { return stale_events_; }

 protected:
  /// What an event of the wake descriptor carries in place of a slot's id.
  static constexpr std::uint64_t wake_id = ~std::uint64_t{0};

  ReadinessBackend(EventLoop& loop, Pool& pool);

  // --- How the system is asked. Interests and events are epoll's, whose numbers are poll's too. ---

  /// Begins to report `descriptor` as `slot`; once for each edge if `interest` has EPOLLET, once in all if EPOLLONESHOT.
  virtual sys::CallResult add(const IoSlot& slot, int descriptor, std::uint32_t interest) = 0;
  /// Another interest. ENOENT when it is not reported at all.
  virtual sys::CallResult change(const IoSlot& slot, int descriptor, std::uint32_t interest) = 0;
  virtual void remove(const IoSlot& slot, int descriptor) noexcept = 0;
  /// Waits, and fills `events` with what is ready, by the ids of slots.
  virtual sys::CallResult fetch(std::span<epoll_event> events, Duration timeout) = 0;

  /// Adds every slot that is attached.
  Result<void> add_all();
  /// What a slot with an `interest` waits for at the moment: nothing that was reported and is still to be served.
  static std::uint32_t awaited(const IoSlot& slot, std::uint32_t interest) noexcept;

  EventLoop& loop() const noexcept { return loop_; }

 private:
  class ReadyGuard;

  IoSlot* note(const epoll_event& event);
  void dispatch_by_priority();
  void note_all();
  void grow_events();
  void serve(IoSlot& slot);
  void receive(ByteSlot& slot);
  void send(ByteSlot& slot);
  static sys::CallResult receive_otherwise(ByteSlot& slot, MutableBytes room);
  bool receive_diverted(ByteSlot& slot);
  void send_diverted(ByteSlot& slot);
  void accept(AcceptSlot& slot);
  void finish_connect(ConnectSlot& slot);
  void tell_watch(WatchSlot& slot);
  static bool is_for_file(const IoSlot& slot) noexcept;
  sys::CallResult add_again(IoSlot& slot);
  void make_ready(IoSlot& slot) noexcept;
  void retry_to_send(ByteSlot& slot) noexcept;

  EventLoop& loop_;
  Pool& pool_;
  ReceiveBlock receive_block_;
  std::vector<epoll_event> events_;
  std::size_t event_count_ = 0;
  std::size_t next_event_ = 0;
  std::uint32_t dispatch_ = 0;      // which one this is, or the last was
  std::uint32_t fetched_for_ = 0;   // that for which the events were fetched
  List<IoSlot, ReadyTag> ready_;    // to be served without waiting
  List<IoSlot, ReadyTag> serving_;  // the ready ones of this dispatch; more than none between two only after a throw
  List<IoSlot, ReadyTag> starved_;  // wait for memory
  ReadyClasses classes_;            // what is to be served, where there are several classes
  std::uint64_t stale_events_ = 0;
};

}  // namespace weir
