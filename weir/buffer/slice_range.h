// weir: iteration over the slices of a buffer.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <iterator>

#include "weir/buffer/slice.h"
#include "weir/buffer/slice_queue.h"

namespace weir {

/// The slices of a buffer that lie before its first file range, in order, as `const Slice&`.
///
/// Lifetime: valid until the buffer is next changed. Never loads a block's header; copying a slice does.
class SliceRange {
 public:
  class Iterator {
   public:
    using value_type = Slice;
    using difference_type = std::ptrdiff_t;
    using iterator_category = std::forward_iterator_tag;
    using pointer = const Slice*;
    using reference = const Slice&;

    Iterator() noexcept = default;
    // A Slice is a Piece and nothing else, and is only read here (slice.h asserts the layout).
    const Slice& operator*() const noexcept { return reinterpret_cast<const Slice&>(*piece_); }
    const Slice* operator->() const noexcept { return &**this; }
    Iterator& operator++() noexcept {
      if (!piece_.step_in_run()) [[unlikely]] {
        piece_.next_run();
        if (!piece_) return *this;
      }
      if (!is_in_memory(*piece_)) [[unlikely]]
        piece_ = {};
      return *this;
    }
    Iterator operator++(int) noexcept {
      const Iterator old = *this;
      ++*this;
      return old;
    }
    bool operator==(const Iterator&) const noexcept = default;

   private:
    friend class SliceRange;
    explicit Iterator(SliceQueue::Iterator piece) noexcept : piece_(piece) { end_before_file(); }

    void end_before_file() noexcept {
      if (piece_ && !is_in_memory(*piece_)) [[unlikely]]
        piece_ = {};
    }

    SliceQueue::Iterator piece_;
  };

  explicit SliceRange(const SliceQueue& queue) noexcept : queue_(&queue) {}

  Iterator begin() const noexcept { return Iterator(queue_->begin()); }
  Iterator end() const noexcept { return {}; }

 private:
  const SliceQueue* queue_;
};

}  // namespace weir
