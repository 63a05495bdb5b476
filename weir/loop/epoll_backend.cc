// weir: the loop on epoll(7).
// SPDX-License-Identifier: MIT
#include "weir/loop/epoll_backend.h"

#include "weir/sys/calls.h"
#include "weir/sys/forks.h"

namespace weir {
namespace {

epoll_event event_for(std::uint32_t interest, std::uint64_t id) {
  epoll_event event{};
  event.events = interest;
  event.data.u64 = id;
  return event;
}

}  // namespace

Result<std::unique_ptr<Backend>> EpollBackend::create(EventLoop& loop, Pool& pool, int wake_descriptor) {
  Result<sys::Descriptor> epoll = open(wake_descriptor);
  if (!epoll) return epoll.error();
  return std::unique_ptr<Backend>(new EpollBackend(loop, pool, *std::move(epoll)));
}

Result<sys::Descriptor> EpollBackend::open(int wake_descriptor) {
  const sys::CallResult made = sys::create_epoll();
  if (!made) return made.error();
  sys::Descriptor epoll(made.number());
  // Edge-triggered, so that the counter need not be read: every write to it is a new edge.
  const sys::CallResult added =
      sys::control_epoll(epoll.number(), EPOLL_CTL_ADD, wake_descriptor, event_for(EPOLLIN | EPOLLET, wake_id));
  if (!added) return added.error();
  return epoll;
}

/// The parent's epoll is only closed.
Result<void> EpollBackend::after_fork(int wake_descriptor) {
  Result<sys::Descriptor> epoll = open(wake_descriptor);
  if (!epoll) return epoll.error();
  epoll_ = *std::move(epoll);
  forks_ = sys::fork_count.load(std::memory_order_relaxed);
  return add_all();
}

EpollBackend::EpollBackend(EventLoop& loop, Pool& pool, sys::Descriptor epoll)
    : ReadinessBackend(loop, pool),
      epoll_(std::move(epoll)),
      forks_(sys::fork_count.load(std::memory_order_relaxed)) {}

sys::CallResult EpollBackend::add(const IoSlot& slot, int descriptor, std::uint32_t interest) {
  return control(EPOLL_CTL_ADD, descriptor, event_for(interest, slot.id().packed()));
}

sys::CallResult EpollBackend::change(const IoSlot& slot, int descriptor, std::uint32_t interest) {
  return control(EPOLL_CTL_MOD, descriptor, event_for(interest, slot.id().packed()));
}

void EpollBackend::remove(const IoSlot&, int descriptor) noexcept { (void)control(EPOLL_CTL_DEL, descriptor, {}); }

/// In the child of a fork the epoll is the parent's until `after_fork`: what ends here lives on there.
sys::CallResult EpollBackend::control(int operation, int descriptor, epoll_event event) {
  if (forks_ != sys::fork_count.load(std::memory_order_relaxed)) return sys::CallResult::success();
  return sys::control_epoll(epoll_.number(), operation, descriptor, event);
}

sys::CallResult EpollBackend::fetch(std::span<epoll_event> events, Duration timeout) {
  return sys::wait_epoll(epoll_.number(), events, timeout);
}

}  // namespace weir
