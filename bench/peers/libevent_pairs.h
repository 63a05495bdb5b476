// weir: L4 with libevent: a persistent event for each descriptor, for comparison.
// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <vector>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "bench/loop/chained_writes.h"
#include "bench/peers/libevent_base.h"

namespace bench {

/// `flags`: EV_ET, or 0.
template <short flags>
class LibeventPairs {
 public:
  ~LibeventPairs() {
    for (const auto& watched : events_) event_del(watched.get());
  }

  void watch(Pair& pair) {
    events_.push_back(std::make_unique<event>());
    event_assign(events_.back().get(), base_.get(), pair.descriptor(), EV_READ | EV_PERSIST | flags, became_readable,
                 &pair);
    event_add(events_.back().get(), nullptr);
  }
  void renew(std::size_t index) {
    event_del(events_[index].get());
    event_add(events_[index].get(), nullptr);
  }
  void turn() { event_base_loop(base_.get(), EVLOOP_ONCE); }

 private:
  static void became_readable(evutil_socket_t, short, void* pair) { static_cast<Pair*>(pair)->became_readable(); }

  Base base_ = make_base();
  std::vector<std::unique_ptr<event>> events_;
};

}  // namespace bench
