// weir: L5 with weir: Timer, on the wheel or precise.
// SPDX-License-Identifier: MIT
#pragma once

#include <deque>
#include <utility>

#include "bench/loop/timers.h"
#include "weir/loop/event_loop.h"
#include "weir/loop/timer.h"

namespace bench {

template <bool precise>
class WeirTimers {
 public:
  explicit WeirTimers(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      timers_.emplace_back(loop_, weir::TimerOptions{.precise = precise}, [this](weir::Timer&) { ++fired_; });
    }
  }

  void arm(std::size_t index, Microseconds duration) { timers_[index].start(duration); }
  void touch(std::size_t index) { timers_[index].start(keep_alive); }
  void cancel(std::size_t index) { timers_[index].cancel(); }
  template <class Work>
  void in_callback(Work work) {
    loop_.post(std::move(work));
    turn();
  }
  void turn() { (void)loop_.poll(); }
  std::size_t fired() const noexcept { return fired_; }

 private:
  weir::EventLoop loop_;
  std::size_t fired_ = 0;
  std::deque<weir::Timer> timers_;
};

}  // namespace bench
