// weir: the event loop, one per thread.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "weir/base/bytes.h"
#include "weir/base/callback.h"
#include "weir/base/export.h"
#include "weir/base/result.h"
#include "weir/base/time.h"
#include "weir/buffer/pool.h"
#include "weir/buffer/pool_reserve.h"
#include "weir/loop/hook.h"
#include "weir/loop/insight_recorder.h"
#include "weir/loop/loop_options.h"
#include "weir/loop/loop_snapshot.h"
#include "weir/loop/post_queue.h"
#include "weir/loop/running_callbacks.h"
#include "weir/loop/slot.h"
#include "weir/loop/timer_heap.h"
#include "weir/loop/timer_wheel.h"

namespace weir {

class Backend;
class HookSlot;
class OffloadThreads;
class WatchSlot;
struct HookTag;

/// Why `run` or `run_once` returned.
enum class RunEnd {
  stopped,  ///< `stop()` was called
  empty,    ///< nothing was left that could ever call back
  turn,     ///< `run_once` only: a turn was made, and there may be more to do
};

/// Waits for what happens to descriptors, timers, posts and signals, and calls back. One loop per thread.
///
///     weir::EventLoop loop;
///     weir::Timer timer(loop, [&](weir::Timer&) { loop.stop(); });
///     timer.start(5s);
///     auto end = loop.run();            // Result<RunEnd>
///
/// One turn, in this order:
///
///     wait ─► events (receive, send, accept, connect, watch) ─► timers ─► posts ─► deferred work (flushes)
///
/// The wait is skipped while anything is ready. So data that arrived in a turn comes before a time limit that ends in it.
/// A loop is empty when it has no open connection or listener (also without a handle: one that lingers counts), no watch,
/// no signal, no armed timer and no post.
///
/// Lifetime:  streams, listeners, timers, watches and signals must be destroyed before their loop. What still lingers
///            without a handle is ended by the loop's destructor. A loop may not be destroyed inside its own `run()`.
/// Threads:   only the thread that runs it, except `post`, `stop` and what says so.
/// Errors:    an exception that leaves a callback leaves `run()`; the loop stays consistent and may run again.
class WEIR_API EventLoop {
 public:
  using Options = LoopOptions;

  static constexpr Duration no_stall_limit = Duration::max();

  /// How much of the pool's budget each loop keeps for sending, which must go on when readers have taken all the rest.
  static constexpr std::size_t output_reserve_bytes = std::size_t{64} << 10;

  /// Throws std::system_error when the system refuses what a loop needs; `create` returns the error instead.
  EventLoop();
  explicit EventLoop(Options options);
  static Result<std::unique_ptr<EventLoop>> create(Options options);
  static Result<std::unique_ptr<EventLoop>> create();
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  /// Makes turns until `stop()`, or until the loop is empty. Tells which, or an error of the system's wait.
  Result<RunEnd> run();
  /// One turn: waits until something happens, and handles it. `empty` when there was nothing to wait for.
  Result<RunEnd> run_once();
  /// One turn that does not wait.
  Result<RunEnd> poll();
  /// For a program that waits elsewhere, in another loop say, and makes turns with `poll()`. It is due when
  /// `backend_descriptor()` is readable, and at `next_deadline()`, which is to be asked again after each turn, and after
  /// what else was done with the loop's objects outside of a turn:
  ///
  ///     wait for time_to_deadline(), or until backend_descriptor() is readable ─► poll() ─► …
  ///
  /// `next_deadline()` is in the past when something is ready already, `TimePoint::max()` when only events, posts or
  /// signals can bring anything. From then until the next turn those make the descriptor readable. It may be earlier than
  /// the next timer: a far one takes some turns that only bring it nearer.
  /// On poll(2) there is no such descriptor, and it is -1: such a loop can only be asked again after a while.
  int backend_descriptor() const noexcept;
  TimePoint next_deadline() noexcept;
  /// How long until then: zero when it is due, `Duration::max()` when there is no deadline.
  Duration time_to_deadline() noexcept;
  /// Makes turns until `condition()` holds, checked before each; or until the loop is stopped or empty.
  template <class Condition>
  Result<RunEnd> run_until(Condition condition) {
    while (!condition()) {
      Result<RunEnd> end = run_once();
      if (!end || *end != RunEnd::turn) return end;
    }
    return RunEnd::turn;
  }

  /// Any thread: `run` returns after the turn that is under way. A stop before `run` is kept for it.
  void stop() noexcept;
  /// `stop` after a time, however much there is to do; the loop is not empty until then. Replaces an earlier one.
  void stop_after(Duration delay);
  /// `run` returns as soon as the callback that is running does, with `stopped`. What else this turn had to do is done
  /// first in the next. No effect outside of a callback.
  void break_now() noexcept { cut_turn(RunEnd::stopped); }
  /// The loop asks for events again as soon as the callback that is running returns: what has come meanwhile is served
  /// before the rest of this turn, which follows in the next. No effect outside of a callback.
  void continue_now() noexcept { cut_turn(RunEnd::turn); }

  /// In the child of a fork(2): makes the loop the child's own. What the two processes have in common is then only the
  /// sockets and files themselves. To be called before anything else is done with the loop there: the first turn of a loop that
  /// a child has not made its own ends the process (checked). After a fork inside a callback the rest of that turn is not
  /// checked: end the process there, or call `break_now()`, and this when `run` has returned.
  ///
  ///     if (::fork() == 0) {
  ///       if (auto ready = loop.after_fork(); !ready) return weir::report(ready.error());
  ///       …                                                        // run
  ///
  /// A child that wants nothing of the loop ends with _exit(2), or destroys everything without this call: then streams and
  /// listeners are only closed, which the parent does not notice. After it they are the child's as much as the parent's: what a
  /// stream sends, its end, and a Unix listener's file that goes with it concern both.
  /// Streams, timers, watches and signals stay as they are, in both processes; so does what was posted before, which runs
  /// in both, but not what was offloaded or called on another loop: those answers
  /// never come in the child, whose loop goes on waiting for them.
  /// No other thread may be using weir at the moment of the fork, for its locks would stay locked in the child.
  /// A child is known by the handlers of pthread_atfork(3). `_Fork`, vfork(2) and a clone(2) of one's own run none: there nothing
  /// of this is checked, and what ends in the child ends for the parent. Such a child calls _exit(2) or execve(2), nothing else.
  /// Errors: those of making what a loop needs; the loop can then only be destroyed.
  Result<void> after_fork();

  /// Any thread: runs `task` on the loop's thread, in a later part of the turn or in a later turn; tasks of one thread
  /// keep their order. A task that the loop never comes to run is destroyed with the loop, on its thread.
  /// Throws std::bad_alloc.
  void post(Callback<void()> task);
  /// The same for a task with a name, by which the loop's insight tells of it when it takes long. `name` must outlive the task,
  /// as a literal does. It is kept beside the task, so that tasks without a name pay nothing for there being names.
  template <class Task>
    requires std::is_invocable_v<Task&>
  void post(const char* name, Task task) {
    post([this, name, task = std::move(task)]() mutable {
      recorder_.name_task(name);
      task();
    });
  }
  /// Any thread: the same for several tasks, which run in order with nobody else's between them, for one wake at most.
  /// All of them or, when it throws, none: they are the caller's again then.
  void post_batch(std::span<Callback<void()>> tasks);

  /// The monotonic time at which this turn's events were fetched; outside of `run` the present time.
  TimePoint now() const noexcept { return is_running_ ? now_ : clock(); }
  /// Makes `now()` the present time, for the rest of a turn that has taken long.
  void refresh_now() noexcept { now_ = clock(); }

  /// True in the child of a fork(2) until `after_fork` has made the loop the child's: what ends meanwhile is only closed.
  bool is_inherited() const noexcept;

  Pool& pool() const noexcept { return *pool_; }
  /// The name of the backend: "epoll" or "poll".
  std::string_view backend() const noexcept;

  /// Sets, replaces or (empty) removes the hook.
  void on_diagnostic(Callback<void(const Diagnostic&)> hook);

  // --- Insight: always on; it costs one look at the clock for each callback. ---

  /// What the loop has measured and counted since it was made, and its slowest callbacks. O(1), some microseconds.
  LoopInsight insight() const noexcept;
  /// Only what was counted.
  LoopCounters counters() const noexcept;
  /// Begins the list of the slowest callbacks anew.
  void forget_slowest() noexcept { recorder_.forget_slowest(); }
  /// Every object on the loop with its state. For people and for tests: linear in the objects, and it allocates for each.
  /// Throws std::bad_alloc.
  ///
  ///     loop.post([&] { std::fputs(loop.snapshot().to_string().c_str(), stderr); });     // from another thread
  LoopSnapshot snapshot() const;
  /// Sets, replaces or (empty) removes the callback for turns that took longer than `Options::stall_limit`. It is called at
  /// the end of such a turn; when an exception has left the turn, at the end of the next. Of several in between only the
  /// longest is told.
  ///
  ///     loop.on_stall([](const weir::Stall& stall) {
  ///       log("a turn of", stall.turn, "of which", stall.slowest.duration, "in", stall.slowest.name());
  ///     });
  void on_stall(Callback<void(const Stall&)> callback) { replace_callback(on_stall_, std::move(callback)); }

  // --- For the layers above: what slots need of their loop. ---

  Backend& slots_backend() noexcept { return *backend_; }
  Slot* find(SlotId id) const noexcept { return slots_.find(id); }
  PostQueueRef post_queue() const noexcept { return posts_; }
  /// What `offload` of call.h stands on: makes certain of a place and of a thread; and takes it.
  Result<void> prepare_offload();
  void push_offload(PreparedPost work) noexcept;
  /// Calls `slot.run_deferred()` at the end of this turn, once.
  void defer(Slot& slot) noexcept {
    if (!slot.is_linked()) deferred_.push_back(slot);
  }
  /// Reads the clock, where `now()` may be too old: late in a long turn.
  TimePoint clock() const noexcept;
  /// The moment of a tick of the wheel.
  TimePoint time_of(std::uint64_t tick) const noexcept;
  /// True while `run` is at work, so that callbacks may be on the stack.
  bool is_running() const noexcept { return is_running_; }
  /// Arms `timer` for the first tick at or after `deadline`.
  void arm(WheelTimer& timer, TimePoint deadline) noexcept;
  void cancel(WheelTimer& timer) noexcept { wheel_.cancel(timer); }
  /// The timers that fire by the exact moment and not by the tick.
  TimerHeap& precise_timers() noexcept { return precise_timers_; }
  /// Runs `callback`, which may replace itself meanwhile through `replace_callback`. Its owner must live until it returns.
  template <class Signature, class... Args>
  void invoke(Callback<Signature>& callback, Args&&... args) {
    running_callbacks_.invoke(callback, std::forward<Args>(args)...);
  }
  /// Puts `next` in the place of `current`; when that is running, after it has returned, so that its captures stay.
  template <class Signature>
  void replace_callback(Callback<Signature>& current, Callback<Signature> next) noexcept {
    running_callbacks_.replace(current, std::move(next));
  }
  void say(Diagnostic::Level level, std::string_view message, std::error_code error = {});
  /// Something that can call back came or went: a loop without any is empty.
  void add_active() noexcept { ++active_; }
  void remove_active() noexcept { --active_; }
  /// The place of what watches a descriptor for others; null when nothing does. Throws std::bad_alloc.
  WatchSlot*& watched(int descriptor) { return watched_[descriptor]; }
  void forget_watched(int descriptor) noexcept { watched_.erase(descriptor); }
  /// A descriptor was closed: listeners that wait for one try again.
  void descriptor_freed() noexcept;
  /// Calls `visit(slot)` for each slot that the kernel reports on.
  template <class Visit>
  void for_each_io_slot(Visit visit) {
    slots_.for_each([&](Slot& slot) {
      if (IoSlot* io = slot.as_io_slot()) visit(*io);
    });
  }
  /// Forgets a stop that was asked for and has not been heard.
  void forget_stop() noexcept { posts_->lower(PostQueue::stop_requested); }
  void add_starved(StarvedListener& listener) noexcept { starved_listeners_.push_back(listener); }
  /// Told once.
  void add_waiting_for_place(PlaceWaiter& waiter) noexcept { place_waiters_.push_back(waiter); }

  /// Those of a point, in the order in which they are called.
  List<HookSlot, HookTag>& hooks_at(HookPoint point) noexcept {
    return point == HookPoint::before_wait ? before_wait_ : after_wait_;
  }
  /// Those of the classes of priority; empty when there is but one.
  std::span<const std::size_t> quotas() const noexcept { return quotas_; }
  /// True when the turn is to end behind the callback that is running: whoever makes calls must leave the rest.
  bool is_cut() const noexcept { return is_cut_; }
  const bool& cut_mark() const noexcept { return is_cut_; }

  InsightRecorder& recorder() noexcept { return recorder_; }
  /// When a slot of this moment is born, in units of a tenth of a second since the loop was made.
  std::uint32_t present_birth() const noexcept { return static_cast<std::uint32_t>((now() - start_) / birth_unit); }

  /// For what must be allocated in order to send and release: it has memory when the pool refuses. Refilled each turn.
  PoolReserve& output_reserve() noexcept { return *output_reserve_; }

  /// Asks to have `Backend::resume_starved` called when the pool has memory again. False when it has some already.
  bool wait_for_memory() noexcept;
  /// Has `Backend::resume_starved` called in a while, for when the system has no memory, nobody tells when it has some again.
  void retry_for_memory() noexcept;

  /// The slot whose callback runs; set and restored by whoever calls one.
  Slot* running_slot() const noexcept { return running_slot_; }
  Slot* exchange_running_slot(Slot* slot) noexcept { return std::exchange(running_slot_, slot); }
  /// Remembers whose callback an exception leaves: the innermost one's. `begin_callback` forgets an earlier one, which
  /// the program has caught itself.
  void begin_callback() noexcept { thrower_ = nullptr; }
  void callback_threw(Slot& slot) noexcept {
    if (thrower_ == nullptr) thrower_ = &slot;
  }

 private:
  friend class Slot;
  class MemoryWaiter;
  class StopTimer;

  static constexpr std::size_t tasks_per_turn = 512;
  static constexpr Duration birth_unit = std::chrono::milliseconds(100);

  /// Where a turn stands: at `wait`, unless a throw has cut the last one short.
  enum class Stage : std::uint8_t { wait, events, timers, posts, deferred };

  struct Unopened {};

  /// True in `is_running_` for as long as callbacks may run; a throw ends that too.
  class RunningMark {
   public:
    explicit RunningMark(EventLoop& loop) noexcept : loop_(loop) { loop_.is_running_ = true; }
    RunningMark(const RunningMark&) = delete;
    RunningMark& operator=(const RunningMark&) = delete;
    ~RunningMark() { loop_.is_running_ = false; }

   private:
    EventLoop& loop_;
  };

  explicit EventLoop(Unopened) noexcept;
  std::error_code open(Options options);
  Result<RunEnd> turn(bool may_wait);
  Result<RunEnd> begin_turn(bool may_wait);
  Duration time_to_wait() noexcept;
  bool is_empty() const noexcept;
  void cut_turn(RunEnd end) noexcept {
    if (!is_running_) return;
    is_cut_ = true;
    end_of_cut_ = end;
  }
  Stage next_stage() const noexcept { return static_cast<Stage>(static_cast<int>(stage_) + 1); }
  void expects_no_fork() const;
  void run_stages();
  void tell_stall();
  RunEnd end_turn() noexcept;
  void run_hooks(List<HookSlot, HookTag>& hooks);
  void run_timers();
  void run_deferred();
  RunEnd serve_flags();

  // In the order in which they are needed: names, and the table, outlive all that stands in it.
  std::unordered_map<std::uint32_t, std::string> names_;  ///< by the slot's index
  SlotTable slots_;
  PostQueueRef posts_;
  std::unique_ptr<Backend> backend_;
  Pool* pool_ = nullptr;
  std::optional<PoolReserve> output_reserve_;
  TimerWheel wheel_;
  TimerHeap precise_timers_;
  TimePoint start_;
  TimePoint now_;
  List<Slot, DeferredTag> deferred_;
  List<Slot, DeferredTag> deferring_;
  List<StarvedListener, StarvedTag> starved_listeners_;
  List<PlaceWaiter, PlaceTag> place_waiters_;
  std::unordered_map<int, WatchSlot*> watched_;  ///< by descriptor
  std::unique_ptr<MemoryWaiter> memory_waiter_;
  std::unique_ptr<StopTimer> stop_timer_;
  OffloadLimits offload_limits_;
  std::vector<std::size_t> quotas_;
  std::unique_ptr<OffloadThreads> offload_threads_;  ///< null until they are needed
  List<HookSlot, HookTag> before_wait_;
  List<HookSlot, HookTag> after_wait_;
  Callback<void(const Diagnostic&)> on_diagnostic_;
  Callback<void(const Stall&)> on_stall_;
  RunningCallbacks running_callbacks_;
  Slot* running_slot_ = nullptr;
  Slot* thrower_ = nullptr;
  Stage stage_ = Stage::wait;
  std::size_t active_ = 0;
  std::uint32_t forks_ = 0;  ///< sys::fork_count when the loop was this process's
  bool is_running_ = false;
  bool is_cut_ = false;
  RunEnd end_of_cut_ = RunEnd::turn;
  InsightRecorder recorder_;
};

/// What runs while it lives is a piece of work of `slot`, which must outlive it: see LoopInsight.
class CallbackSpan {
 public:
  explicit CallbackSpan(Slot& slot) noexcept : slot_(slot) {}
  CallbackSpan(const CallbackSpan&) = delete;
  CallbackSpan& operator=(const CallbackSpan&) = delete;
  ~CallbackSpan() { slot_.loop().recorder().callback_ended(slot_); }

 private:
  const Slot& slot_;
};

}  // namespace weir
