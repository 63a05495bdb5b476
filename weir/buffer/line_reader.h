// weir: lines out of a buffer.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <optional>

#include "weir/base/export.h"
#include "weir/base/result.h"
#include "weir/buffer/buffer.h"
#include "weir/buffer/search.h"

namespace weir {

/// Where a line ends.
struct LineExtent {
  std::size_t size = 0;      ///< bytes without the end
  std::size_t end_size = 0;  ///< 1 for "\n", 2 for "\r\n"

  std::size_t total() const noexcept { return size + end_size; }
};

/// A line, with its end still on it.
struct Line {
  Buffer bytes;
  LineExtent extent;
};

/// Finds lines that end in "\n" or "\r\n", however the input arrives in pieces.
///
///     LineReader reader;
///     while (true) {
///       Result<std::optional<Line>> line = reader.next(input);
///       if (!line) return line.error();        // errc::limit
///       if (!*line) break;                     // more input is needed; nothing is searched twice
///       handle(**line);
///     }
///
/// A NUL, and a "\r" that no "\n" follows, are bytes like any other.
///
/// Errors: errc::limit, as soon as the next line is known to have more than `limit` bytes, its end not counted; the
///         input stays as it is, and asking again gives the same answer.
class WEIR_API LineReader {
 public:
  static constexpr std::size_t default_limit = std::size_t{64} << 10;

  explicit LineReader(std::size_t limit = default_limit) noexcept : limit_(limit) {}

  std::size_t limit() const noexcept { return limit_; }

  /// Takes the next line out of `input`; nothing when no end of line has come yet. Throws std::bad_alloc.
  Result<std::optional<Line>> next(Buffer& input);

  /// The extent of the next line, which stays at the front of `input`: look at it there, then `input.drop(total())`.
  Result<std::optional<LineExtent>> find(Buffer& input) noexcept;

 private:
  std::size_t limit_;
  SearchPosition position_;
};

}  // namespace weir
