// weir: a hierarchical timing wheel with ticks of one millisecond.
// SPDX-License-Identifier: MIT
#include "weir/loop/timer_wheel.h"

#include <algorithm>
#include <bit>
#include <cstdint>

namespace weir {

void TimerWheel::arm(WheelTimer& timer, std::uint64_t tick) noexcept {
  cancel(timer);
  timer.tick_ = tick;
  ++size_;
  if (tick <= horizon_) {
    late_.push_back(timer);
  } else {
    place(timer);
  }
}

void TimerWheel::cancel(WheelTimer& timer) noexcept {
  if (!timer.is_linked()) return;
  timer.unlink();  // the slot's bit may outlive its last timer: finding an empty slot is cheaper than looking here
  --size_;
}

void TimerWheel::place(WheelTimer& timer) noexcept {
  const std::uint64_t difference = timer.tick_ ^ present_;
  if (difference >> span_bits != 0) {
    far_.push_back(timer);
    return;
  }
  std::size_t level = levels - 1;
  while (level > 0 && difference >> shift[level] == 0) --level;
  const std::size_t slot = first_slot(level) + digit(timer.tick_, level);
  slots_[slot].push_back(timer);
  occupied_[slot / 64] |= std::uint64_t{1} << (slot % 64);
}

/// The first slot of `level` at or after `from` whose bit is set; the level's slot count when there is none.
std::size_t TimerWheel::next_occupied(std::size_t level, std::size_t from) const noexcept {
  const std::size_t first = first_slot(level);
  for (std::size_t at = from; at < slots[level];) {
    const std::uint64_t word = occupied_[(first + at) / 64] >> ((first + at) % 64);
    if (word != 0) return std::min<std::size_t>(at + static_cast<unsigned>(std::countr_zero(word)), slots[level]);
    at = (at / 64 + 1) * 64;
  }
  return slots[level];
}

std::uint64_t TimerWheel::next_tick() const noexcept {
  if (size_ == 0) return never;
  if (!late_.is_empty() || !due_.is_empty()) return present_;
  return next_step();
}

/// The next tick at which something stands in the wheel itself.
std::uint64_t TimerWheel::next_step() const noexcept {
  for (std::size_t level = 0; level < levels; ++level) {
    const std::size_t at = next_occupied(level, digit(present_, level) + 1);
    if (at == slots[level]) continue;
    const unsigned above = level + 1 < levels ? shift[level + 1] : span_bits;
    return (present_ >> above << above) + (std::uint64_t{at} << shift[level]);
  }
  return ((present_ >> span_bits) + 1) << span_bits;  // only the far ones are left
}

void TimerWheel::advance(std::uint64_t tick, const bool& must_stop) {
  due_.splice_back(late_);  // behind what a callback that threw, or stopped, has left
  horizon_ = std::max(horizon_, tick);
  fire_due(must_stop);
  while (present_ < tick && !must_stop) {
    step_to(size_ == 0 ? tick : std::min(next_step(), tick));
    fire_due(must_stop);
  }
}

/// Makes `tick` the present: what stood on a higher level for it moves down, and its own slot becomes due.
/// Requires that nothing is due before `tick`.
void TimerWheel::step_to(std::uint64_t tick) noexcept {
  const std::uint64_t changed = tick ^ present_;
  present_ = tick;
  if (size_ == 0) return;
  if (changed >> span_bits != 0) move_down(far_);
  for (std::size_t level = levels - 1; level > 0; --level) {
    if (changed >> shift[level] == 0) continue;
    move_down(emptied(first_slot(level) + digit(tick, level)));
  }
  due_.splice_back(emptied(digit(tick, 0)));
}

/// Forgets that the slot is occupied, and gives its list to be taken from.
List<WheelTimer, WheelTag>& TimerWheel::emptied(std::size_t slot) noexcept {
  occupied_[slot / 64] &= ~(std::uint64_t{1} << (slot % 64));
  return slots_[slot];
}

void TimerWheel::move_down(List<WheelTimer, WheelTag>& from) noexcept {
  List<WheelTimer, WheelTag> moving;
  moving.splice_back(from);
  while (WheelTimer* timer = moving.pop_front()) {
    if (timer->tick_ <= present_) {
      due_.push_back(*timer);
    } else {
      place(*timer);
    }
  }
}

void TimerWheel::fire_due(const bool& must_stop) {
  while (!must_stop) {
    WheelTimer* timer = due_.pop_front();
    if (timer == nullptr) return;
    --size_;
    // Of many timers the next one is not in the caches, nor what it is part of, which begins in front of it. (Not a function
    // of its own: GCC 12 finds that one which only prefetches has no effect.)
    const auto next = reinterpret_cast<std::uintptr_t>(due_.front());
    __builtin_prefetch(reinterpret_cast<const void*>(next - 128));
    __builtin_prefetch(reinterpret_cast<const void*>(next - 64));
    __builtin_prefetch(reinterpret_cast<const void*>(next));
    timer->fired();
  }
}

}  // namespace weir
