// weir: timers in the exact order of their deadlines.
// SPDX-License-Identifier: MIT
#include "weir/loop/timer_heap.h"

#include <algorithm>
#include <utility>

namespace weir {

void TimerHeap::add_place() {
  if (places_ == heap_.capacity()) heap_.reserve(std::max<std::size_t>(8, 2 * places_));
  ++places_;
}

void TimerHeap::arm(HeapTimer& timer, TimePoint deadline) noexcept {
  cancel(timer);
  timer.deadline_ = deadline;
  timer.sequence_ = next_sequence_++;
  if (deadline <= horizon_) {
    late_.push_back(timer);
    ++late_count_;
  } else {
    insert(timer);
  }
}

void TimerHeap::cancel(HeapTimer& timer) noexcept {
  if (timer.is_linked()) {
    timer.unlink();
    --late_count_;
  } else if (timer.place_ != HeapTimer::nowhere) {
    remove(timer);
  }
}

void TimerHeap::advance(TimePoint now, const bool& must_stop) {
  struct Ended {
    ~Ended() { heap.end_advance(); }  // also when a callback throws
    TimerHeap& heap;
  };
  horizon_ = now;
  const Ended ended{*this};
  while (!must_stop && !heap_.empty() && heap_.front()->deadline_ <= now) {
    HeapTimer& timer = *heap_.front();
    remove(timer);
    timer.fired();
  }
}

void TimerHeap::end_advance() noexcept {
  horizon_ = TimePoint::min();
  late_count_ = 0;
  while (HeapTimer* timer = late_.pop_front()) insert(*timer);
}

void TimerHeap::insert(HeapTimer& timer) noexcept {
  heap_.push_back(&timer);  // there is room: see add_place
  move_up(timer, heap_.size() - 1);
}

void TimerHeap::remove(HeapTimer& timer) noexcept {
  const std::size_t place = std::exchange(timer.place_, HeapTimer::nowhere);
  HeapTimer& last = *heap_.back();
  heap_.pop_back();
  if (&last == &timer) return;
  if (place > 0 && is_before(last, *heap_[(place - 1) / 2])) {
    move_up(last, place);
  } else {
    move_down(last, place);
  }
}

/// Puts `timer` at `place`, or above it, where its parent is before it.
void TimerHeap::move_up(HeapTimer& timer, std::size_t place) noexcept {
  while (place > 0) {
    const std::size_t parent = (place - 1) / 2;
    if (!is_before(timer, *heap_[parent])) break;
    put(*heap_[parent], place);
    place = parent;
  }
  put(timer, place);
}

/// Puts `timer` at `place`, or below it, where it is before both children.
void TimerHeap::move_down(HeapTimer& timer, std::size_t place) noexcept {
  for (;;) {
    std::size_t child = 2 * place + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && is_before(*heap_[child + 1], *heap_[child])) ++child;
    if (!is_before(*heap_[child], timer)) break;
    put(*heap_[child], place);
    place = child;
  }
  put(timer, place);
}

}  // namespace weir
