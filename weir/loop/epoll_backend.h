// weir: the loop on epoll(7).
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/epoll.h>

#include <vector>

#include "weir/loop/backend.h"
#include "weir/loop/event_loop.h"

namespace weir {

/// Each descriptor is registered once, edge-triggered, for input, output and hang-up. A call is tried first, and an event
/// is waited for when it answers EAGAIN; so a slot remembers what was reported until a call disproves it.
///
/// Receiving lands in one block of the loop, so an idle connection holds no memory. A slot that has used up its turn, or
/// is started while its descriptor is known to be ready, stands on the ready list and is served with the next dispatch.
class EpollBackend final : public Backend {
 public:
  static Result<std::unique_ptr<EpollBackend>> create(EventLoop& loop, Pool& pool, int wake_descriptor);

  std::string_view name() const noexcept override { return "epoll"; }
  int descriptor() const noexcept override { return epoll_.number(); }
  Result<void> attach(IoSlot& slot, sys::Descriptor descriptor) override;
  sys::Descriptor detach(IoSlot& slot) noexcept override;
  void start_receive(ByteSlot& slot) noexcept override;
  void stop_receive(ByteSlot& slot) noexcept override;
  void receive_now(ByteSlot& slot) override;
  void start_send(ByteSlot& slot) override;
  void send_now(ByteSlot& slot) override;
  void start_accept(AcceptSlot& slot) noexcept override;
  void stop_accept(AcceptSlot& slot) noexcept override;
  void start_connect(ConnectSlot& slot) noexcept override;
  Result<void> start_watch(WatchSlot& slot, int descriptor, std::uint32_t epoll_events) override;
  void stop_watch(WatchSlot& slot) noexcept override;
  bool has_ready() const noexcept override {
    return next_event_ < event_count_ || !ready_.is_empty() || !serving_.is_empty();
  }
  Result<void> wait(Duration timeout) override;
  void dispatch() override;
  void set_aside() noexcept override;
  void resume_starved() noexcept override;
  std::uint64_t stale_events() const noexcept override { return stale_events_; }

 private:
  class ReadyGuard;

  EpollBackend(EventLoop& loop, Pool& pool, sys::Descriptor epoll);

  IoSlot* note(const epoll_event& event);
  void serve(IoSlot& slot);
  void receive(ByteSlot& slot);
  void send(ByteSlot& slot);
  void accept(AcceptSlot& slot);
  void finish_connect(ConnectSlot& slot);
  void make_ready(IoSlot& slot) noexcept;
  bool must_starve(IoSlot& slot);

  EventLoop& loop_;
  Pool& pool_;
  sys::Descriptor epoll_;
  ReceiveBlock receive_block_;
  std::vector<epoll_event> events_;
  std::size_t event_count_ = 0;
  std::size_t next_event_ = 0;
  List<IoSlot, ReadyTag> ready_;    // to be served without waiting
  List<IoSlot, ReadyTag> serving_;  // the ready ones of this dispatch; more than none between two only after a throw
  List<IoSlot, ReadyTag> starved_;  // wait for memory
  std::uint64_t stale_events_ = 0;
};

}  // namespace weir
