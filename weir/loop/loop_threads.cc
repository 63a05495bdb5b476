// weir: several loops, each on a thread of its own.
// SPDX-License-Identifier: MIT
#include "weir/loop/loop_threads.h"

#include <utility>

#include "weir/sys/threads.h"

namespace weir {

/// Takes both hooks.
LoopThreads::LoopThreads(Options& options) noexcept
    : pin_(options.pin),
      on_diagnostic_(std::move(options.on_diagnostic)),
      on_stall_(std::move(options.on_stall)) {}

Result<std::unique_ptr<LoopThreads>> LoopThreads::create(Options options) {
  std::unique_ptr<LoopThreads> threads(new LoopThreads(options));
  threads->processors_ = sys::usable_processors();
  if (options.pin && options.offload.processors.empty()) options.offload.processors = threads->processors_;
  const std::size_t count = options.count != 0 ? options.count : threads->processors_.size();
  for (std::size_t i = 0; i < count; ++i) {
    EventLoop::Options one{.backend = options.backend,
                           .pool = options.pool,
                           .offload = options.offload,
                           .quotas = options.quotas,
                           .stall_limit = options.stall_limit};
    if (threads->on_diagnostic_) {
      one.on_diagnostic = [hook = &threads->on_diagnostic_](const Diagnostic& told) { (*hook)(told); };
    }
    if (threads->on_stall_) one.on_stall = [hook = &threads->on_stall_](const Stall& told) { (*hook)(told); };
    Result<std::unique_ptr<EventLoop>> loop = EventLoop::create(std::move(one));
    if (!loop) return loop.error();
    threads->pointers_.push_back(loop->get());
    threads->loops_.push_back(*std::move(loop));
  }
  return threads;
}

LoopThreads::~LoopThreads() = default;

/// While it lives the loops do not end for having nothing to do. Ends all of them, also when an exception leaves the first.
class LoopThreads::Running {
 public:
  explicit Running(LoopThreads& of) : of_(of) {
    threads.reserve(of_.loops_.size());
    for (const auto& loop : of_.loops_) loop->add_active();
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  ~Running() {
    for (std::size_t i = 1; i < of_.loops_.size(); ++i) of_.loops_[i]->stop();
    threads.clear();  // joins
    for (const auto& loop : of_.loops_) {
      loop->remove_active();
      loop->forget_stop();  // one that had ended by itself has not heard it
    }
  }

  std::vector<sys::Thread> threads;

 private:
  LoopThreads& of_;
};

Result<void> LoopThreads::run() {
  error_.clear();
  {
    Running running(*this);
    start_threads(running.threads);
    // Even after a failure: the stop that it asked for is used up, and not kept for the next run.
    if (auto ran = run_loop(0); !ran) fail(ran.error());
  }
  return error_ ? Result<void>(error_) : Result<void>();
}

void LoopThreads::start_threads(std::vector<sys::Thread>& threads) {
  for (std::size_t i = 1; i < loops_.size(); ++i) {
    Result<sys::Thread> thread = sys::Thread::start([this, i] {
      if (auto ran = run_loop(i); !ran) fail(ran.error());
    });
    if (!thread) {
      fail(thread.error());
      break;
    }
    threads.push_back(*std::move(thread));
  }
}

Result<void> LoopThreads::run_loop(std::size_t index) {
  if (pin_) {
    const int processor = processors_[index % processors_.size()];
    if (auto pinned = sys::run_this_thread_on({&processor, 1}); !pinned) return pinned;
  }
  const Result<RunEnd> end = loops_[index]->run();
  return end ? Result<void>() : Result<void>(end.error());
}

/// Keeps the first error, and stops all loops for it.
void LoopThreads::fail(std::error_code error) noexcept {
  {
    const std::lock_guard lock(mutex_);
    if (!error_) error_ = error;
  }
  stop();
}

void LoopThreads::stop() noexcept {
  for (EventLoop* loop : pointers_) loop->stop();
}

}  // namespace weir
