// weir: the event loop, one per thread.
// SPDX-License-Identifier: MIT
#include "weir/loop/event_loop.h"

#include <algorithm>

#include "weir/loop/backend.h"
#include "weir/loop/hook_slot.h"
#include "weir/loop/offload_threads.h"
#include "weir/loop/signal.h"
#include "weir/sys/calls.h"
#include "weir/sys/forks.h"

namespace weir {
namespace {

using namespace weir::literals;

constexpr Duration tick_length = 1ms;
constexpr Duration between_tries_for_memory = 10ms;

}  // namespace

/// Carries the pool's news, which come on any thread, to the loop's own. Of the system there is no news: a timer it is.
class EventLoop::MemoryWaiter final : public PoolWaiter, public WheelTimer {
 public:
  explicit MemoryWaiter(EventLoop& loop) noexcept : loop_(loop) {}

  void memory_released() noexcept override { loop_.posts_->raise(PostQueue::memory_released); }

  bool is_waiting = false;  ///< the loop's thread only

 private:
  void fired() override { loop_.backend_->resume_starved(); }

  EventLoop& loop_;
};

/// Stops its loop when the time has come.
class EventLoop::StopTimer final : public WheelTimer {
 public:
  explicit StopTimer(EventLoop& loop) noexcept : loop_(loop) {}

 private:
  void fired() override { loop_.stop(); }

  EventLoop& loop_;
};

EventLoop::EventLoop() : EventLoop(Options{}) {}

EventLoop::EventLoop(Options options) {
  if (const std::error_code error = open(std::move(options))) throw_error(error);
}

EventLoop::EventLoop(Unopened) noexcept {}

Result<std::unique_ptr<EventLoop>> EventLoop::create() { return create(Options{}); }

Result<std::unique_ptr<EventLoop>> EventLoop::create(Options options) {
  std::unique_ptr<EventLoop> loop(new EventLoop(Unopened{}));
  if (const std::error_code error = loop->open(std::move(options))) return error;
  return loop;
}

std::error_code EventLoop::open(Options options) {
  pool_ = options.pool != nullptr ? options.pool : &Pool::default_pool();
  output_reserve_.emplace(*pool_, output_reserve_bytes);
  on_diagnostic_ = std::move(options.on_diagnostic);
  offload_limits_ = std::move(options.offload);
  quotas_ = std::move(options.quotas);
  on_stall_ = std::move(options.on_stall);
  recorder_.set_stall_limit(options.stall_limit);
  start_ = now_ = sys::monotonic_now();
  if (!sys::watch_forks()) return std::make_error_code(std::errc::not_enough_memory);
  forks_ = sys::fork_count.load(std::memory_order_relaxed);
  Result<PostQueueRef> posts = PostQueue::create();
  if (!posts) return posts.error();
  posts_ = *std::move(posts);
  memory_waiter_ = std::make_unique<MemoryWaiter>(*this);
  auto backend = make_backend(*this, options.backend, *pool_, posts_->descriptor());
  if (!backend) return backend.error();
  backend_ = *std::move(backend);
  return {};
}

EventLoop::~EventLoop() {
  expects(!is_running_);
  if (posts_.get() == nullptr) return;
  if (is_inherited()) (void)offload_threads_.release();  // see after_fork
  offload_threads_.reset();
  posts_->close();
  for (std::size_t before = 0; slots_.size() != before;) {  // again, while ending one leaves another without its handle
    before = slots_.size();
    slots_.for_each([](Slot& slot) { slot.loop_ends(); });
  }
  expects(slots_.size() == 0);  // a stream, listener, timer, watch or signal outlives its loop: destroy it first
  if (memory_waiter_ != nullptr) pool_->remove_waiter(*memory_waiter_);
}

Result<RunEnd> EventLoop::run() {
  for (;;) {
    Result<RunEnd> end = turn(true);
    if (!end || *end != RunEnd::turn) return end;
  }
}

Result<RunEnd> EventLoop::run_once() { return turn(true); }

Result<RunEnd> EventLoop::poll() { return turn(false); }

/// The part of a turn before anything is called back: `turn` when there is something to serve.
Result<RunEnd> EventLoop::begin_turn(bool may_wait) {
  expects(!is_running_);
  expects_no_fork();
  if (serve_flags() == RunEnd::stopped) return RunEnd::stopped;
  if (is_empty()) return RunEnd::empty;
  if (stage_ != Stage::wait) {  // it was cut short
    recorder_.turn_began(clock());
    return RunEnd::turn;
  }
  ++recorder_.counters().turns;
  if (!before_wait_.is_empty()) {
    now_ = clock();
    recorder_.begin(now_);
    run_hooks(before_wait_);
    if (is_cut_) return RunEnd::turn;
  }
  const Duration timeout = may_wait ? time_to_wait() : Duration::zero();
  if (timeout != Duration::zero()) ++recorder_.counters().sleeps;
  const Result<void> waited = backend_->wait(timeout);
  posts_->end_sleep();
  if (!waited) return waited.error();
  stage_ = Stage::events;
  now_ = sys::monotonic_now();
  recorder_.turn_began(now_);
  pool_->trim_idle(now_);
  if (output_reserve_->available() != output_reserve_bytes) [[unlikely]]
    (void)output_reserve_->refill();
  if (!after_wait_.is_empty()) run_hooks(after_wait_);
  return RunEnd::turn;
}

/// How long nothing can happen but events: zero when something is ready, negative for ever. Announces the sleep, which ends
/// too when memory that the last burst has left is to go back; after a turn or two nothing is idle, and it lasts.
Duration EventLoop::time_to_wait() noexcept {
  const TimePoint deadline = std::min(next_deadline(), pool_->next_trim());
  if (deadline == TimePoint::max()) return -1ns;
  if (deadline == TimePoint::min()) return Duration::zero();
  return std::max(deadline - clock(), Duration::zero());  // the turn before may have taken long
}

TimePoint EventLoop::next_deadline() noexcept {
  const bool has_work =
      stage_ != Stage::wait || backend_->has_ready() || !deferred_.is_empty() || !deferring_.is_empty();
  if (has_work || !posts_->prepare_sleep()) return TimePoint::min();
  const std::uint64_t tick = wheel_.next_tick();
  const TimePoint coarse = tick == TimerWheel::never ? TimePoint::max() : time_of(tick);
  return std::min(coarse, precise_timers_.next_deadline());
}

Duration EventLoop::time_to_deadline() noexcept {
  const TimePoint deadline = next_deadline();
  if (deadline == TimePoint::max()) return Duration::max();
  const TimePoint present = clock();
  return deadline > present ? deadline - present : Duration::zero();
}

int EventLoop::backend_descriptor() const noexcept { return backend_->descriptor(); }

bool EventLoop::is_empty() const noexcept {
  return active_ == 0 && wheel_.size() == 0 && precise_timers_.size() == 0 && deferred_.is_empty() &&
         deferring_.is_empty() && !posts_->has_tasks();
}

/// The stages that are left, until one is cut short.
void EventLoop::run_stages() {
  while (stage_ != Stage::wait && !is_cut_) {
    switch (stage_) {
      case Stage::wait: break;
      case Stage::events: backend_->dispatch(); break;
      case Stage::timers: run_timers(); break;
      case Stage::posts: posts_->run_tasks(tasks_per_turn, is_cut_, &recorder_); break;
      case Stage::deferred: run_deferred(); break;
    }
    if (!is_cut_) stage_ = stage_ == Stage::deferred ? Stage::wait : next_stage();
  }
}

void EventLoop::tell_stall() {
  recorder_.turn_ended();
  Stall stall;
  if (recorder_.take_stall(stall) && on_stall_) invoke(on_stall_, stall);
}

/// What was cut short goes on in the next turn: at once, or behind the events that have come by then.
RunEnd EventLoop::end_turn() noexcept {
  if (!std::exchange(is_cut_, false)) return RunEnd::turn;
  if (end_of_cut_ == RunEnd::turn) {
    backend_->set_aside();
    stage_ = Stage::wait;
  }
  return end_of_cut_;
}

/// The coarse and the precise ones take turns in being first: a timer that always throws starves none of the others.
void EventLoop::run_timers() {
  const bool is_precise_first = recorder_.counters().turns % 2 != 0;
  if (is_precise_first) precise_timers_.advance(now_, is_cut_);
  if (wheel_.size() != 0 && !is_cut_)
    wheel_.advance(static_cast<std::uint64_t>((now_ - start_) / tick_length), is_cut_);
  if (!is_precise_first && !is_cut_) precise_timers_.advance(now_, is_cut_);
}

void EventLoop::run_deferred() {
  deferring_.splice_back(deferred_);
  while (!is_cut_) {
    Slot* slot = deferring_.pop_front();
    if (slot == nullptr) return;
    const SlotHold hold(*slot);
    const CallbackSpan span(*slot);
    slot->run_deferred();
  }
}

/// Hears what other threads and signal handlers had to tell. `stopped` when the loop was asked to stop.
RunEnd EventLoop::serve_flags() {
  const std::uint8_t flags = posts_->take_flags();
  if (flags == 0) return RunEnd::turn;
  if ((flags & PostQueue::memory_released) != 0) {
    memory_waiter_->is_waiting = false;
    backend_->resume_starved();
  }
  if ((flags & PostQueue::place_freed) != 0) {
    while (PlaceWaiter* waiter = place_waiters_.pop_front()) waiter->place_freed();
  }
  if ((flags & PostQueue::signal_arrived) != 0) defer_arrived_signals(*this);
  return (flags & PostQueue::stop_requested) != 0 ? RunEnd::stopped : RunEnd::turn;
}

bool EventLoop::is_inherited() const noexcept { return forks_ != sys::fork_count.load(std::memory_order_relaxed); }

/// Its name is what the message says before the process ends.
void EventLoop::expects_no_fork() const { expects(!is_inherited()); }

Result<void> EventLoop::after_fork() {
  expects(!is_running_);
  // First, for the destructor must not find them: the child has none of their threads, and cannot trust their lock.
  (void)offload_threads_.release();
  if (auto renewed = posts_->after_fork(); !renewed) return renewed;
  if (auto renewed = backend_->after_fork(posts_->descriptor()); !renewed) return renewed;
  forks_ = sys::fork_count.load(std::memory_order_relaxed);
  return {};
}

Result<void> EventLoop::prepare_offload() {
  if (!sys::has_threads()) return {};
  if (offload_threads_ == nullptr) offload_threads_ = std::make_unique<OffloadThreads>(offload_limits_);
  return offload_threads_->prepare();
}

void EventLoop::push_offload(PreparedPost work) noexcept {
  if (offload_threads_ == nullptr) return work.send();
  offload_threads_->push(std::move(work));
}

void EventLoop::stop() noexcept { posts_->raise(PostQueue::stop_requested); }

void EventLoop::stop_after(Duration delay) {
  if (stop_timer_ == nullptr) stop_timer_ = std::make_unique<StopTimer>(*this);
  arm(*stop_timer_, add_saturated(clock(), std::max(delay, Duration::zero())));
}

void EventLoop::post(Callback<void()> task) { (void)posts_->push(std::move(task)); }

void EventLoop::post_batch(std::span<Callback<void()>> tasks) { (void)posts_->push_all(tasks); }

std::string_view EventLoop::backend() const noexcept { return backend_->name(); }

LoopCounters EventLoop::counters() const noexcept {
  LoopCounters counters = recorder_.measured().counters;
  counters.callbacks = recorder_.measured().callback_time.count();
  counters.stale_events = backend_->stale_events();
  return counters;
}

LoopInsight EventLoop::insight() const noexcept {
  LoopInsight insight = recorder_.measured();
  insight.counters = counters();
  return insight;
}

void EventLoop::on_diagnostic(Callback<void(const Diagnostic&)> hook) {
  replace_callback(on_diagnostic_, std::move(hook));
}

void EventLoop::say(Diagnostic::Level level, std::string_view message, std::error_code error) {
  if (on_diagnostic_) invoke(on_diagnostic_, Diagnostic{level, message, error});
}

TimePoint EventLoop::clock() const noexcept { return sys::monotonic_now(); }

TimePoint EventLoop::time_of(std::uint64_t tick) const noexcept {
  constexpr auto most = static_cast<std::uint64_t>((TimePoint::max() - TimePoint{}) / tick_length);
  return add_saturated(start_, tick_length * static_cast<std::int64_t>(std::min(tick, most)));
}

void EventLoop::arm(WheelTimer& timer, TimePoint deadline) noexcept {
  const Duration from_start = deadline - start_;
  const auto tick = from_start <= Duration::zero() ? 0 : (from_start - 1ns) / tick_length + 1;
  wheel_.arm(timer, static_cast<std::uint64_t>(tick));
}

bool EventLoop::wait_for_memory() noexcept {
  if (memory_waiter_->is_waiting) return true;
  memory_waiter_->is_waiting = pool_->add_waiter(*memory_waiter_);
  return memory_waiter_->is_waiting;
}

void EventLoop::retry_for_memory() noexcept {
  if (!memory_waiter_->is_armed()) arm(*memory_waiter_, clock() + between_tries_for_memory);
}

void EventLoop::descriptor_freed() noexcept {
  while (StarvedListener* listener = starved_listeners_.pop_front()) listener->descriptor_freed();
}

}  // namespace weir
