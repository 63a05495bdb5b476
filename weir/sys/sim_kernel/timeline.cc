// weir: virtual time, and what is to happen in it.
// SPDX-License-Identifier: MIT
#include "weir/sys/sim_kernel/timeline.h"

#include <algorithm>

namespace weir::sys {

void Timeline::at(TimePoint time, Callback<void()> event) {
  std::uint32_t place = static_cast<std::uint32_t>(events_.size());
  if (free_places_.empty()) {
    events_.push_back(std::move(event));
  } else {
    place = free_places_.back();
    free_places_.pop_back();
    events_[place] = std::move(event);
  }
  heap_.push_back({std::max(time, now_), planned_++, place});
  std::push_heap(heap_.begin(), heap_.end());
}

void Timeline::move_to(TimePoint time) {
  now_ = std::max(now_, time);
  const std::uint64_t planned_until_now = planned_;
  while (!heap_.empty() && heap_.front().time <= now_ && heap_.front().number < planned_until_now) {
    std::pop_heap(heap_.begin(), heap_.end());
    const std::uint32_t place = heap_.back().place;
    heap_.pop_back();
    Callback<void()> event = std::move(events_[place]);
    free_places_.push_back(place);
    event();
  }
}

void Timeline::clear() noexcept {
  const std::vector<Callback<void()>> events = std::move(events_);  // what they own may plan something when it goes
  heap_.clear();
  free_places_.clear();
  events_.clear();
}

}  // namespace weir::sys
