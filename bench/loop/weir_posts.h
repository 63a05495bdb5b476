// weir: L6 with weir: EventLoop::post and post_batch.
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/eventfd.h>

#include <array>
#include <span>
#include <utility>

#include "bench/loop/posts.h"
#include "weir/loop/event_loop.h"
#include "weir/loop/watch.h"
#include "weir/sys/descriptor.h"

namespace bench {

class WeirPosts {
 public:
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
  weir::sys::Descriptor silent_{eventfd(0, EFD_CLOEXEC)};
  // A loop without anything to wait for would end; what the other libraries have for that needs no deadline either.
  weir::Watch lifetime_ = *weir::Watch::start(loop_, silent_.number(), {.readable = true}, [](weir::Readiness) {});
};

}  // namespace bench
