// weir: the sizes in which the pool hands out memory; internal.
// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace weir {

inline constexpr std::size_t smallest_class_bytes = 512;
inline constexpr std::size_t largest_class_bytes = std::size_t{8} << 20;
inline constexpr std::size_t page_bytes = 4096;

/// The smallest class that holds `bytes`: four to a doubling, so 512, 640, 768, 896, 1024, 1280 …
/// Requires `bytes <= largest_class_bytes`.
constexpr std::uint32_t size_class_of(std::size_t bytes) noexcept {
  if (bytes <= smallest_class_bytes) return 0;
  const std::size_t last = bytes - 1;
  const auto doubling = static_cast<std::uint32_t>(std::bit_width(last)) - 1;  // 9 from 512 to 1023
  const auto quarter = static_cast<std::uint32_t>(last >> (doubling - 2)) & 3;
  return (doubling - 9) * 4 + quarter + 1;
}

constexpr std::size_t size_class_bytes(std::uint32_t size_class) noexcept {
  if (size_class == 0) return smallest_class_bytes;
  const std::uint32_t step = size_class - 1;
  const std::size_t base = smallest_class_bytes << (step / 4);
  return base + base / 4 * (step % 4 + 1);
}

inline constexpr std::uint32_t size_class_count = size_class_of(largest_class_bytes) + 1;

/// How far apart the blocks of a class lie in a slab: whole pages from one page on, so that every such block begins at a
/// page border. It costs blocks of 5, 6, 7, 10 and 14 KiB the rest of their last page.
constexpr std::size_t size_class_stride(std::uint32_t size_class) noexcept {
  const std::size_t bytes = size_class_bytes(size_class);
  return bytes < page_bytes ? bytes : (bytes + page_bytes - 1) / page_bytes * page_bytes;
}

/// Blocks up to this size are cached by threads; a larger one costs so much to fill that the lock does not show.
inline constexpr std::size_t largest_cached_bytes = std::size_t{256} << 10;
inline constexpr std::uint32_t cached_class_count = size_class_of(largest_cached_bytes) + 1;

static_assert(size_class_bytes(size_class_count - 1) == largest_class_bytes);

}  // namespace weir
