// weir: L5 with libuv: timer handles, for comparison.
// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <utility>
#include <vector>

#include "bench/loop/timers.h"
#include "bench/peers/libuv_loop.h"

namespace bench {

/// In whole milliseconds: libuv has no finer ones.
class LibuvTimers {
 public:
  explicit LibuvTimers(std::size_t count) : timers_(count) {
    for (uv_timer_t& timer : timers_) {
      check_uv(uv_timer_init(loop_, &timer));
      timer.data = this;
    }
    check_uv(uv_idle_init(loop_, &idle_));
    idle_.data = this;
  }

  void arm(std::size_t index, Microseconds duration) {
    start(index, std::chrono::ceil<std::chrono::milliseconds>(duration));
  }
  void touch(std::size_t index) { start(index, keep_alive); }
  void cancel(std::size_t index) { uv_timer_stop(&timers_[index]); }
  template <class Work>
  void in_callback(Work work) {
    idle_.data = &work;
    uv_idle_start(&idle_, [](uv_idle_t* handle) { (*static_cast<Work*>(handle->data))(); });
    turn();
    uv_idle_stop(&idle_);
  }
  void turn() { uv_run(loop_, UV_RUN_NOWAIT); }
  std::size_t fired() const noexcept { return fired_; }

 private:
  void start(std::size_t index, std::chrono::milliseconds duration) {
    uv_timer_start(&timers_[index], fire, static_cast<std::uint64_t>(duration.count()), 0);
  }
  static void fire(uv_timer_t* timer) { ++static_cast<LibuvTimers*>(timer->data)->fired_; }

  std::vector<uv_timer_t> timers_;
  uv_idle_t idle_{};
  std::size_t fired_ = 0;
  UvLoop loop_;  // goes first: it closes the handles
};

}  // namespace bench
