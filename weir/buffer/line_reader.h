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

/// Finds lines, however the input arrives in pieces: the same input gives the same lines. Nothing is searched twice.
///
///     LineReader reader;                         // ends "\n" and "\r\n", at most 64 KiB
///     for (;;) {
///       Result<std::optional<Buffer>> line = reader.next(input);
///       if (!line) return line.error();
///       if (!*line) break;                       // more input is needed
///       handle(std::move(**line));               // without its end; shares the memory of what arrived
///     }
///
/// Where a line need only be looked at, it can stay where it is; that is the cheapest way to read short ones, as none is
/// cut off the memory that it arrived in:
///
///     while (const Found end = reader.find(input)) {
///       handle(input.contiguous(*end));          // a view, copied only where the line lies in several slices
///       input.drop(end.end());
///     }
///
/// What ends a line is told by its style; a "\r" that belongs to no end is a byte like any other, and so is a NUL. With
/// LineEnd::any no line is empty: what has come of a run, within `longest_frame()`, ends the line at once, and the rest of the run, whenever it
/// comes, is taken off the front of the input by the next search. A last line without an end is not found; it is what is left of
/// the input when that has ended.
///
/// Errors: errc::limit, as soon as the next line is known to have more than `limit` bytes, its end not counted;
///         errc::not_in_memory, when a file range lies before the end of the line. The input stays as it is, and asking
///         again gives the same answer.
class WEIR_API LineReader {
 public:
  static constexpr std::size_t default_limit = std::size_t{64} << 10;

  explicit LineReader(std::size_t limit = default_limit) noexcept : LineReader(LineEnd::crlf, limit) {}
  explicit LineReader(LineEnd style, std::size_t limit = default_limit) noexcept : style_(style), limit_(limit) {}

  LineEnd style() const noexcept { return style_; }
  /// The most bytes of a line.
  std::size_t limit() const noexcept { return limit_; }
  /// The most bytes that a line takes up in the input, its end included. See Framer.
  std::size_t longest_frame() const noexcept;

  /// Takes the next line, and its end, out of `input`; nothing when no end has come yet. Throws std::bad_alloc; the input is
  /// then unchanged.
  Result<std::optional<Buffer>> next(Buffer& input);

  /// The end of the next line, which stays at the front of `input`. Not found when none has come yet; see `error()` then.
  Found find(Buffer& input) noexcept;

 private:
  [[gnu::noinline]] std::size_t ends_in_front(const Buffer& input) const noexcept;
  Found find_behind(Buffer& input, std::size_t skipped) noexcept;
  [[gnu::noinline]] bool is_too_long(const Buffer& input, std::size_t skipped) const;

  LineEnd style_;
  std::size_t limit_;
  SearchPosition position_;
};

}  // namespace weir
