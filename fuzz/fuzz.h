// weir: what the fuzz targets share: choices out of a fuzzer's bytes, text cut into slices, and a loud end.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "weir/buffer/buffer.h"
#include "weir/buffer/pool.h"

namespace weir::fuzz {

/// Says on stderr what differed, and aborts: a fuzzer then keeps the input.
[[noreturn]] void give_up(std::string_view what);

inline void require(bool holds, std::string_view what) {
  if (!holds) [[unlikely]]
    give_up(what);
}

/// Gives up, and tells where they part, unless both are the same bytes.
void require_same(std::string_view found, std::string_view expected, std::string_view what);
/// The same for the content of a buffer.
void require_same(const Buffer& found, std::string_view expected, std::string_view what);

/// The bytes of a fuzzer, which decide what a target does. They are taken from the front; at the end all that comes is 0.
class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) noexcept : bytes_(reinterpret_cast<const char*>(data), size) {}

  bool is_empty() const noexcept { return bytes_.empty(); }

  std::uint8_t byte() noexcept {
    if (bytes_.empty()) return 0;
    const auto value = static_cast<std::uint8_t>(bytes_.front());
    bytes_.remove_prefix(1);
    return value;
  }
  bool coin() noexcept { return byte() % 2 != 0; }
  /// A number of as many bytes, at most 8, the lowest first.
  std::uint64_t number(std::size_t bytes = 8) noexcept;
  /// From 0 to `limit` - 1; 0 for a limit of 0. Takes as many bytes as the limit needs, so that small changes stay small.
  std::size_t below(std::size_t limit) noexcept;
  /// A size around which something changes in buffers; mostly small, at most 5000. Takes one byte.
  std::size_t size() noexcept;
  /// `count` bytes that are not alike, whatever is left here. Takes one byte.
  std::string filler(std::size_t count);

  /// The next `count` bytes, or what is left. A view of the fuzzer's memory.
  std::string_view text(std::size_t count) noexcept;
  std::string_view rest() noexcept { return text(bytes_.size()); }
  /// The same as choices of their own.
  Input part(std::size_t count) noexcept { return Input(text(count)); }

 private:
  explicit Input(std::string_view bytes) noexcept : bytes_(bytes) {}

  std::string_view bytes_;
};

/// Cuts text into pieces as a pattern says, which begins anew at its end, and appends them to buffers. Each byte of the
/// pattern tells a size and how the piece comes to be in memory. Without a pattern there is one piece.
class Cutter {
 public:
  explicit Cutter(Input pattern) noexcept : pattern_(pattern), left_(pattern) {}

  /// Takes a piece off `text`, which must outlive the buffer and not be empty, and appends it.
  void append_piece(Buffer& to, std::string_view& text);
  void append_all(Buffer& to, std::string_view text) {
    while (!text.empty()) append_piece(to, text);
  }

 private:
  Input pattern_;
  Input left_;
};

/// A slice that is the text's only one, in memory of exactly its size, so that a sanitizer sees every byte beyond.
Slice slice_of(std::string_view text);
/// A buffer with that slice.
Buffer one_slice(std::string_view text, Pool& pool);

/// Gives up unless the pool has all of its blocks back.
void require_all_released(const Pool& pool);

}  // namespace weir::fuzz
