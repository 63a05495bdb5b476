// weir: writes numbers and bytes into a given piece of memory, and never past its end.
// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "weir/base/bytes.h"
#include "weir/base/expects.h"
#include "weir/buffer/copy.h"
#include "weir/buffer/varint.h"

namespace weir {

/// A place in memory that was made ready, from which to write on: what Cursor is for reading. What is written fits whole, or
/// nothing of it is written: then the answer is false and the writer stays.
///
///     Writer writer(buffer.prepare(64));              // or a Draft's allocate, or a Block's room
///     if (!writer.write_big_endian(type) || !writer.write_varint(id) || !writer.write(name)) return too_long();
///     buffer.commit(writer.written());
///
/// Lifetime: borrows the memory.
class Writer {
 public:
  explicit Writer(MutableBytes into) noexcept : into_(into) {}

  /// Bytes written so far, and how many more fit.
  std::size_t written() const noexcept { return written_; }
  std::size_t left() const noexcept { return into_.size() - written_; }
  /// What was written; what is still free.
  Bytes bytes() const noexcept { return into_.first(written_); }
  MutableBytes room() const noexcept { return into_.subspan(written_); }

  template <std::integral T>
  [[nodiscard]] bool write_big_endian(T value) noexcept {
    return write_value(to_order(value, std::endian::big));
  }
  template <std::integral T>
  [[nodiscard]] bool write_little_endian(T value) noexcept {
    return write_value(to_order(value, std::endian::little));
  }
  [[nodiscard]] bool write_byte(std::byte byte) noexcept { return write_value(byte); }

  /// The lowest `bytes` bytes of `value`, 1 to 8 of them. Requires that the value fits them.
  [[nodiscard]] bool write_unsigned(std::uint64_t value, std::size_t bytes, std::endian order) noexcept {
    expects(bytes >= 1 && bytes <= 8 && (bytes == 8 || value >> 8 * bytes == 0));
    const std::uint64_t ordered = to_order(value, order);
    const Bytes all = std::as_bytes(std::span(&ordered, 1));
    return write(order == std::endian::big ? all.last(bytes) : all.first(bytes));
  }

  [[nodiscard]] bool write_varint(std::uint64_t value) noexcept { return write(Varint(value).bytes()); }
  /// With its sign folded (`fold_sign`).
  [[nodiscard]] bool write_signed_varint(std::int64_t value) noexcept { return write_varint(fold_sign(value)); }

  [[nodiscard]] bool write(Bytes bytes) noexcept {
    if (bytes.size() > left()) return false;
    copy_bytes(into_.data() + written_, bytes.data(), bytes.size());
    written_ += bytes.size();
    return true;
  }
  [[nodiscard]] bool write(std::string_view text) noexcept { return write(as_bytes(text)); }

  /// Leaves out `count` bytes, to be written later: a length, say. What is in them stays.
  [[nodiscard]] bool skip(std::size_t count) noexcept {
    if (count > left()) return false;
    written_ += count;
    return true;
  }

 private:
  template <class T>
  bool write_value(T value) noexcept {
    return write(std::as_bytes(std::span(&value, 1)));
  }

  MutableBytes into_;
  std::size_t written_ = 0;
};

}  // namespace weir
