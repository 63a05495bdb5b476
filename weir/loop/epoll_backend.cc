// weir: the loop on epoll(7).
// SPDX-License-Identifier: MIT
#include "weir/loop/epoll_backend.h"

#include "weir/sys/calls.h"

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
  const sys::CallResult made = sys::create_epoll();
  if (!made) return made.error();
  sys::Descriptor epoll(made.number());
  // Edge-triggered, so that the counter need not be read: every write to it is a new edge.
  const sys::CallResult added =
      sys::control_epoll(epoll.number(), EPOLL_CTL_ADD, wake_descriptor, event_for(EPOLLIN | EPOLLET, wake_id));
  if (!added) return added.error();
  return std::unique_ptr<Backend>(new EpollBackend(loop, pool, std::move(epoll)));
}

EpollBackend::EpollBackend(EventLoop& loop, Pool& pool, sys::Descriptor epoll)
    : ReadinessBackend(loop, pool),
      epoll_(std::move(epoll)) {}

sys::CallResult EpollBackend::add(const IoSlot& slot, int descriptor, std::uint32_t interest) {
  return sys::control_epoll(epoll_.number(), EPOLL_CTL_ADD, descriptor, event_for(interest, slot.id().packed()));
}

sys::CallResult EpollBackend::change(const IoSlot& slot, int descriptor, std::uint32_t interest) {
  return sys::control_epoll(epoll_.number(), EPOLL_CTL_MOD, descriptor, event_for(interest, slot.id().packed()));
}

void EpollBackend::remove(const IoSlot&, int descriptor) noexcept {
  (void)sys::control_epoll(epoll_.number(), EPOLL_CTL_DEL, descriptor);
}

sys::CallResult EpollBackend::fetch(std::span<epoll_event> events, Duration timeout) {
  return sys::wait_epoll(epoll_.number(), events, timeout);
}

}  // namespace weir
