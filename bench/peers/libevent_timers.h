// weir: L5 with libevent: events that have only a timeout, for comparison.
// SPDX-License-Identifier: MIT
#pragma once

#include <utility>
#include <vector>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "bench/loop/timers.h"
#include "bench/peers/libevent_base.h"

namespace bench {

class LibeventTimers {
 public:
  explicit LibeventTimers(std::size_t count) : events_(count) {
    for (event& timer : events_) evtimer_assign(&timer, base_.get(), fire, this);
    const timeval duration{keep_alive.count(), 0};
    common_ = event_base_init_common_timeout(base_.get(), &duration);  // a list instead of the heap
  }
  ~LibeventTimers() {
    for (event& timer : events_) event_del(&timer);
  }

  void arm(std::size_t index, Microseconds duration) {
    const timeval after{duration.count() / 1000000, duration.count() % 1000000};
    event_add(&events_[index], &after);
  }
  void touch(std::size_t index) { event_add(&events_[index], common_); }
  void cancel(std::size_t index) { event_del(&events_[index]); }
  template <class Work>
  void in_callback(Work work) {
    event_base_once(
        base_.get(), -1, EV_TIMEOUT, [](evutil_socket_t, short, void* argument) { (*static_cast<Work*>(argument))(); },
        &work, nullptr);
    turn();
  }
  void turn() { event_base_loop(base_.get(), EVLOOP_ONCE | EVLOOP_NONBLOCK); }
  std::size_t fired() const noexcept { return fired_; }

 private:
  static void fire(evutil_socket_t, short, void* self) { ++static_cast<LibeventTimers*>(self)->fired_; }

  Base base_ = make_base();
  std::vector<event> events_;
  const timeval* common_;
  std::size_t fired_ = 0;
};

}  // namespace bench
