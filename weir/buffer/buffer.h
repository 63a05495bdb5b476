// weir: an ordered sequence of slices with one writable tail.
// SPDX-License-Identifier: MIT
#pragma once

#include <compare>
#include <concepts>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
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
#include "weir/buffer/buffer_observer.h"
#include "weir/buffer/copy.h"
#include "weir/buffer/search.h"
#include "weir/buffer/slice.h"
#include "weir/buffer/slice_queue.h"
#include "weir/buffer/slice_range.h"
#include "weir/buffer/varint.h"

struct iovec;

namespace weir {

class Buffer;
class Draft;
class FileRange;
struct LengthFormat;
class Pool;
class TransferBuffer;

/// How much memory a buffer keeps alive, in bytes of whole blocks, adopted and foreign memory included; not the nodes that hold
/// its own slices, 24 to 50 bytes each.
struct BufferMemory {
  std::size_t pinned = 0;  ///< all of it, whoever else views it; a block that is met again behind others counts again
  std::size_t fair_share =
      0;  ///< each block divided by its references: shares of all who view it add up, but for rounding
};

/// A sequence of bytes that is appended to at one end and consumed at the other, without copying what can be shared.
///
///     buffer.append("GET / HTTP/1.1\r\n");        // small: copied into the buffer's own block
///     buffer.append(std::move(body));             // a buffer, slice, string, vector: by reference
///     Buffer head = buffer.take(16);              // shares the memory
///
///      slices: three inside the object, else in a list of nodes of twenty
///     +--------------------+--------------------+--------------------+
///     | data  size  owner  | data  size  owner  | data  size  owner  |      owner: the block's header, which counts who holds
///     +--|-----------------+--|-----------------+--|-----------------+      it; null for static memory
///        v                    v                    v      write_     end_
///     [ foreign memory ]   [ room | pool block ] [ tail block | room ]
///
/// A small append writes at write_ and lengthens the last slice; the buffer itself holds the tail block too, as its writer. What
/// is prepended goes into room before the first slice, if nobody else views that block. Sharing copies a slice and counts one
/// more holder. Neighbouring slices of one block merge. A slice may also stand for a part of a file.
///
/// Invariant: no slice is empty. An empty buffer holds no memory, unless `reserve` or `prepare` asked for some.
/// Lifetime:  what a slice views lives as long as any slice of it. Bytes seen through
///            `front()`, `slices()` or `contiguous()` are valid until they are removed, at either end, or copied by
///            `compact`, `writable` or a longer `contiguous`. The range that `slices()` gives, and a `const Slice&` from it,
///            only until the buffer is next changed. Release callbacks of foreign memory run once, as the last act of the
///            operation that lets the memory go, and may use or destroy this buffer.
/// Threads:   this buffer, and every slice and buffer that shares a block with it, belong to one thread at a time;
///            TransferBuffer crosses.
/// Errors:    what needs memory and gets none throws std::bad_alloc and changes nothing, its argument included; the
///            `try_` forms and `reserve` return the failure instead. So does what would pass `max_size`.
class WEIR_API Buffer {
 public:
  /// The most bytes a buffer can hold, by reference or otherwise.
  static constexpr std::size_t max_size = std::numeric_limits<std::size_t>::max() / 2;

  /// A buffer that takes its blocks from the default pool. Nothing is allocated.
  Buffer() noexcept {}  // not defaulted: `Buffer()` and `emplace()` would first clear the slices inside
  explicit Buffer(Pool& pool) noexcept : pool_(&pool) {}
  explicit Buffer(TransferBuffer&& other) noexcept;

  /// Takes content and pool over; `other` is empty and usable afterwards, and keeps its observers.
  Buffer(Buffer&& other) noexcept;

  /// Takes the content over, each keeping its pool and observers. To itself: no effect.
  Buffer& operator=(Buffer&& other) noexcept;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() {
    if (watch_ != 0 || !holds_nothing()) destroy();
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

  /// Copies all pieces, in order, or none: it throws before the first. They may be bytes of this buffer.
  void append_pieces(std::span<const Bytes> pieces);

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

  /// Takes the block over: its unread bytes and, if that is more than the present tail has, its room as the buffer's own. A
  /// block without bytes is let go.
  void append(Block&& block);

  /// A part of a file, by reference: it is not read before somebody needs the bytes. See `materialize`.
  void append(const FileRange& range);
  void append(FileRange&& range);

  /// Memory of the program's, as with Slice::foreign. Up to 512 bytes are copied and released at once.
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

  /// In seven bits a byte: see Varint.
  void append_varint(std::uint64_t value) { append(Varint(value).bytes()); }

  /// As printf(3) would write it, without the NUL. `weir/buffer/format.h` does the same with fmt. False, and nothing
  /// appended, when it cannot be converted: wide characters may be, and a result beyond INT_MAX. Throws std::bad_alloc.
  [[gnu::format(printf, 2, 3)]] bool append_printf(const char* format, ...);
  [[gnu::format(printf, 2, 0)]] bool append_formatted(const char* format, std::va_list arguments);

  /// A write that readers see only when it is complete: see Draft (weir/buffer/draft.h).
  [[nodiscard]] Draft draft();

  // --- adding in front ---

  /// Copies `bytes` before the content: into free memory just before the first slice, if nobody else views that block,
  /// else to the end of a new block, so that what is put before it next finds room. `bytes` may be part of this buffer.
  void prepend(Bytes bytes);
  void prepend(std::string_view text) { prepend(as_bytes(text)); }
  void prepend(const char* text) { prepend(std::string_view(text)); }

  /// Shares the slice's memory; a small slice is copied instead where there is room for it.
  void prepend(const Slice& slice) { prepend(Slice(slice)); }
  void prepend(Slice&& slice);

  /// Moves all of `other`, which is empty afterwards, before the content. O(1). To itself: no effect.
  void prepend(Buffer&& other);

  template <std::integral T>
  void prepend_big_endian(T value) {
    value = to_order(value, std::endian::big);
    prepend(std::as_bytes(std::span(&value, 1)));
  }
  template <std::integral T>
  void prepend_little_endian(T value) {
    value = to_order(value, std::endian::little);
    prepend(std::as_bytes(std::span(&value, 1)));
  }

  // --- adding in two steps, and with certainty; Draft does it for several pieces ---

  /// At least `count` contiguous bytes to write to behind the content. Valid until the next operation on the buffer;
  /// `commit` makes the first of them readable. Throws std::bad_alloc.
  MutableBytes prepare(std::size_t count);

  /// Requires that nothing was added, removed or reserved since `prepare`, and that it gave at least `count` bytes. `commit(0)` adds nothing, and an empty
  /// buffer then holds no memory.
  void commit(std::size_t count);

  /// Makes the next `count` bytes that are appended by copy certain, in however many appends, as long as nothing else
  /// is done. Errors: errc::budget, std::errc::not_enough_memory; the buffer is then unchanged.
  Result<void> reserve(std::size_t count) noexcept;
  /// Takes over the room of a block without bytes, unless the present tail has as much: memory that was set aside, by a
  /// PoolReserve say, for what must be appended though the pool has none. A block of the same pool.
  void reserve(Block&& room) noexcept;

  /// Makes one `append_reserved` certain, as long as nothing else is done to the buffer.
  Result<void> reserve_slice() noexcept;

  /// Appends without allocating, by reference or, where `append(Slice)` would, by copy. Requires that the last operation was a successful `reserve_slice`; `slice`
  /// may be empty.
  void append_reserved(Slice slice) noexcept;

  // --- removing ---

  /// The first `count` bytes, as a buffer of the same pool. Shares all but a short piece cut off a large block, which
  /// is copied so as not to hold that block. Requires `count <= size()`.
  [[nodiscard]] Buffer take(std::size_t count) {
    expects(count <= size_);
    Buffer taken;
    take_to(taken, count, 0);
    return taken;
  }
  [[nodiscard]] Buffer take_all() noexcept { return Buffer(std::move(*this)); }
  /// Takes the first `count` bytes and removes the `dropped` bytes behind them, as one change: a line, say, and its end.
  /// Requires `count + dropped <= size()`.
  [[nodiscard]] Buffer take_and_drop(std::size_t count, std::size_t dropped) {
    expects(count <= size_ && dropped <= size_ - count);
    Buffer taken;
    take_to(taken, count, dropped);
    return taken;
  }

  /// Keeps the first `count` bytes and returns the rest. Requires `count <= size()`.
  [[nodiscard]] Buffer split(std::size_t count) {
    expects(count <= size_);
    expects(count != 0 || is_empty() || !is_back_frozen());
    return count == 0 ? take_all() : split_off(count);
  }

  /// Removes the first `count` bytes. Requires `count <= size()`.
  void drop(std::size_t count) {
    if (count < size_ && watch_ == 0) [[likely]] {
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

  // --- sharing and handing over ---

  /// A buffer with `count` bytes from `offset` on, sharing the memory; this one stays as it is. O(slices). Requires
  /// `offset + count <= size()`. Throws std::bad_alloc.
  [[nodiscard]] Buffer share(std::size_t offset, std::size_t count) const;
  [[nodiscard]] Buffer share() const { return share(0, size_); }

  /// Makes every block safe to release on another thread, and moves the content into an object that may go there; the room
  /// behind the content is given up. Requires that the front is not frozen. O(slices).
  [[nodiscard]] TransferBuffer detach() && noexcept;

  // --- following and freezing ---

  /// Tells `observer` of every change from now on. Requires that it follows no buffer.
  void add_observer(BufferObserver& observer, ObserverTiming timing = ObserverTiming::immediate);
  /// No effect when `observer` follows no buffer. Requires that it does not follow another one.
  void remove_observer(BufferObserver& observer);

  /// While the front is frozen, nothing may be removed from it nor put before it; while the back is, nothing may be added
  /// there nor cut off: doing so is a programmer error. `truncate` and `split` cut at the back. `clear` and a move from the buffer
  /// take all of it at the front, so that only that must not be frozen; a move to it changes both ends. Freezing costs nothing while it is not in use, and turns every
  /// operation at that end to its slow path while it is.
  void freeze_front() noexcept { watch_ |= front_frozen; }
  void freeze_back() noexcept;
  void unfreeze_front() noexcept { watch_ &= ~front_frozen; }
  void unfreeze_back() noexcept;
  bool is_front_frozen() const noexcept { return (watch_ & front_frozen) != 0; }
  bool is_back_frozen() const noexcept { return (watch_ & back_frozen) != 0; }

  // --- memory ---

  /// What the content keeps alive. O(slices); loads every block's header.
  BufferMemory memory() const noexcept;

  /// Copies what keeps much more memory alive than it is long into memory of its own size, so that afterwards the content
  /// pins at most four times its bytes, and a few hundred bytes, each block counted once. Memory that others view too counts
  /// as if they did not.
  /// Throws std::bad_alloc. Invalidates views; O(bytes copied + slices).
  void compact();

  /// The first `count` bytes in one piece that nobody else views, to be changed in place; copied if they are not so yet.
  /// Valid until the next operation on the buffer. Requires `count <= size()`. Throws std::bad_alloc.
  MutableBytes writable(std::size_t count);

  // --- reading ---

  // What reads sees the bytes before the first file range: it gives fewer than asked for, or none, when there is one in
  // the way. A search looks from where it is told to, and stops at a file range that lies in what it searches. What moves and cuts takes file ranges along as it does memory, and reads none of them.

  /// Copies up to `to.size()` bytes from `offset` on; returns how many. Requires `offset <= size()`.
  std::size_t copy_to(MutableBytes to, std::size_t offset = 0) const;

  /// The first `count` bytes in one piece; copies them into one block unless they are already, which invalidates views of
  /// them. Nothing when one of them is not in memory. Requires `count <= size()`. Throws std::bad_alloc.
  Bytes contiguous(std::size_t count);

  /// The first slice's bytes; empty when the buffer is.
  Bytes front() const noexcept {
    if (is_empty() || !is_in_memory(queue_.front())) return {};
    return {queue_.front().data, queue_.front().size};
  }

  /// All slices in order: `for (const Slice& slice : buffer.slices())`. Copying one shares its memory.
  SliceRange slices() const noexcept { return SliceRange(queue_); }

  /// Describes up to `count` bytes from `offset` on for a system call; returns how many entries were filled. It ends early
  /// where the entries are used up, and before a file range. Requires `offset <= size()`.
  std::size_t gather(std::span<iovec> entries, std::size_t offset = 0, std::size_t count = unlimited) const;
  /// How many entries `gather` fills when it has enough. O(slices).
  std::size_t count_entries(std::size_t offset = 0, std::size_t count = unlimited) const;

  /// How many slices the content has. O(slices / 20).
  std::size_t slice_count() const noexcept { return queue_.count(); }

  /// How many bytes lie before the first file range: all, when there is none. O(slices).
  std::size_t memory_size() const noexcept;

  /// The file range that the content begins with, if it does.
  std::optional<FileRange> front_file() const noexcept;

  /// Reads what of the first `count` bytes is a file's into memory, which may wait for the disk. Requires
  /// `count <= size()`. Errors: errc::file_too_short when the file ends before the range; those of pread(2); those of
  /// `reserve`. The content is the same bytes then, and what was read before the error is in memory.
  Result<void> materialize(std::size_t count);

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
  friend class BufferDelivery;
  friend class BufferWatcher;
  friend Result<void> append_frame(Buffer& output, Buffer&& payload, const LengthFormat& format);
  friend class ChangeScope;
  friend class Cursor;
  friend class DelimiterReader;
  friend class Draft;
  friend class LengthReader;
  friend class LineReader;
  friend class ReadRoom;
  friend class TransferBuffer;

  // The flags of watch_.
  static constexpr std::uintptr_t front_frozen = 1;
  static constexpr std::uintptr_t back_frozen = 2;
  static constexpr std::uintptr_t all_flags = front_frozen | back_frozen;

  // The parts of state_.
  static constexpr std::uint64_t prepared_flag = 1;  ///< the last operation was prepare
  static constexpr std::uint64_t searched_flag = 2;  ///< the count has an origin that no earlier token can match
  static constexpr std::uint64_t slices_step = 4;    ///< how often slices were replaced by others, modulo 64
  static constexpr std::uint64_t consumed_byte = 256;

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

  /// Other bytes may come where some were: gives the front a number that no token and no cursor knows.
  void forget_searches() noexcept { state_ = (state_ & ~searched_flag) + (consumed_byte << 40); }
  /// The same bytes are in other slices: tokens hold, cursors do not.
  void count_new_slices() noexcept {
    constexpr std::uint64_t mask = consumed_byte - slices_step;
    state_ = (state_ & ~mask) | ((state_ + slices_step) & mask);
  }
  /// Also ends a preparation: whatever takes bytes out may use up the place that it had reserved.
  void count_consumed(std::size_t bytes) noexcept { state_ = (state_ & ~prepared_flag) + bytes * consumed_byte; }
  std::uint64_t position() const noexcept { return state_ / consumed_byte; }
  bool is_prepared() const noexcept { return (state_ & prepared_flag) != 0; }
  void end_preparation() noexcept { state_ &= ~prepared_flag; }

  bool try_append_slow(Bytes bytes) noexcept;
  bool append_first(Bytes bytes) noexcept;
  bool append_copy(Bytes bytes, DeadBlocks& dead) noexcept;
  void fill_room(Bytes bytes) noexcept;
  void append_block(BlockHeader* block, Bytes bytes, DeadBlocks& dead) noexcept;
  bool append_blocks(Bytes head, Bytes rest, DeadBlocks& dead) noexcept;
  template <class Container>
  void append_adopted(Container& container);
  bool try_append_piece(const Piece& piece) noexcept;
  std::error_code append_read(const Piece& file, std::size_t count) noexcept;

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
    close_window();
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

  /// True when nobody but this buffer views the piece's block, and no other piece of its own does.
  bool is_sole_view(const Piece& piece) const noexcept {
    if (piece.owner == nullptr || piece.owner->pool == nullptr ||
        !piece.owner->has_references(piece.owner == block_ ? 2 : 1))
      return false;
    return true;
  }

  template <class Visit>
  void visit_range(std::size_t offset, std::size_t count, Visit visit) const;
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
  void take_to(Buffer& taken, std::size_t count, std::size_t dropped, std::size_t skipped = 0);
  void take_part(Buffer& taken, std::size_t count);
  Buffer split_off(std::size_t count);
  void take_border(const Piece& piece, std::size_t count, Buffer& result) noexcept;
  bool take_few(const SliceQueue::Place& place, std::size_t offset, Buffer& result) noexcept;
  void drop_slow(std::size_t count);
  void cut_back(std::size_t count, const std::byte* own_from, DeadBlocks& dead);
  void push_shared_piece(const Piece& piece);
  void push_shared(const SliceQueue& from, std::size_t offset, std::size_t count);
  template <class MustCopy>
  void push_compacted(const SliceQueue& from, std::size_t to_copy, MustCopy must_copy);
  void insert_at(std::size_t offset, Buffer& bytes, DeadBlocks& dead);
  void destroy() noexcept;
  void close_window() noexcept { end_ = write_; }

  std::size_t headroom() const noexcept;
  void lower_front(std::size_t count) noexcept;
  void grown_in_front(std::size_t count) noexcept;
  bool put_in_front(Bytes bytes) noexcept;
  void append_framed(Bytes prefix, Buffer&& payload);
  void splice_back(Buffer& other, DeadBlocks& dead);
  std::byte* join_front(std::size_t count);

  BufferWatcher* first_watcher() const noexcept { return reinterpret_cast<BufferWatcher*>(watch_ & ~all_flags); }
  void set_first_watcher(BufferWatcher* watcher) noexcept {
    watch_ = (watch_ & all_flags) | reinterpret_cast<std::uintptr_t>(watcher);
  }
  void leave_watchers() noexcept;
  /// Tells the observers, as the last act on this buffer: it may be gone afterwards. The size has changed already.
  void tell_changed(std::size_t added, std::size_t removed) noexcept {
    if (watch_ > all_flags) [[unlikely]]
      tell_slow(added, removed);
  }
  void tell_slow(std::size_t added, std::size_t removed) noexcept;
  /// The same for both buffers of a move, whichever observer destroys whichever of them.
  static void tell_moved(Buffer& from, Buffer& to, std::size_t moved, std::size_t removed = 0) noexcept {
    tell_both(from, moved, to, moved, removed);
  }
  static void tell_both(Buffer& from, std::size_t taken, Buffer& to, std::size_t added, std::size_t removed) noexcept {
    if (from.watch_ > all_flags || to.watch_ > all_flags) [[unlikely]]
      tell_both_slow(from, taken, to, added, removed);
  }
  static void tell_both_slow(Buffer& from, std::size_t taken, Buffer& to, std::size_t added,
                             std::size_t removed) noexcept;
  struct SearchSpace space_from(std::size_t from) const noexcept;
  std::uint64_t search_origin() noexcept {
    if ((state_ & searched_flag) == 0) [[unlikely]]
      begin_searches();
    return position();
  }
  [[gnu::noinline]] void begin_searches() noexcept;
  [[gnu::noinline]] Found find_line_end_beyond_front(LineEnd style, SearchPosition& resume, SearchRange range) noexcept;
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
  std::uintptr_t watch_ = 0;      ///< the first BufferWatcher, and flags. Not 0: no operation takes a fast path
  std::uint64_t state_ = 0;       ///< bytes consumed, for SearchPosition, above the flags (which sums leave alone)
};
static_assert(sizeof(Buffer) <= 136);

}  // namespace weir
