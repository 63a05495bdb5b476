// weir: the threads on which a loop has blocking work done; internal.
// SPDX-License-Identifier: MIT
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <vector>

#include "weir/base/expects.h"
#include "weir/base/result.h"
#include "weir/loop/loop_options.h"
#include "weir/loop/post_queue.h"
#include "weir/sys/threads.h"

namespace weir {

/// Started one by one as work comes and nobody is idle; they stay until the end.
///
/// Threads: used by the loop's.
class OffloadThreads {
 public:
  explicit OffloadThreads(OffloadLimits limits) noexcept;
  OffloadThreads(const OffloadThreads&) = delete;
  OffloadThreads& operator=(const OffloadThreads&) = delete;
  /// Waits for the work that has begun; the rest is destroyed.
  ~OffloadThreads();

  /// Makes certain that there is room in the queue, and a thread. errc::limit when there is no room.
  Result<void> prepare();
  /// Requires `prepare` just before.
  void push(PreparedPost work) noexcept;

 private:
  void serve();

  const OffloadLimits limits_;
  std::vector<sys::Thread> threads_;
  std::mutex mutex_;  ///< guards what follows
  std::condition_variable changed_;
  PreparedPosts waiting_;
  std::size_t busy_ = 0;  ///< threads that run work
  bool is_ending_ = false;
};

}  // namespace weir
