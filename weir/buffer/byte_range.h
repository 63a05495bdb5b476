// weir: iteration over the single bytes of a buffer.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <iterator>
#include <ranges>

#include "weir/buffer/buffer.h"
#include "weir/buffer/slice_range.h"

namespace weir {

/// The bytes of a buffer in order, for algorithms that know nothing of slices.
///
///     std::ranges::count(ByteRange(buffer), std::byte{'\n'});
///
/// When to use something else: slices() where whole runs can be worked on, and Cursor for numbers; both are faster.
/// Lifetime: valid until the buffer is next changed.
class ByteRange {
 public:
  class Iterator {
   public:
    using value_type = std::byte;
    using difference_type = std::ptrdiff_t;
    using iterator_category = std::forward_iterator_tag;
    using pointer = const std::byte*;
    using reference = const std::byte&;

    Iterator() noexcept = default;
    const std::byte& operator*() const noexcept { return *at_; }
    Iterator& operator++() noexcept {
      if (++at_ == slice_->data() + slice_->size()) enter(++slice_);
      return *this;
    }
    Iterator operator++(int) noexcept {
      const Iterator old = *this;
      ++*this;
      return old;
    }
    /// Two slices may view the same memory.
    bool operator==(const Iterator&) const noexcept = default;

   private:
    friend class ByteRange;

    explicit Iterator(SliceRange::Iterator slice) noexcept : slice_(slice) { enter(slice_); }
    void enter(const SliceRange::Iterator& slice) noexcept {
      at_ = slice == SliceRange::Iterator() ? nullptr : slice->data();
    }

    SliceRange::Iterator slice_;
    const std::byte* at_ = nullptr;
  };

  explicit ByteRange(const Buffer& buffer) noexcept : slices_(buffer.slices()) {}

  Iterator begin() const noexcept { return Iterator(slices_.begin()); }
  Iterator end() const noexcept { return {}; }

 private:
  SliceRange slices_;
};

}  // namespace weir

/// Its iterators look at the buffer, not at the range.
template <>
inline constexpr bool std::ranges::enable_borrowed_range<weir::ByteRange> = true;
