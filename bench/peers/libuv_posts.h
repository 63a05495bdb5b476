// weir: L6 with libuv: a queue behind a mutex, and uv_async_send, for comparison.
// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include "bench/loop/posts.h"
#include "bench/peers/libuv_loop.h"

namespace bench {

/// libuv has no queue of its own. This one is what a program would write: the loop takes all that is there at once, into
/// memory that is used again and again; only who finds the queue empty wakes the loop.
class LibuvPosts {
 public:
  LibuvPosts() {
    check_uv(
        uv_async_init(loop_, &async_, [](uv_async_t* async) { static_cast<LibuvPosts*>(async->data)->run_tasks(); }));
    async_.data = this;
  }

  template <class Work>
  void post(Work work) {
    post_batch(1, work);
  }
  template <class Work>
  void post_batch(std::size_t count, Work work) {
    std::unique_lock lock(mutex_);
    const bool was_empty = tasks_.empty();
    tasks_.insert(tasks_.end(), count, work);
    lock.unlock();  // or the loop wakes only to wait for it
    if (was_empty) uv_async_send(&async_);
  }
  void run() { uv_run(loop_, UV_RUN_DEFAULT); }
  void stop() { uv_stop(loop_); }

 private:
  void run_tasks() {
    {
      const std::unique_lock lock(mutex_);
      std::swap(tasks_, running_);
    }
    for (const auto& task : running_) task();
    running_.clear();
  }

  std::mutex mutex_;
  std::vector<std::function<void()>> tasks_;
  std::vector<std::function<void()>> running_;  // the loop's thread only
  uv_async_t async_{};
  UvLoop loop_;  // goes first: it closes the handle
};

}  // namespace bench
