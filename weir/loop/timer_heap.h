// weir: timers in the exact order of their deadlines.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "weir/base/list.h"
#include "weir/base/time.h"

namespace weir {

struct LateTag;

/// A place in the heap; derive from it.
class HeapTimer : public ListHook<LateTag> {
 public:
  bool is_armed() const noexcept { return place_ != nowhere || is_linked(); }

 protected:
  ~HeapTimer() = default;

 private:
  friend class TimerHeap;

  static constexpr std::size_t nowhere = ~std::size_t{0};

  /// The moment has come. The timer is unarmed already and may be armed again, or freed.
  virtual void fired() = 0;

  TimePoint deadline_;
  std::uint64_t sequence_ = 0;   ///< of arming: timers of one deadline fire in its order
  std::size_t place_ = nowhere;  ///< in the heap
};

/// A binary heap, for the few timers that a millisecond is too coarse for: arming and cancelling cost O(log n).
///
/// Invariant: there is room for as many as were announced by `add_place`, so that arming never allocates.
class TimerHeap {
 public:
  /// One more timer may be armed. Throws std::bad_alloc.
  void add_place();
  void remove_place() noexcept { --places_; }

  /// Arms, or arms again.
  void arm(HeapTimer& timer, TimePoint deadline) noexcept;
  /// Nothing happens when it is not armed.
  void cancel(HeapTimer& timer) noexcept;

  std::size_t size() const noexcept { return heap_.size() + late_count_; }
  /// TimePoint::max() when no timer is armed.
  TimePoint next_deadline() const noexcept { return heap_.empty() ? TimePoint::max() : heap_.front()->deadline_; }

  /// Fires, in order, all that is due at `now`; timers armed meanwhile wait for the next call. When a callback throws, or
  /// makes `must_stop` true, the rest is due at the next call.
  void advance(TimePoint now, const bool& must_stop);

 private:
  static bool is_before(const HeapTimer& left, const HeapTimer& right) noexcept {
    if (left.deadline_ != right.deadline_) return left.deadline_ < right.deadline_;
    return left.sequence_ < right.sequence_;
  }
  void put(HeapTimer& timer, std::size_t place) noexcept {
    heap_[place] = &timer;
    timer.place_ = place;
  }
  void insert(HeapTimer& timer) noexcept;
  void remove(HeapTimer& timer) noexcept;
  void move_up(HeapTimer& timer, std::size_t place) noexcept;
  void move_down(HeapTimer& timer, std::size_t place) noexcept;
  void end_advance() noexcept;

  std::vector<HeapTimer*> heap_;
  List<HeapTimer, LateTag> late_;  ///< armed during `advance` for what is past already: it waits for the next
  std::size_t late_count_ = 0;
  std::size_t places_ = 0;
  std::uint64_t next_sequence_ = 0;
  TimePoint horizon_ = TimePoint::min();  ///< how far `advance` goes while it is on the stack
};

}  // namespace weir
