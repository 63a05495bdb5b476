// weir: the threads on which a loop has blocking work done; internal.
// SPDX-License-Identifier: MIT
#include "weir/loop/offload_threads.h"

#include <utility>

namespace weir {

OffloadThreads::OffloadThreads(OffloadLimits limits) noexcept : limits_(std::move(limits)) {
  expects(limits_.threads > 0);
}

OffloadThreads::~OffloadThreads() {
  std::unique_lock lock(mutex_);
  is_ending_ = true;
  const PreparedPosts dropped = std::move(waiting_);
  lock.unlock();
  changed_.notify_all();
  threads_.clear();  // joins
}

Result<void> OffloadThreads::prepare() {
  std::unique_lock lock(mutex_);
  const std::size_t accepted = busy_ + waiting_.size();
  if (accepted >= limits_.threads && accepted - limits_.threads >= limits_.waiting) return errc::limit;
  if (accepted < threads_.size() || threads_.size() >= limits_.threads) return {};
  lock.unlock();
  threads_.reserve(threads_.size() + 1);
  Result<sys::Thread> thread = sys::Thread::start([this] { serve(); });
  if (thread) {
    threads_.push_back(*std::move(thread));
  } else if (threads_.empty()) {
    return thread.error();
  }
  return {};
}

void OffloadThreads::push(PreparedPost work) noexcept {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(work));
  }
  changed_.notify_one();
}

void OffloadThreads::serve() {
  // A processor that was taken away from the process meanwhile is no reason not to work.
  if (!limits_.processors.empty()) (void)sys::run_this_thread_on(limits_.processors);
  std::unique_lock lock(mutex_);
  for (;;) {
    while (waiting_.size() == 0 && !is_ending_) changed_.wait(lock);
    if (waiting_.size() == 0) return;
    PreparedPost work = waiting_.pop_front();
    ++busy_;
    lock.unlock();
    work.run();
    lock.lock();
    --busy_;
  }
}

}  // namespace weir
