// weir: several loops, each on a thread of its own.
// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <span>
#include <system_error>
#include <vector>

#include "weir/base/callback.h"
#include "weir/base/export.h"
#include "weir/base/result.h"
#include "weir/loop/event_loop.h"

namespace weir {

namespace sys {
class Thread;
}

/// Runs several loops: the first on the thread that calls `run`, each of the others on a thread of its own.
///
///     auto threads = weir::LoopThreads::create({.count = 4});
///     if (!threads) return weir::report(threads.error());
///     …                                                // servers, timers, signals on (*threads)->loop(i)
///     auto end = (*threads)->run();                    // until stop()
///
///     main thread   create ──► run ════ loop 0 ════ stopped ──► join ──► run returns
///     thread 1                     └══ loop 1 ════ stopped ──┘
///
/// Between `create` and `run`, and after it, all loops belong to the calling thread, so that what is to live on them can be
/// made and destroyed there. While they run each belongs to its own, and `loop(i).post` reaches it.
///
/// Unlike a loop that runs alone, one that has nothing to do waits: post may give it something.
/// Lifetime: owns the loops. What lives on them must be destroyed before.
/// Threads:  `stop` may be called on any; the rest on the one that created it.
/// Errors:   an exception that leaves a callback of the first loop leaves `run`, when the other loops have ended; on another
///           thread it ends the process.
class WEIR_API LoopThreads {
 public:
  struct Options {
    std::size_t count = 0;  ///< of loops; 0: one for each processor that this thread may use
    bool pin = false;       ///< ties each thread to a processor of its own, as far as there are enough, and for good
    BackendChoice backend = BackendChoice::automatic;
    /// That all of them share, and need for each what EventLoop::Options::pool says; null is the default pool.
    Pool* pool = nullptr;
    /// Hears what the library has to say of any of the loops, on that loop's thread: on several at the same time.
    Callback<void(const Diagnostic&)> on_diagnostic{};
    OffloadLimits offload{};                                ///< of each loop
    std::vector<std::size_t> quotas{};                      ///< of each loop: see EventLoop::Options::quotas
    Duration stall_limit = std::chrono::milliseconds(100);  ///< of each loop: see EventLoop::Options::stall_limit
    /// Hears of stalls of any of the loops, on that loop's thread: on several at the same time.
    Callback<void(const Stall&)> on_stall{};
  };

  /// Makes the loops. Errors: those of EventLoop::create. Throws std::bad_alloc.
  static Result<std::unique_ptr<LoopThreads>> create(Options options);
  LoopThreads(const LoopThreads&) = delete;
  LoopThreads& operator=(const LoopThreads&) = delete;
  /// Requires that `run` is not under way.
  ~LoopThreads();

  std::size_t count() const noexcept { return loops_.size(); }
  EventLoop& loop(std::size_t index) const { return *loops_[index]; }
  /// All of them, for what is spread over several loops.
  std::span<EventLoop* const> loops() const noexcept { return pointers_; }

  /// Runs all loops until `stop` was called; may be called again. A loop that was stopped alone ends its thread, and the
  /// others go on, unless it is the first, which ends all. Errors: that of the first loop that failed, which ends the
  /// others; those of starting threads, and of pinning them.
  Result<void> run();

  /// Any thread: every loop stops after the turn that is under way. A stop before `run` is kept for it.
  void stop() noexcept;

 private:
  explicit LoopThreads(Options& options) noexcept;
  class Running;

  void start_threads(std::vector<sys::Thread>& threads);
  Result<void> run_loop(std::size_t index);
  void fail(std::error_code error) noexcept;

  const bool pin_;
  Callback<void(const Diagnostic&)> on_diagnostic_;  ///< called by the loops, so it outlives them
  Callback<void(const Stall&)> on_stall_;            ///< likewise
  std::vector<std::unique_ptr<EventLoop>> loops_;
  std::vector<EventLoop*> pointers_;
  std::vector<int> processors_;
  std::mutex mutex_;
  std::error_code error_;  ///< the first one
};

}  // namespace weir
