// weir: views of bytes, sizes, and integers in either byte order.
// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string_view>

#include "weir/base/expects.h"

namespace weir {

using Bytes = std::span<const std::byte>;   ///< bytes to read, borrowed
using MutableBytes = std::span<std::byte>;  ///< bytes to write, borrowed

inline Bytes as_bytes(std::string_view text) { return std::as_bytes(std::span(text.data(), text.size())); }

/// The same bytes as text; no encoding is checked and a NUL is a byte like any other.
inline std::string_view as_text(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

namespace literals {
constexpr std::size_t operator""_KiB(unsigned long long count) { return count << 10; }
constexpr std::size_t operator""_MiB(unsigned long long count) { return count << 20; }
constexpr std::size_t operator""_GiB(unsigned long long count) { return count << 30; }
}  // namespace literals

/// Written out where a bound is meant to be lifted; no bound is lifted by accident.
inline constexpr std::size_t unlimited = std::numeric_limits<std::size_t>::max();

/// Narrows a size for a 32-bit field. Requires that it fits.
constexpr std::uint32_t checked_u32(std::size_t value) {
  expects(value <= std::numeric_limits<std::uint32_t>::max());
  return static_cast<std::uint32_t>(value);
}

template <std::integral T>
constexpr T swap_bytes(T value) {
  if constexpr (sizeof(T) == 1) {
    return value;
  } else if constexpr (sizeof(T) == 2) {
    return static_cast<T>(__builtin_bswap16(static_cast<std::uint16_t>(value)));
  } else if constexpr (sizeof(T) == 4) {
    return static_cast<T>(__builtin_bswap32(static_cast<std::uint32_t>(value)));
  } else {
    static_assert(sizeof(T) == 8);
    return static_cast<T>(__builtin_bswap64(static_cast<std::uint64_t>(value)));
  }
}

template <std::integral T>
constexpr T to_order(T value, std::endian order) {
  return order == std::endian::native ? value : swap_bytes(value);
}

/// Reads an integer of the wire: most significant byte first. Requires at least sizeof(T) bytes.
template <std::integral T>
T load_big_endian(Bytes from) {
  expects(from.size() >= sizeof(T));
  T value;
  std::memcpy(&value, from.data(), sizeof value);
  return to_order(value, std::endian::big);
}

template <std::integral T>
T load_little_endian(Bytes from) {
  expects(from.size() >= sizeof(T));
  T value;
  std::memcpy(&value, from.data(), sizeof value);
  return to_order(value, std::endian::little);
}

/// Writes an integer, most significant byte first. Requires room for sizeof(T) bytes.
template <std::integral T>
void store_big_endian(MutableBytes to, T value) {
  expects(to.size() >= sizeof(T));
  value = to_order(value, std::endian::big);
  std::memcpy(to.data(), &value, sizeof value);
}

template <std::integral T>
void store_little_endian(MutableBytes to, T value) {
  expects(to.size() >= sizeof(T));
  value = to_order(value, std::endian::little);
  std::memcpy(to.data(), &value, sizeof value);
}

}  // namespace weir
