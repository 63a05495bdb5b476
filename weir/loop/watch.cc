// weir: the readiness of a descriptor that is not the loop's own.
// SPDX-License-Identifier: MIT
#include "weir/loop/watch.h"

#include <sys/epoll.h>

#include <utility>

#include "weir/loop/backend.h"
#include "weir/loop/event_loop.h"

namespace weir {
namespace {

std::uint32_t to_epoll(Readiness interest) {
  return (interest.readable ? EPOLLIN | EPOLLRDHUP : 0U) | (interest.writable ? EPOLLOUT : 0U);
}

Readiness from_epoll(std::uint32_t events) {
  return {.readable = (events & EPOLLIN) != 0,
          .writable = (events & EPOLLOUT) != 0,
          .closed = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0};
}

}  // namespace

class Watch::State final : public WatchSlot {
 public:
  State(EventLoop& loop, Callback<void(Readiness)> callback) : WatchSlot(loop), callback_(std::move(callback)) {
    expects(static_cast<bool>(callback_));
  }

  Result<void> set_interest(int descriptor, Readiness interest) {
    return loop().slots_backend().start_watch(*this, descriptor, to_epoll(interest));
  }

  void destroy() noexcept {
    loop().slots_backend().stop_watch(*this);
    release();
  }

 private:
  void became_ready(std::uint32_t epoll_events) override {
    Slot* outer = loop().exchange_running_slot(this);
    callback_(from_epoll(epoll_events));
    loop().exchange_running_slot(outer);
  }

  Callback<void(Readiness)> callback_;
};

Result<Watch> Watch::start(EventLoop& loop, int descriptor, Readiness interest, Callback<void(Readiness)> callback) {
  Watch watch(*new State(loop, std::move(callback)));
  if (auto started = watch.state_->set_interest(descriptor, interest); !started) return started.error();
  return watch;
}

Watch::Watch(Watch&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}

Watch& Watch::operator=(Watch&& other) noexcept {
  Watch old(std::move(*this));
  state_ = std::exchange(other.state_, nullptr);
  return *this;
}

Watch::~Watch() {
  if (state_ != nullptr) state_->destroy();
}

Result<void> Watch::set_interest(Readiness interest) {
  expects(state_ != nullptr);
  return state_->set_interest(state_->descriptor(), interest);
}

}  // namespace weir
