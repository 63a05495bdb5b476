// weir: an ordered sequence of slices with one writable tail.
// SPDX-License-Identifier: MIT
#pragma once

#include <compare>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/bytes.h"
#include "weir/base/callback.h"
#include "weir/base/error.h"
#include "weir/base/expects.h"
#include "weir/base/export.h"
#include "weir/base/result.h"
#include "weir/buffer/block.h"
#include "weir/buffer/copy.h"
#include "weir/buffer/search.h"
#include "weir/buffer/slice.h"
#include "weir/buffer/slice_queue.h"
#include "weir/buffer/slice_range.h"

struct iovec;

namespace weir {

class Buffer;
class Pool;
class TransferBuffer;

/// Told when bytes left a buffer. See Buffer::set_drain_hook.
class BufferDrainHook {
 public:
  /// The buffer is in order and may be used or destroyed; no other buffer of the same call may be destroyed.
  virtual void drained(Buffer& buffer) noexcept = 0;

 protected:
  BufferDrainHook() noexcept = default;
  ~BufferDrainHook() = default;
};

/// A sequence of bytes that is appended to at one end and consumed at the other, without copying what can be shared.
///
///     buffer.append("GET / HTTP/1.1\r\n");        // small: copied into the buffer's own block
///     buffer.append(std::move(body));             // a buffer, slice, string, vector: by reference
///     Buffer head = buffer.take(16);              // shares the memory
///
///      slices, three inside the object, then in nodes of twenty
///     +------------+-------------------+----------+
///     | data  size | data  size        | data  size
///     +--|---------+--|----------------+--|-------+
///        v            v                   v      write_       end_
///     [ foreign ]  [ a pool block ]    [ the tail block | room ]
///
/// A small append writes at write_ and lengthens the last slice. Neighbouring slices of one block merge.
///
/// Invariant: no slice is empty. An empty buffer holds no memory, unless `reserve` or `prepare` asked for some.
/// Lifetime:  what a slice views lives as long as any slice of it. A view from `front()`, `slices()` or `contiguous()`
///            is valid until those bytes are consumed. Release callbacks of foreign memory run once, as the last act of
///            the operation that lets the memory go, and may use or destroy this buffer.
/// Threads:   one at a time, with all that shares memory with it; TransferBuffer crosses.
/// Errors:    what needs memory and gets none throws std::bad_alloc and changes nothing, its argument included; the
///            `try_` forms and `reserve` return the failure instead. So does what would pass `max_size`.
class WEIR_API Buffer {
 public:
  /// The most bytes a buffer can hold, by reference or otherwise.
  static constexpr std::size_t max_size = std::numeric_limits<std::size_t>::max() / 2;

  /// A buffer that takes its blocks from the default pool. Nothing is allocated.
  Buffer() noexcept = default;
  explicit Buffer(Pool& pool) noexcept : pool_(&pool) {}
  explicit Buffer(TransferBuffer&& other) noexcept;

  /// Takes content and pool over; `other` is empty and usable afterwards. The hook stays where it was.
  Buffer(Buffer&& other) noexcept;

  /// Takes the content over, each keeping its pool and hook. To itself: no effect.
  Buffer& operator=(Buffer&& other) noexcept;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() {
    if (!holds_nothing()) destroy();
  }

  std::size_t size() const noexcept { return size_; }
  bool is_empty() const noexcept { return size_ == 0; }

  // --- adding ---

  /// Copies. `bytes` may be part of this very buffer.
  void append(Bytes bytes) {
    if (bytes.size() - 1 < window_room()) [[likely]] {  // 0 wraps, and goes the slow way
      append_in_window(bytes);
    } else if (!try_append_slow(bytes)) {
      throw_bad_alloc();
    }
  }
  void append(std::string_view text) { append(as_bytes(text)); }
  void append(const char* text) { append(std::string_view(text)); }

  /// Copies; false, and no change, when there is no memory.
  [[nodiscard]] bool try_append(Bytes bytes) noexcept {
    if (bytes.size() - 1 < window_room()) [[likely]] {
      append_in_window(bytes);
      return true;
    }
    return try_append_slow(bytes);
  }

  /// Adopts the argument, or copies what is small or a small part of the capacity; it is empty afterwards.
  void append(std::string&& text);
  void append(std::vector<std::byte>&& bytes);

  /// Shares the slice's memory; a small slice is copied instead when the tail has room.
  void append(const Slice& slice) { append(Slice(slice)); }
  void append(Slice&& slice);

  /// Moves all of `other`, which is empty afterwards, to the end. O(1). To itself: no effect.
  void append(Buffer&& other);

  /// Takes the block over: its unread bytes, and its room as the buffer's own.
  void append(Block&& block);

  /// Memory of the program's, as with Slice::foreign. Up to `copied_foreign` bytes are copied and released at once.
  void append_foreign(Bytes bytes, Callback<void()>&& release);

  /// Memory that outlives the buffer and all it is given to.
  void append_static(Bytes bytes) { append(Slice::from_static(bytes)); }
  void append_static(std::string_view text) { append(Slice::from_static(text)); }

  template <std::integral T>
  void append_big_endian(T value) {
    value = to_order(value, std::endian::big);
    append(std::as_bytes(std::span(&value, 1)));
  }
  template <std::integral T>
  void append_little_endian(T value) {
    value = to_order(value, std::endian::little);
    append(std::as_bytes(std::span(&value, 1)));
  }

  /// At least `count` contiguous bytes to write to behind the content. Valid until the next operation on the buffer;
  /// `commit` makes the first of them readable. Throws std::bad_alloc.
  MutableBytes prepare(std::size_t count);

  /// Requires that the last operation was `prepare` and gave at least `count` bytes. `commit(0)` changes nothing.
  void commit(std::size_t count);

  /// Makes the next `count` bytes that are appended by copy certain, in however many appends, as long as nothing else
  /// is done. Errors: errc::budget, std::errc::not_enough_memory; the buffer is then unchanged.
  Result<void> reserve(std::size_t count) noexcept;

  /// Makes one `append_reserved` certain.
  Result<void> reserve_slice() noexcept;

  /// Appends by reference without allocating. Requires a successful `reserve_slice` since the last time the buffer was
  /// added to; `slice` may be empty.
  void append_reserved(Slice slice) noexcept;

  // --- removing ---

  /// The first `count` bytes, as a buffer of the same pool. Shares all but a short piece cut off a large block, which
  /// is copied so as not to hold that block. Requires `count <= size()`.
  [[nodiscard]] Buffer take(std::size_t count) {
    expects(count <= size_);
    return count == size_ ? take_all() : take_part(count);
  }
  [[nodiscard]] Buffer take_all() noexcept { return Buffer(std::move(*this)); }

  /// Keeps the first `count` bytes and returns the rest. Requires `count <= size()`.
  [[nodiscard]] Buffer split(std::size_t count) {
    expects(count <= size_);
    return count == 0 ? take_all() : split_off(count);
  }

  /// Removes the first `count` bytes. Requires `count <= size()`.
  void drop(std::size_t count) {
    if (count < size_ && hook_ == nullptr) [[likely]] {
      Piece& front = queue_.front();
      if (count < front.size) [[likely]]
        return advance_front(front, count);
    }
    drop_slow(count);
  }

  /// Keeps the first `count` bytes and removes the rest. Its room can be written to again where nothing else views it.
  /// Requires `count <= size()`. Throws std::bad_alloc.
  void truncate(std::size_t count);

  /// Removes everything, and what was reserved.
  void clear() noexcept;

  /// Calls `hook`, which may be null and must outlive its use here, as the last act on this buffer of any operation that
  /// removed bytes from it: drop, take, take_all, split, clear, and being moved or appended from; not the destructor.
  void set_drain_hook(BufferDrainHook* hook) noexcept { hook_ = hook; }

  /// A buffer with `count` bytes from `offset` on, sharing the memory; this one stays as it is. O(slices). Requires
  /// `offset + count <= size()`. Throws std::bad_alloc.
  [[nodiscard]] Buffer share(std::size_t offset, std::size_t count) const;
  [[nodiscard]] Buffer share() const { return share(0, size_); }

  /// Makes every block safe to release on another thread, and moves the content into an object that may go there.
  [[nodiscard]] TransferBuffer detach() && noexcept;

  // --- reading ---

  /// Copies up to `to.size()` bytes from `offset` on; returns how many. Requires `offset <= size()`.
  std::size_t copy_to(MutableBytes to, std::size_t offset = 0) const;

  /// The first `count` bytes in one piece; copies them into one block unless they are already. Requires
  /// `count <= size()`. Throws std::bad_alloc.
  Bytes contiguous(std::size_t count);

  /// The first slice's bytes; empty when the buffer is.
  Bytes front() const noexcept { return is_empty() ? Bytes{} : Bytes(queue_.front().data, queue_.front().size); }

  /// All slices in order: `for (const Slice& slice : buffer.slices())`. Copying one shares its memory.
  SliceRange slices() const noexcept { return SliceRange(queue_); }

  /// Describes the first slices for a system call; returns how many entries were filled.
  std::size_t gather(std::span<iovec> entries) const noexcept;

  /// Equal, and ordered, as the bytes are, read as unsigned numbers, however they are cut. A file range is not read: it
  /// equals only the same part of the same file range, and comes after all bytes that are in memory.
  friend bool operator==(const Buffer& left, const Buffer& right) noexcept { return left.equals(right); }
  friend bool operator==(const Buffer& left, Bytes right) noexcept { return left.equals(right); }
  friend bool operator==(const Buffer& left, std::string_view right) noexcept { return left.equals(as_bytes(right)); }
  friend std::strong_ordering operator<=>(const Buffer& left, const Buffer& right) noexcept {
    return left.compare(right.queue_);
  }
  friend std::strong_ordering operator<=>(const Buffer& left, Bytes right) noexcept { return left.compare(right); }
  friend std::strong_ordering operator<=>(const Buffer& left, std::string_view right) noexcept {
    return left.compare(as_bytes(right));
  }

  /// The same for equal content, however it is cut: see ContentHash (weir/buffer/hash.h).
  std::uint64_t hash(std::uint64_t seed = 0) const noexcept;

  /// The first occurrence in the range, its end included. Linear in the bytes searched, plus the needle's length, however
  /// the bytes are cut into slices. An empty needle is found at the range's beginning. Error: errc::not_in_memory, when
  /// nothing was found before a file range.
  Found find(std::byte wanted, SearchRange range = {}) const noexcept;
  Found find(Bytes needle, SearchRange range = {}) const noexcept;
  Found find(std::string_view needle, SearchRange range = {}) const noexcept { return find(as_bytes(needle), range); }
  /// The first byte that is one of `wanted`.
  Found find_any(const ByteSet& wanted, SearchRange range = {}) const noexcept;
  /// The first end of a line: what lies before `*found` is the line.
  Found find_line_end(LineEnd style = LineEnd::crlf, SearchRange range = {}) const noexcept;

  /// The same, beginning where an earlier search for the same thing in this buffer ended; `resume` remembers. It stays
  /// right whatever is done to the buffer in between; with something else or another buffer it begins anew.
  Found find(std::byte wanted, SearchPosition& resume, SearchRange range = {}) noexcept;
  Found find(Bytes needle, SearchPosition& resume, SearchRange range = {}) noexcept;
  Found find(std::string_view needle, SearchPosition& resume, SearchRange range = {}) noexcept {
    return find(as_bytes(needle), resume, range);
  }
  Found find_any(const ByteSet& wanted, SearchPosition& resume, SearchRange range = {}) noexcept;
  Found find_line_end(LineEnd style, SearchPosition& resume, SearchRange range = {}) noexcept;

  Pool& pool() const noexcept;

 private:
  friend class Cursor;
  friend class Draft;
  friend class TransferBuffer;

  // The parts of state_.
  static constexpr std::uint64_t prepared_flag = 1;  ///< the last operation was prepare
  static constexpr std::uint64_t searched_flag = 2;  ///< the count has an origin that no earlier token can match
  static constexpr std::uint64_t consumed_byte = 4;

  bool holds_nothing() const noexcept { return size_ == 0 && block_ == nullptr; }
  std::size_t window_room() const noexcept { return static_cast<std::size_t>(end_ - write_); }

  void append_in_window(Bytes bytes) noexcept {
    copy_bytes(write_, bytes.data(), bytes.size());
    write_ += bytes.size();
    size_ += bytes.size();
    queue_.last()->size += bytes.size();
  }

  /// Consumes a part of the first piece. Requires `count` below its size.
  void advance_front(Piece& front, std::size_t count) noexcept {
    front.data += count;
    front.size -= count;
    size_ -= count;
    count_consumed(count);
  }

  void count_consumed(std::size_t bytes) noexcept { state_ += bytes * consumed_byte; }
  std::uint64_t position() const noexcept { return state_ / consumed_byte; }
  bool is_prepared() const noexcept { return (state_ & prepared_flag) != 0; }
  void end_preparation() noexcept { state_ &= ~prepared_flag; }

  bool try_append_slow(Bytes bytes) noexcept;
  void fill_room(Bytes bytes) noexcept;
  void append_block(BlockHeader* block, Bytes bytes, DeadBlocks& dead) noexcept;
  bool append_blocks(Bytes head, Bytes rest, DeadBlocks& dead) noexcept;
  template <class Container>
  void append_adopted(Container& container);
  bool try_append_piece(const Piece& piece) noexcept;

  /// Takes over the piece's reference. Requires a reserved place, and that the size fits.
  void push_piece(const Piece& piece) noexcept {
    if (continues_last(piece)) {
      queue_.last()->size += piece.size;
      if (piece.owner != nullptr) (void)piece.owner->let_go();  // never the last: the slice before holds the block
    } else {
      queue_.push_reserved(piece);
    }
    size_ += piece.size;
    end_preparation();
    end_ = write_;
  }

  /// True when `piece` can lengthen the last slice.
  bool continues_last(const Piece& piece) const noexcept {
    const Piece* last = queue_.last();
    return last != nullptr && last->owner == piece.owner && last->end() == piece.data;
  }

  /// True when the last slice ends where the next byte is written.
  bool is_attached() const noexcept {
    const Piece* last = queue_.last();
    return last != nullptr && last->end() == write_ && last->owner == block_ && block_ != nullptr;
  }

  std::size_t block_room() const noexcept;
  std::size_t next_block_bytes(std::size_t wanted) const noexcept;
  void open_window() noexcept;
  void grow_into_room(std::size_t count) noexcept;
  void set_window(BlockHeader* block, std::byte* write, DeadBlocks& dead) noexcept;
  void offer_window(BlockHeader* block, std::byte* write, DeadBlocks& dead) noexcept;
  bool make_room(std::size_t count, std::error_code* error) noexcept;

  void steal(Buffer& other) noexcept;
  void remove_all(DeadBlocks& dead) noexcept;
  void remove_front(std::size_t count, DeadBlocks& dead) noexcept;
  Buffer take_part(std::size_t count);
  Buffer split_off(std::size_t count);
  void take_border(const Piece& piece, std::size_t count, Buffer& result) noexcept;
  bool take_few(const SliceQueue::Place& place, std::size_t offset, Buffer& result) noexcept;
  void drop_slow(std::size_t count);
  void cut_back(std::size_t count, const std::byte* own_from, DeadBlocks& dead);
  void push_shared(const SliceQueue& from, std::size_t offset, std::size_t count);
  void insert_at(std::size_t offset, Buffer&& bytes);
  void destroy() noexcept;
  void tell_hook() noexcept {
    if (hook_ != nullptr) [[unlikely]]
      hook_->drained(*this);
  }
  struct SearchSpace space_from(std::size_t from) const noexcept;
  bool begin_search(std::uint64_t pattern, SearchPosition& resume, SearchRange& range) noexcept;
  template <class Wanted>
  Found find_on(const Wanted& wanted, SearchPosition& resume, SearchRange range) noexcept;
  bool equals(const Buffer& other) const noexcept { return size_ == other.size_ && compare(other.queue_) == 0; }
  bool equals(Bytes bytes) const noexcept { return size_ == bytes.size() && compare(bytes) == 0; }
  std::strong_ordering compare(const SliceQueue& other) const noexcept;
  std::strong_ordering compare(Bytes bytes) const noexcept;

  SliceQueue queue_;
  std::byte* write_ = nullptr;  ///< where the next byte appended by copy goes, in block_
  std::byte* end_ = nullptr;  ///< the end of block_ while the last slice ends at write_; else write_: no small appends
  BlockHeader* block_ = nullptr;  ///< the tail block, of which this buffer holds one reference as its only writer
  std::size_t size_ = 0;          ///< the sum of all slices
  Pool* pool_ = nullptr;          ///< null: the default pool
  BufferDrainHook* hook_ = nullptr;
  std::uint64_t state_ = 0;  ///< bytes consumed, for SearchPosition, above the flags (which sums leave alone)
};
static_assert(sizeof(Buffer) <= 136);

}  // namespace weir
