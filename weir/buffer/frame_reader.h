// weir: messages out of a buffer: up to a delimiter, or behind their length.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <bit>
#include <concepts>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>

#include "weir/base/export.h"
#include "weir/base/result.h"
#include "weir/buffer/buffer.h"
#include "weir/buffer/search.h"
#include "weir/buffer/varint.h"

namespace weir {

/// Whatever cuts frames off the front of a buffer: LineReader, DelimiterReader, LengthReader, and those of a program.
///
/// `next` takes the next frame out of the input; it gives nothing while the frame is not whole, and an error, always the
/// same, once the input cannot be cut any further. As soon as the input has `longest_frame()` bytes it gives one or the
/// other: who lets less than that arrive waits for ever. A frame and what ends it leave the input as one change.
template <class T>
concept Framer = requires(T framer, const T& unchanged, Buffer& input) {
  { framer.next(input) } -> std::same_as<Result<std::optional<Buffer>>>;
  { unchanged.longest_frame() } -> std::convertible_to<std::size_t>;
};

/// Frames that end with a delimiter of one or more bytes, which is taken off.
///
///     DelimiterReader reader("\r\n\r\n");
///     for (;;) {
///       Result<std::optional<Buffer>> frame = reader.next(input);
///       if (!frame) return frame.error();         // errc::limit
///       if (!*frame) break;                       // more input is needed; nothing is searched twice
///       handle(std::move(**frame));               // shares the memory of what arrived
///     }
///
/// The same frames come however the input arrives in pieces.
///
/// Errors: errc::limit, at the latest when `limit` bytes and the delimiter's have come without it, and so for longer frames;
///         errc::not_in_memory, when a file range lies before the delimiter. The input stays as it is, and asking again
///         gives the same answer.
class WEIR_API DelimiterReader {
 public:
  static constexpr std::size_t default_limit = std::size_t{1} << 20;

  /// Requires a delimiter of at least one byte.
  explicit DelimiterReader(std::string delimiter, std::size_t limit = default_limit)
      : delimiter_(std::move(delimiter)),
        limit_(limit) {
    expects(!delimiter_.empty());
  }

  /// The most bytes of a frame.
  std::size_t limit() const noexcept { return limit_; }
  /// The most bytes that a frame takes up in the input, its delimiter included. See Framer.
  std::size_t longest_frame() const noexcept { return limit_ + std::min(delimiter_.size(), unlimited - limit_); }

  /// Takes the next frame and its delimiter out of `input`; nothing while the delimiter has not come. Throws
  /// std::bad_alloc; the input is then unchanged.
  Result<std::optional<Buffer>> next(Buffer& input);

 private:
  std::string delimiter_;
  std::size_t limit_;
  SearchPosition position_;
};

/// How the length of a frame is told in front of it.
struct LengthFormat {
  /// As bytes of the prefix: a varint (weir/buffer/varint.h), of at most ten bytes.
  static constexpr std::size_t varint = 0;

  std::size_t bytes = 4;                     ///< 1 to 8, or `varint`
  std::endian order = std::endian::big;      ///< of a prefix that is no varint
  bool counts_prefix = false;                ///< the length told includes the prefix itself
  std::size_t limit = std::size_t{1} << 20;  ///< bytes of a frame, its prefix not counted

  /// The most bytes that a prefix can take up.
  constexpr std::size_t longest_prefix() const noexcept { return bytes == varint ? longest_varint : bytes; }
};

/// Frames whose length is told before them. The prefix is taken off.
///
///     LengthReader reader({.bytes = 2, .limit = 16_KiB});
///     while (auto frame = reader.next(input)) { if (!*frame) break; handle(std::move(**frame)); }
///
/// Errors: errc::limit for a length above the limit, std::errc::value_too_large for a varint of more than 64 bits,
///         std::errc::bad_message for a length that counts its prefix and is smaller than that, errc::not_in_memory for a
///         length that lies in a file range. The input stays as it is, and asking again gives the same answer: what follows
///         could not be told apart any more.
class WEIR_API LengthReader {
 public:
  /// Requires `format.bytes` of 0 (`varint`) to 8.
  explicit LengthReader(LengthFormat format = {}) noexcept : format_(format) { expects(format.bytes <= 8); }

  const LengthFormat& format() const noexcept { return format_; }
  /// The most bytes of a frame.
  std::size_t limit() const noexcept { return format_.limit; }
  /// The most bytes that a frame takes up in the input, its prefix included. See Framer.
  std::size_t longest_frame() const noexcept {
    return format_.limit + std::min(format_.longest_prefix(), unlimited - format_.limit);
  }

  /// Takes the next frame and its prefix out of `input`; nothing while it is not whole. Throws std::bad_alloc; the input is
  /// then unchanged.
  Result<std::optional<Buffer>> next(Buffer& input) const;

  /// How many bytes the input needs at least before `next` can say more: the prefix, or the whole frame once that is
  /// known. For those who make room or read just as much. Errors: as `next`.
  Result<std::size_t> needed(const Buffer& input) const noexcept;

 private:
  struct Extent {
    std::size_t prefix = 0;  ///< 0: it is not whole yet
    std::size_t payload = 0;
  };

  Result<Extent> extent(const Buffer& input) const noexcept;
  Result<Extent> extent_in_pieces(const Buffer& input) const noexcept;
  Result<Extent> extent_of(std::uint64_t length, std::size_t prefix) const noexcept;

  LengthFormat format_;
};

}  // namespace weir
