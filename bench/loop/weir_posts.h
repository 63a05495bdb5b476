// weir: L6 with weir: EventLoop::post and post_batch.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <chrono>
#include <span>
#include <utility>

#include "bench/loop/posts.h"
#include "weir/loop/event_loop.h"
#include "weir/loop/timer.h"

namespace bench {

class WeirPosts {
 public:
  WeirPosts() { lifetime_.start(std::chrono::hours(1)); }

  template <class Work>
  void post(Work work) {
    loop_.post(work);
  }
  template <class Work>
  void post_batch(std::size_t count, Work work) {
    std::array<weir::Callback<void()>, 64> tasks;
    for (std::size_t i = 0; i < count; ++i) tasks[i] = work;
    loop_.post_batch(std::span(tasks).first(count));
  }
  void run() { (void)loop_.run(); }
  void stop() { loop_.stop(); }

 private:
  weir::EventLoop loop_;
  weir::Timer lifetime_{loop_, [](weir::Timer&) {}};  // a loop without anything to wait for would end
};

}  // namespace bench
