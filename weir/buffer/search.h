// weir: what can be searched for in a buffer, and where it was found.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <system_error>

#include "weir/base/bytes.h"
#include "weir/base/error.h"
#include "weir/base/expects.h"

namespace weir {

/// The outcome of a search: where the first occurrence lies, or that there is none.
///
///     if (const Found end = buffer.find("\r\n\r\n")) head = buffer.take(end.end());
///
/// Errors: the offset of what was not found does not exist, and to ask for it is a programmer error. A search that could
///         not look at everything tells so by `error()`; it is not known then whether there is an occurrence.
class [[nodiscard]] Found {
 public:
  /// Not found.
  constexpr Found() noexcept = default;
  /// Found at `offset`, over `size` bytes. Requires an offset below `unlimited`.
  constexpr Found(std::size_t offset, std::size_t size) noexcept : offset_(offset), size_(size) {}
  /// Not found, and why that is not certain.
  constexpr explicit Found(errc why) noexcept : size_(static_cast<std::size_t>(why)) {}

  constexpr explicit operator bool() const noexcept { return offset_ != unlimited; }

  /// The offset of the first byte of the occurrence.
  constexpr std::size_t operator*() const {
    expects(offset_ != unlimited);
    return offset_;
  }
  /// How many bytes it takes up.
  constexpr std::size_t size() const {
    expects(offset_ != unlimited);
    return size_;
  }
  /// The offset of the first byte behind it.
  constexpr std::size_t end() const { return **this + size_; }

  /// Why nothing was found, if that is not because there is nothing: errc::not_in_memory when a file range was in the way.
  /// Else none.
  std::error_code error() const noexcept {
    if (offset_ != unlimited || size_ == 0) return {};
    return make_error_code(static_cast<errc>(size_));
  }

  /// Equal when it was found at that offset; or, compared with std::nullopt, when it was not found.
  friend constexpr bool operator==(const Found& found, std::optional<std::size_t> offset) noexcept {
    return offset ? found.offset_ == *offset && found : !found;
  }
  friend constexpr bool operator==(const Found&, const Found&) noexcept = default;

 private:
  std::size_t offset_ = unlimited;  ///< unlimited: not found
  std::size_t size_ = 0;            ///< when not found: the errc, or 0
};

/// The part of a buffer that is searched: an occurrence begins at `from` or later, and lies in the first `within` bytes.
struct SearchRange {
  std::size_t from = 0;
  std::size_t within = unlimited;
};

/// A set of bytes, to be searched for: `buffer.find_any(" \t")`.
class ByteSet {
 public:
  constexpr ByteSet() noexcept = default;
  constexpr ByteSet(std::string_view bytes) noexcept {
    for (const char byte : bytes) add(static_cast<std::byte>(byte));
  }
  constexpr ByteSet(const char* bytes) noexcept : ByteSet(std::string_view(bytes)) {}
  constexpr explicit ByteSet(Bytes bytes) noexcept {
    for (const std::byte byte : bytes) add(byte);
  }

  constexpr void add(std::byte byte) noexcept {
    if (has(byte)) return;
    words_[static_cast<std::size_t>(byte) / 64] |= std::uint64_t{1} << static_cast<std::size_t>(byte) % 64;
    if (size_ < first_.size()) first_[size_] = byte;
    ++size_;
  }
  constexpr bool has(std::byte byte) const noexcept {
    return (words_[static_cast<std::size_t>(byte) / 64] >> static_cast<std::size_t>(byte) % 64 & 1) != 0;
  }
  constexpr std::size_t size() const noexcept { return size_; }

  /// A bit for each byte. Internal.
  constexpr const std::array<std::uint64_t, 4>& words() const noexcept { return words_; }
  /// The bytes themselves, if there are few. Internal.
  constexpr Bytes few() const noexcept { return size_ <= first_.size() ? Bytes(first_.data(), size_) : Bytes(); }

  friend constexpr bool operator==(const ByteSet& left, const ByteSet& right) noexcept {
    return left.words_ == right.words_;
  }

 private:
  std::array<std::uint64_t, 4> words_{};
  std::array<std::byte, 4> first_{};  ///< the first that were added
  std::uint32_t size_ = 0;
};

/// What a line ends with.
enum class LineEnd : std::uint8_t {
  crlf,         ///< "\n", together with a "\r" before it if there is one
  crlf_strict,  ///< "\r\n", and nothing shorter
  lf,           ///< "\n"; a "\r" before it belongs to the line
  nul,          ///< "\0"
  any,          ///< any run of "\r" and "\n": as much of it as has come
};

/// Remembers how far a buffer was searched in vain, so that the same bytes are not searched again.
///
///     SearchPosition position;
///     while (!buffer.find("\r\n\r\n", position)) buffer.append(receive());   // each byte is looked at once
///
/// It stays right whatever is done to the buffer between two searches: over drops, appends and splices at the end it goes on,
/// and after anything else (a prepend, truncate, split or `writable`) it begins anew. What was found is found again. It remembers an
/// interval, not a single place: what lies before that, because it was prepended or was not in the range, was never looked at.
///
/// Invariant: says nothing about a buffer, about something to be found or about a beginning of the range other than those
///            of the last search; used there, it starts over.
class SearchPosition {
 public:
  SearchPosition() noexcept = default;

  /// Forgets: the next search begins at the front.
  void reset() noexcept { *this = {}; }

 private:
  friend class Buffer;
  friend class RingBuffer;

  /// Counts of bytes wrap at 2^56: what lies before another lies hugely far behind it.
  static std::uint64_t distance(std::uint64_t from, std::uint64_t to) noexcept { return (to - from) << 8 >> 8; }

  /// Where a search for `pattern` begins that is asked for from offset `from`, at most `size`, in `size` bytes of which the
  /// first has the number `front`.
  std::size_t begin(std::uint64_t pattern, std::uint64_t front, std::size_t from, std::size_t size) noexcept {
    const std::uint64_t first = front + from;
    const std::uint64_t known = distance(first, end_);
    if (pattern_ == pattern && known <= size - from && distance(begin_, first) <= distance(begin_, end_)) {
      return from + known;
    }
    pattern_ = pattern;
    begin_ = first;
    return from;
  }
  void end(std::uint64_t next) noexcept { end_ = next; }

  std::uint64_t pattern_ = 0;  ///< stands for what was searched for; 0: nothing yet
  std::uint64_t begin_ = 0;    ///< no occurrence begins in [begin_, end_), as the buffer numbers its bytes
  std::uint64_t end_ = 0;
};

}  // namespace weir
