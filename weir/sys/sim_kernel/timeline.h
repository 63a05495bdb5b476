// weir: virtual time, and what is to happen in it.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <vector>

#include "weir/base/callback.h"
#include "weir/base/time.h"

namespace weir::sys {

/// A clock that stands still until it is moved to the next event. Events of one moment happen in the order in which they
/// were planned.
class Timeline {
 public:
  static constexpr TimePoint start{std::chrono::hours(1)};  ///< early, but no one takes it for "unset"

  TimePoint now() const noexcept { return now_; }
  /// When the next event is due; `TimePoint::max()` when none is.
  TimePoint next() const noexcept { return heap_.empty() ? TimePoint::max() : heap_.front().time; }

  /// Plans an event; one in the past is due at once.
  void at(TimePoint time, Callback<void()> event);
  void after(Duration delay, Callback<void()> event) { at(add_saturated(now_, delay), std::move(event)); }

  /// Moves the clock to `time`, which may not pass over an event, and lets what is due then happen; what that plans for the
  /// same moment comes with the next call.
  void move_to(TimePoint time);

  /// Forgets everything planned.
  void clear() noexcept;

 private:
  struct Entry {
    TimePoint time;
    std::uint64_t number;  // orders those of one moment
    std::uint32_t place;   // of the event, in `events_`

    friend bool operator<(const Entry& left, const Entry& right) noexcept {  // the heap's top is the greatest
      return left.time != right.time ? left.time > right.time : left.number > right.number;
    }
  };

  TimePoint now_ = start;
  std::uint64_t planned_ = 0;
  std::vector<Entry> heap_;
  std::vector<Callback<void()>> events_;  // apart from the heap, so that sifting moves little
  std::vector<std::uint32_t> free_places_;
};

}  // namespace weir::sys
