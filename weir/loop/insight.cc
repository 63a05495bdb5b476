// weir: what an event loop has measured and counted.
// SPDX-License-Identifier: MIT
#include "weir/loop/insight.h"

#include <utility>

#include "weir/loop/insight_recorder.h"
#include "weir/sys/calls.h"

namespace weir {

std::string_view name_of(ObjectKind kind) noexcept {
  switch (kind) {
    case ObjectKind::internal: break;
    case ObjectKind::post: return "post";
    case ObjectKind::stream: return "stream";
    case ObjectKind::listener: return "listener";
    case ObjectKind::connector: return "connector";
    case ObjectKind::server: return "server";
    case ObjectKind::watch: return "watch";
    case ObjectKind::timer: return "timer";
    case ObjectKind::signal: return "signal";
    case ObjectKind::deferred_call: return "deferred call";
    case ObjectKind::hook: return "hook";
  }
  return "internal";
}

namespace {

/// Calls `each(of_counters, of_other)` for every counter.
template <class Each>
void for_each_pair(LoopCounters& counters, const LoopCounters& other, Each each) noexcept {
  each(counters.turns, other.turns);
  each(counters.sleeps, other.sleeps);
  each(counters.wakes, other.wakes);
  each(counters.callbacks, other.callbacks);
  each(counters.posts, other.posts);
  each(counters.timers, other.timers);
  each(counters.accepts, other.accepts);
  each(counters.connects, other.connects);
  each(counters.receives, other.receives);
  each(counters.received_bytes, other.received_bytes);
  each(counters.sends, other.sends);
  each(counters.sent_bytes, other.sent_bytes);
  each(counters.stalls, other.stalls);
  each(counters.stale_events, other.stale_events);
}

}  // namespace

LoopCounters& LoopCounters::operator+=(const LoopCounters& other) noexcept {
  for_each_pair(*this, other, [](std::uint64_t& sum, std::uint64_t more) { sum += more; });
  return *this;
}

LoopCounters LoopCounters::since(const LoopCounters& earlier) const noexcept {
  LoopCounters difference = *this;
  for_each_pair(difference, earlier, [](std::uint64_t& left, std::uint64_t before) { left -= before; });
  return difference;
}

SlowCallback::SlowCallback(Duration taken, TimePoint end, const Slot& of) noexcept
    : duration(taken),
      ended(end),
      slot(of.id()) {
  ObjectState state;
  of.describe(state);
  kind = state.kind;
  descriptor = state.descriptor;
  keep_name(of.name());
}

SlowCallback::SlowCallback(Duration taken, TimePoint end, std::string_view task) noexcept
    : duration(taken),
      ended(end),
      kind(ObjectKind::post) {
  keep_name(task);
}

void SlowCallback::keep_name(std::string_view name) noexcept {
  name = name.substr(0, most_name_bytes);
  std::copy(name.begin(), name.end(), name_.begin());
  name_size_ = static_cast<std::uint8_t>(name.size());
}

void SlowestCallbacks::add(const SlowCallback& callback) noexcept {
  SlowCallback* const last = callbacks_.data() + size_;
  SlowCallback* const same = std::find_if(callbacks_.data(), last, [&](const SlowCallback& other) {
    const bool is_other_task = callback.kind == ObjectKind::post && other.name() != callback.name();
    return other.slot == callback.slot && other.kind == callback.kind && !is_other_task;
  });
  if (same != last) {
    if (same->duration >= callback.duration) return;
    std::move(same + 1, last, same);
    --size_;
  }
  insert(callback);
}

SlowestCallbacks& SlowestCallbacks::operator+=(const SlowestCallbacks& other) noexcept {
  for (const SlowCallback& callback : other) insert(callback);
  return *this;
}

/// Behind those that are as long, and away with the shortest if there is no room.
void SlowestCallbacks::insert(const SlowCallback& callback) noexcept {
  if (callback.duration <= threshold()) return;
  if (size_ < most) ++size_;
  std::size_t place = size_ - 1;
  for (; place > 0 && callbacks_[place - 1].duration < callback.duration; --place)
    callbacks_[place] = callbacks_[place - 1];
  callbacks_[place] = callback;
}

LoopInsight& LoopInsight::operator+=(const LoopInsight& other) noexcept {
  counters += other.counters;
  turn_time += other.turn_time;
  callback_time += other.callback_time;
  timer_lateness += other.timer_lateness;
  post_delay += other.post_delay;
  slowest += other.slowest;
  return *this;
}

LoopInsight LoopInsight::since(const LoopInsight& earlier) const noexcept {
  return {.counters = counters.since(earlier.counters),
          .turn_time = turn_time.since(earlier.turn_time),
          .callback_time = callback_time.since(earlier.callback_time),
          .timer_lateness = timer_lateness.since(earlier.timer_lateness),
          .post_delay = post_delay.since(earlier.post_delay),
          .slowest = slowest};
}

void InsightRecorder::callback_ended(const Slot& slot) noexcept {
  const Duration taken = note_callback();
  if (taken > slow_from_) [[unlikely]]
    note_slow(SlowCallback(taken, boundary_, slot));
}

void InsightRecorder::task_ended() noexcept {
  const std::uint64_t number = insight_.counters.posts++;
  const Duration taken = note_callback();
  if (taken <= slow_from_) [[likely]]
    return;
  note_slow(SlowCallback(taken, boundary_, named_task_ == number ? std::string_view(task_name_) : std::string_view()));
}

Duration InsightRecorder::note_callback() noexcept {
  const TimePoint now = sys::monotonic_now();
  const Duration taken = now - boundary_;
  boundary_ = now;
  insight_.callback_time.add(taken);
  return taken;
}

void InsightRecorder::note_slow(const SlowCallback& callback) noexcept {
  insight_.slowest.add(callback);
  if (callback.duration > stall_limit_ / 8 && callback.duration > slowest_of_turn_.duration)
    slowest_of_turn_ = callback;
  update_threshold();
}

/// Of several that nobody has been told of yet, the longest.
void InsightRecorder::note_stall(Duration turn) noexcept {
  ++insight_.counters.stalls;
  const Duration longest = std::max(stall_.turn, stall_.slowest.duration);
  if (!has_stall_ || std::max(turn, slowest_of_turn_.duration) > longest) {
    stall_ = {.turn = turn, .slowest = slowest_of_turn_};
  }
  has_stall_ = true;
}

}  // namespace weir
