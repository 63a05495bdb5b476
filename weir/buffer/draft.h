// weir: bytes that are written to a buffer in two phases: staged, then committed at once or not at all.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "weir/base/bytes.h"
#include "weir/base/export.h"
#include "weir/buffer/buffer.h"

namespace weir {

/// A write to a buffer that its readers see only when it is complete.
///
///     Draft draft = buffer.draft();
///     MutableBytes header = draft.allocate(4);               // filled in later: its address stays
///     encode_body(draft);
///     store_big_endian(header, checked_u32(draft.size() - 4));
///     draft.commit();                                        // or nothing: the destructor takes all of it back
///
/// What is staged may come from anywhere: memory to write to, copies, slices, buffers, parts of files, foreign and adopted
/// memory.
///
///     buffer   | readable content |                 commit() puts all of it here, O(1)
///     draft                         allocate | slice | insert(mark, …) | allocate
///
/// The draft takes over the room behind the buffer's content, so that small messages are written in place and need no new
/// slice; what is appended to the buffer meanwhile goes before the draft, and so does a second draft that commits first. A second
/// draft writes behind what was appended since, or in a block of its own.
///
/// Invariant: nothing staged is readable. Memory that came by reference goes back to whom it came from, never to the pool.
/// Lifetime:  the buffer must outlive the draft and stay where it is. Addresses from `allocate` are valid until `commit`,
///            `rollback` or a `truncate` that drops them.
/// Threads:   the buffer's.
/// Errors:    what needs memory and gets none throws std::bad_alloc and changes nothing.
class WEIR_API Draft {
 public:
  /// A place in one draft. It stays between the same bytes, whatever is inserted elsewhere, until they are dropped, committed
  /// or moved to another draft; `truncate(0)` and `rollback` end all of them. One that was only default-made, or that is of another draft, is nowhere here.
  class Mark {
   public:
    Mark() noexcept = default;

   private:
    friend class Draft;

    std::size_t position_ = 0;
    std::size_t changes_ = 0;    ///< how many the draft had seen when the mark was made
    std::uint64_t filling_ = 0;  ///< which filling of which draft it is of; 0: none
  };

  explicit Draft(Buffer& target) noexcept;
  Draft(const Draft&) = delete;
  Draft& operator=(const Draft&) = delete;
  ~Draft();

  /// Bytes staged.
  std::size_t size() const noexcept { return staged_.size(); }
  bool is_empty() const noexcept { return staged_.is_empty(); }
  Pool& pool() const noexcept { return staged_.pool(); }

  /// `count` contiguous bytes, staged, with contents that are yours to write before `commit`.
  MutableBytes allocate(std::size_t count);
  /// Between 1 and `most` contiguous bytes, staged, or none if `most` is 0: what is left of the present block, or as much of a new one. For system
  /// calls that fill several extents: allocate until there is enough, read, and `truncate` to what came.
  MutableBytes allocate_up_to(std::size_t most);

  /// Stages what Buffer's operations of the same name append.
  void append(Bytes bytes) { staged_.append(bytes); }
  void append(std::string_view text) { staged_.append(text); }
  void append(const char* text) { staged_.append(text); }
  void append(std::string&& text) { staged_.append(std::move(text)); }
  void append(std::vector<std::byte>&& bytes) { staged_.append(std::move(bytes)); }
  void append(const Slice& slice) { staged_.append(slice); }
  void append(Slice&& slice) { staged_.append(std::move(slice)); }
  void append(Buffer&& other) { staged_.append(std::move(other)); }
  void append(Block&& block) { staged_.append(std::move(block)); }
  void append(const FileRange& range) { staged_.append(range); }
  void append(FileRange&& range) { staged_.append(std::move(range)); }
  void append_foreign(Bytes bytes, Callback<void()>&& release) { staged_.append_foreign(bytes, std::move(release)); }
  void append_static(Bytes bytes) { staged_.append_static(bytes); }
  void append_static(std::string_view text) { staged_.append_static(text); }
  void append_pieces(std::span<const Bytes> pieces) { staged_.append_pieces(pieces); }
  void append_varint(std::uint64_t value) { staged_.append_varint(value); }
  [[gnu::format(printf, 2, 3)]] bool append_printf(const char* format, ...);
  [[gnu::format(printf, 2, 0)]] bool append_formatted(const char* format, std::va_list arguments) {
    return staged_.append_formatted(format, arguments);
  }
  template <std::integral T>
  void append_big_endian(T value) {
    staged_.append_big_endian(value);
  }
  template <std::integral T>
  void append_little_endian(T value) {
    staged_.append_little_endian(value);
  }
  /// All that `other`, a draft of whatever buffer, has staged: it stays staged, here. `other` is empty afterwards.
  void append(Draft&& other);

  /// The end of what is staged now.
  Mark mark() noexcept;
  /// Before the last `count` staged bytes. Requires `count <= size()`.
  Mark mark_before_last(std::size_t count);
  /// Stages `bytes` at `mark`: before what stood behind it, and behind what was inserted at the same mark earlier. False,
  /// and `bytes` as it was, when that place is gone (dropped, committed or moved) or was never in this draft. O(slices + changes
  /// since the mark).
  [[nodiscard]] bool insert(const Mark& mark, Buffer&& bytes);
  [[nodiscard]] bool insert(const Mark& mark, Bytes bytes) { return insert_appended(mark, bytes); }
  [[nodiscard]] bool insert(const Mark& mark, std::string_view text) { return insert(mark, as_bytes(text)); }
  [[nodiscard]] bool insert(const Mark& mark, const Slice& slice) { return insert_appended(mark, slice); }
  [[nodiscard]] bool insert(const Mark& mark, Slice&& slice);
  [[nodiscard]] bool insert(const Mark& mark, const FileRange& range) { return insert_appended(mark, range); }

  /// Keeps the first `count` staged bytes, and the room behind them where it can. False, and no change, when there are not
  /// so many. 0 drops all, and leaves the draft usable.
  [[nodiscard]] bool truncate(std::size_t count);
  /// Drops everything, and gives the buffer its room back unless it has another tail by now. The draft is empty, and usable.
  void rollback() noexcept;
  /// Puts everything at the end of the buffer, as that is now. The draft is empty, and usable. O(1).
  void commit();

 private:
  /// What moves marks: bytes put in at a place, or everything behind a place dropped.
  struct Change {
    std::size_t position;
    std::size_t inserted;  ///< 0: dropped
  };

  void begin() noexcept;
  void reserve_change();
  void drop_all(DeadBlocks& dead) noexcept;
  void forget_marks() noexcept;
  bool place_of(const Mark& mark, std::size_t& position) const noexcept;
  void insert_at(std::size_t position, Buffer& bytes);
  template <class Piece>
  bool insert_appended(const Mark& mark, const Piece& piece) {
    std::size_t position = 0;
    if (!place_of(mark, position)) return false;
    reserve_change();
    Buffer bytes(pool());
    bytes.append(piece);
    insert_at(position, bytes);
    return true;
  }

  Buffer& target_;
  Buffer staged_;
  BlockHeader* window_ = nullptr;      ///< the block that was the buffer's tail, of which this holds a reference
  std::byte* window_start_ = nullptr;  ///< where the buffer would have written on
  std::vector<Change> changes_;
  std::uint64_t filling_ = 0;  ///< of what is staged, from its first mark on; a number that no other filling ever has
};

}  // namespace weir
