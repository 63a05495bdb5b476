// weir: the searches themselves, in a sequence of pieces; internal.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>

#include "weir/base/bytes.h"
#include "weir/buffer/search.h"
#include "weir/buffer/slice_queue.h"

namespace weir {

/// The pieces to be searched.
struct SearchSpace {
  SliceQueue::Iterator piece;  ///< the first
  std::size_t offset = 0;      ///< of its first byte: what lies before was not asked for
  std::size_t size = 0;        ///< the sum of all pieces, and of what lies before the first
};

/// Where a search ended.
struct SearchEnd {
  Found found;
  std::size_t next = 0;  ///< where the search may go on when more has come: no occurrence begins before it
};

/// Each finds the first occurrence in the range. Linear in the bytes searched, plus the needle's length, however the bytes
/// are cut into pieces. Bytes that are not in memory end the search with errc::not_in_memory.
SearchEnd search(const SearchSpace& space, std::byte wanted, SearchRange range) noexcept;
SearchEnd search(const SearchSpace& space, Bytes needle, SearchRange range) noexcept;
SearchEnd search(const SearchSpace& space, const ByteSet& wanted, SearchRange range) noexcept;
SearchEnd search(const SearchSpace& space, LineEnd style, SearchRange range) noexcept;

/// A number that stands for what is searched for; never 0.
std::uint64_t pattern_of(Bytes needle) noexcept;
std::uint64_t pattern_of(const ByteSet& wanted) noexcept;
inline std::uint64_t pattern_of(std::byte wanted) noexcept { return pattern_of(Bytes(&wanted, 1)); }
inline std::uint64_t pattern_of(LineEnd style) noexcept { return 2 + 2 * static_cast<std::uint64_t>(style); }

}  // namespace weir
