// weir: reads numbers, strings and pieces out of a buffer without consuming it.
// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <cassert>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "weir/base/bytes.h"
#include "weir/base/export.h"
#include "weir/base/result.h"
#include "weir/buffer/buffer.h"
#include "weir/buffer/search.h"
#include "weir/buffer/varint.h"

namespace weir {

/// A place in a buffer, from which to read on. What is read is there whole, or is not read at all: then the answer is none
/// and the cursor stays, so that the same reads may be tried again when more has come.
///
///     Cursor cursor(input);
///     const auto type = cursor.read_big_endian<std::uint16_t>();
///     const auto length = cursor.read_big_endian<std::uint32_t>();
///     if (!length || cursor.left() < *length) return;            // not whole yet: try again with more
///     Buffer body = cursor.read_buffer(*length);                 // shares the memory
///     input.drop(cursor.position());
///
/// To look ahead, peek, or copy the cursor, which is cheap, and read on from the copy.
///
/// A file range is passed by `skip`, `seek` and `read_buffer`; what has to look at its bytes gives none, as if they had not
/// come, until they are materialized.
///
/// Invariant: never reads past the end; `position() + left() == buffer.size()`.
/// Lifetime:  borrows the buffer, which must not be changed meanwhile (checked in debug builds): take a new cursor after
///            that. What was read stays.
/// Cost:      a number that lies in one slice is a comparison and a load; at a border it is put together byte by byte.
class WEIR_API Cursor {
 public:
  explicit Cursor(const Buffer& buffer) noexcept;

  /// Bytes before the cursor.
  std::size_t position() const noexcept { return size_ - left_; }
  /// Bytes behind it.
  std::size_t left() const noexcept { return left_; }
  bool is_at_end() const noexcept { return left_ == 0; }
  /// True when the next byte is a file's.
  bool is_at_file() const noexcept { return run_.empty() && left_ != 0; }
  /// The bytes behind the cursor that lie in the same slice: empty only at the end, or at a file range.
  Bytes run() const noexcept {
    check();
    return run_;
  }

  template <std::integral T>
  std::optional<T> read_big_endian() noexcept {
    return read_in_order<T>(std::endian::big);
  }
  template <std::integral T>
  std::optional<T> read_little_endian() noexcept {
    return read_in_order<T>(std::endian::little);
  }
  std::optional<std::byte> read_byte() noexcept { return read_in_order<std::byte>(std::endian::native); }
  /// An unsigned number of 1 to 8 bytes, such as the 3 of many formats.
  std::optional<std::uint64_t> read_unsigned(std::size_t bytes, std::endian order) noexcept;

  /// What the read of the same name would give; the cursor stays.
  template <std::integral T>
  std::optional<T> peek_big_endian() const noexcept {
    return Cursor(*this).read_big_endian<T>();
  }
  template <std::integral T>
  std::optional<T> peek_little_endian() const noexcept {
    return Cursor(*this).read_little_endian<T>();
  }
  std::optional<std::byte> peek_byte() const noexcept { return Cursor(*this).read_byte(); }
  [[nodiscard]] bool peek(MutableBytes into) const noexcept { return Cursor(*this).read(into); }

  /// A varint; none while it is not whole. Error: std::errc::value_too_large; the cursor stays.
  Result<std::optional<std::uint64_t>> read_varint() noexcept;
  /// The same for a number whose sign was folded (`fold_sign`).
  Result<std::optional<std::int64_t>> read_signed_varint() noexcept;

  /// Copies as much as `into` takes. False, and nothing read, when less is left.
  [[nodiscard]] bool read(MutableBytes into) noexcept;
  /// A string of `count` bytes. Throws std::bad_alloc.
  std::optional<std::string> read_string(std::size_t count);
  /// A string that ends with a NUL within the next `limit` bytes, without that; the cursor goes behind it. None while there
  /// is no NUL. Error: errc::limit, when `limit` bytes have come without one. Throws std::bad_alloc.
  Result<std::optional<std::string>> read_terminated_string(std::size_t limit);
  /// The next `count` bytes, sharing their memory. Requires `count <= left()`. Throws std::bad_alloc.
  [[nodiscard]] Buffer read_buffer(std::size_t count);
  /// The rest of the present slice, at most `count` bytes, sharing its memory. An empty slice at the end, or at a file range.
  [[nodiscard]] Slice read_slice(std::size_t count = unlimited) noexcept;

  /// Goes forward. False, and no step made, when less is left.
  [[nodiscard]] bool skip(std::size_t count) noexcept;
  /// Goes to a position of the buffer, forward from here, or from the front to one that lies before. False, and no step
  /// made, when the buffer ends before it.
  [[nodiscard]] bool seek(std::size_t position) noexcept;

  /// Search as Buffer's operations of the same name do, from the cursor on and with offsets counted from it, so that
  /// `skip(*found)` goes there. What lies before the cursor costs nothing.
  Found find(std::byte wanted, SearchRange range = {}) const noexcept { return find(Bytes(&wanted, 1), range); }
  Found find(Bytes needle, SearchRange range = {}) const noexcept;
  Found find(std::string_view needle, SearchRange range = {}) const noexcept { return find(as_bytes(needle), range); }
  Found find_any(const ByteSet& wanted, SearchRange range = {}) const noexcept;
  Found find_line_end(LineEnd style = LineEnd::crlf, SearchRange range = {}) const noexcept;

 private:
  template <class T>
  std::optional<T> read_in_order(std::endian order) noexcept {
    if constexpr (std::same_as<T, bool>) {  // not every byte is one
      const std::optional<std::uint8_t> byte = read_in_order<std::uint8_t>(order);
      return byte ? std::optional(*byte != 0) : std::nullopt;
    }
    T value;
    if (run_.size() >= sizeof value) [[likely]] {
      check();
      std::memcpy(&value, run_.data(), sizeof value);
      advance_in_run(sizeof value);
    } else if (!read(std::as_writable_bytes(std::span(&value, 1)))) {
      return std::nullopt;
    }
    if constexpr (std::integral<T>) value = to_order(value, order);
    return value;
  }

  void advance_in_run(std::size_t count) noexcept {
    run_ = run_.subspan(count);
    left_ -= count;
    if (run_.empty()) [[unlikely]]
      next_run();
  }
  void next_run() noexcept;
  void enter_piece() noexcept;
  template <class Wanted>
  Found find_ahead(const Wanted& wanted, SearchRange range) const noexcept;
  bool is_unchanged() const noexcept;
  void check() const noexcept { assert(is_unchanged()); }

  const Buffer* buffer_;
  SliceQueue::Iterator piece_;  ///< the one where the cursor stands
  Bytes run_;                   ///< what is left of it, when it is in memory
  std::size_t file_left_ = 0;   ///< how much is left of it, when it is a file's
  std::size_t left_;
  // What the buffer was like.
  std::size_t size_;
  std::uint64_t state_;
  const std::byte* front_;
};

}  // namespace weir
