// weir: threads of the system, for what runs on several.
// SPDX-License-Identifier: MIT
#pragma once

#include <pthread.h>

#include <span>
#include <utility>
#include <vector>

#include "weir/base/callback.h"
#include "weir/base/result.h"

namespace weir::sys {

/// A thread that is joined when this object goes. A move-only value.
class Thread {
 public:
  Thread() noexcept = default;
  Thread(Thread&& other) noexcept : id_(other.id_), is_running_(std::exchange(other.is_running_, false)) {}
  Thread& operator=(Thread&& other) noexcept {
    join();
    id_ = other.id_;
    is_running_ = std::exchange(other.is_running_, false);
    return *this;
  }
  ~Thread() { join(); }

  /// Runs `body` on a thread of its own, on the kernel of the machine. What `body` throws ends the process.
  /// Errors: those of pthread_create(3), EAGAIN above all. Throws std::bad_alloc.
  static Result<Thread> start(Callback<void()> body);

  /// Waits until the body has returned. No effect on one that was joined, or never started.
  void join() noexcept;

 private:
  pthread_t id_{};
  bool is_running_ = false;
};

/// The numbers of the processors that this thread may run on, in order; at least one. sched_getaffinity(2)
std::vector<int> usable_processors();

/// Lets this thread run on these processors only; those that the process may not use do not count, if there are others.
/// sched_setaffinity(2)
Result<void> run_this_thread_on(std::span<const int> processors) noexcept;

}  // namespace weir::sys
