// weir: durations and points of the monotonic clock.
// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>

namespace weir {

/// A length of time, counted in nanoseconds. Literals such as `5s` and `20ms` come with `weir::literals`.
using Duration = std::chrono::nanoseconds;

/// Names the clock that TimePoint belongs to. It has no `now()` of its own: the time is the loop's (`EventLoop::now()`)
/// or the kernel's (`sys::monotonic_now()`), so that simulated time can take its place.
struct MonotonicClock {
  using duration = Duration;
  using rep = Duration::rep;
  using period = Duration::period;
  using time_point = std::chrono::time_point<MonotonicClock>;
  static constexpr bool is_steady = true;
};

/// A moment of the monotonic clock: never set back, unrelated to the time of day.
using TimePoint = MonotonicClock::time_point;

/// `moment + length`, held at the largest moment instead of overflowing.
constexpr TimePoint add_saturated(TimePoint moment, Duration length) {
  if (length > TimePoint::max() - moment) return TimePoint::max();
  return moment + length;
}

namespace literals {
using namespace std::chrono_literals;  // NOLINT(google-build-using-namespace): literals are made for this
}

}  // namespace weir
