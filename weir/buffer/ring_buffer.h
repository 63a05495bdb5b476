// weir: a byte ring whose content, and whose room, is always one contiguous piece.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "weir/base/bytes.h"
#include "weir/base/export.h"
#include "weir/base/result.h"
#include "weir/buffer/search.h"

namespace weir {

/// A queue of bytes in a fixed piece of memory, for one producer and one consumer on the same thread.
///
///     Result<RingBuffer> ring = RingBuffer::create(64_KiB);
///     ring->commit(receive(ring->room()));
///     ring->drop(parse(ring->bytes()));
///
/// The same pages are mapped twice, one copy behind the other, so that a piece that runs over the end goes on at the
/// beginning without a break:
///
///     addresses   |------- first mapping -------|------ second mapping -------|
///     the pages   | 0          head             | 0          head             |
///     bytes()                  |=================#######|                        one span, whatever the head
///     room()                                            |-------|                ends where bytes() begins again
///
/// When to use something else: a Buffer grows, shares and moves what it holds; a ring copies in and out, but never allocates
/// after it was made. It takes two mappings of the process and one memory file while it is made.
/// Lifetime: a moved-from ring has a capacity of 0 and may be destroyed or assigned to.
///           After fork(2) parent and child have the same pages: only one of them may go on using it.
/// Threads:  one at a time.
class WEIR_API RingBuffer {
 public:
  /// The most bytes that a ring can have.
  static constexpr std::size_t max_capacity = std::size_t{1} << 40;

  /// A ring of at least `capacity` bytes: rounded up to a power of two, and to a page. Errors:
  /// std::errc::invalid_argument for 0 and for more than `max_capacity`, std::errc::not_enough_memory and the system's.
  static Result<RingBuffer> create(std::size_t capacity);

  RingBuffer() noexcept = default;
  RingBuffer(RingBuffer&& other) noexcept
      : memory_(std::exchange(other.memory_, nullptr)),
        capacity_(std::exchange(other.capacity_, 0)),
        head_(std::exchange(other.head_, 0)),
        size_(std::exchange(other.size_, 0)),
        dropped_(std::exchange(other.dropped_, 0)) {}
  RingBuffer& operator=(RingBuffer&& other) noexcept {
    RingBuffer taken(std::move(other));
    std::swap(memory_, taken.memory_);
    std::swap(capacity_, taken.capacity_);
    std::swap(head_, taken.head_);
    std::swap(size_, taken.size_);
    std::swap(dropped_, taken.dropped_);
    return *this;
  }
  ~RingBuffer();

  std::size_t capacity() const noexcept { return capacity_; }
  std::size_t size() const noexcept { return size_; }
  bool is_empty() const noexcept { return size_ == 0; }
  bool is_full() const noexcept { return size_ == capacity_; }

  /// All that can be read, oldest first. Valid until `drop`, `clear` or the end of the ring.
  Bytes bytes() const noexcept { return {memory_ + head_, size_}; }
  /// All that can be written to. What is committed of it follows `bytes()`. Valid until anything else is done: a `drop` of all
  /// begins anew at the beginning of the memory.
  MutableBytes room() noexcept { return {memory_ + head_ + size_, capacity_ - size_}; }

  /// Makes the first `count` bytes of `room()` readable. Requires that there are so many.
  void commit(std::size_t count);
  /// Copies all of `bytes` into the room; false, and no change, when they do not fit.
  [[nodiscard]] bool append(Bytes bytes) noexcept;
  [[nodiscard]] bool append(std::string_view text) noexcept { return append(as_bytes(text)); }
  /// Copies as much of `bytes` as there is room for; returns how much.
  [[nodiscard]] std::size_t append_some(Bytes bytes) noexcept;

  /// Removes the first `count` bytes. Requires `count <= size()`.
  void drop(std::size_t count);
  void clear() noexcept { drop(size_); }
  /// Copies up to `to.size()` bytes from `offset` on; returns how many. Requires `offset <= size()`.
  std::size_t copy_to(MutableBytes to, std::size_t offset = 0) const;
  /// Copies up to `to.size()` bytes and removes them; returns how many.
  std::size_t take(MutableBytes to);

  /// The first occurrence in the range, as Buffer's operations of the same name find it.
  Found find(std::byte wanted, SearchRange range = {}) const noexcept { return find(Bytes(&wanted, 1), range); }
  Found find(Bytes needle, SearchRange range = {}) const noexcept;
  Found find(std::string_view needle, SearchRange range = {}) const noexcept { return find(as_bytes(needle), range); }
  Found find_any(const ByteSet& wanted, SearchRange range = {}) const noexcept;
  Found find_line_end(LineEnd style = LineEnd::crlf, SearchRange range = {}) const noexcept;

  /// The same, beginning where an earlier search for the same thing in this ring ended.
  Found find(std::byte wanted, SearchPosition& resume, SearchRange range = {}) const noexcept {
    return find(Bytes(&wanted, 1), resume, range);
  }
  Found find(Bytes needle, SearchPosition& resume, SearchRange range = {}) const noexcept;
  Found find(std::string_view needle, SearchPosition& resume, SearchRange range = {}) const noexcept {
    return find(as_bytes(needle), resume, range);
  }
  Found find_any(const ByteSet& wanted, SearchPosition& resume, SearchRange range = {}) const noexcept;
  Found find_line_end(LineEnd style, SearchPosition& resume, SearchRange range = {}) const noexcept;

 private:
  RingBuffer(std::byte* memory, std::size_t capacity, std::uint64_t dropped) noexcept
      : memory_(memory),
        capacity_(capacity),
        dropped_(dropped) {}

  template <class Wanted>
  struct SearchEnd search(const Wanted& wanted, SearchRange range) const noexcept;
  template <class Wanted>
  Found find_on(const Wanted& wanted, SearchPosition& resume, SearchRange range) const noexcept;

  std::byte* memory_ = nullptr;  ///< twice the capacity, of which both halves are the same pages
  std::size_t capacity_ = 0;
  std::size_t head_ = 0;  ///< below the capacity
  std::size_t size_ = 0;  ///< at most the capacity; so no index ever wraps
  std::uint64_t dropped_ =
      0;  ///< how many bytes were removed, from an origin that no other ring has: for SearchPosition
};

}  // namespace weir
