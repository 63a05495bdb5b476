// weir: where a search in a buffer ended, and the search itself.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "weir/base/bytes.h"
#include "weir/base/export.h"

namespace weir {

class SliceQueue;

/// Remembers how far a buffer was searched in vain, so that the same bytes are not searched again.
///
///     SearchPosition position;
///     while (!buffer.find("\r\n\r\n", position)) buffer.append(receive());   // each byte is looked at once
///
/// Invariant: says nothing about a buffer or needle other than that of the last search; used there, it starts over.
class SearchPosition {
 public:
  SearchPosition() noexcept = default;

  /// Forgets: the next search begins at the front.
  void reset() noexcept { *this = {}; }

 private:
  friend class Buffer;

  std::uint64_t position_ = 0;  ///< no occurrence begins before this byte, as the buffer counts them
  std::uint64_t needle_ = 0;    ///< hash of the needle; 0: nothing was searched yet
};

/// The offset of the first occurrence of `needle` in the first `within` bytes that begins at `from` or later. Internal.
std::optional<std::size_t> search(const SliceQueue& queue, Bytes needle, std::size_t from, std::size_t within) noexcept;

}  // namespace weir
