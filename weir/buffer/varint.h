// weir: integers of variable length, seven bits a byte.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "weir/base/bytes.h"

namespace weir {

/// The longest varint: ten bytes of seven bits hold the 64 of the largest number.
inline constexpr std::size_t longest_varint = 10;

/// An unsigned number as a varint, as in Protocol Buffers ("Base 128 Varints"): seven bits a byte, the lowest first; the
/// high bit says that another byte follows.
///
///     300  =  10 0101100b   ─►   0xAC 0x02
class Varint {
 public:
  explicit constexpr Varint(std::uint64_t value) noexcept {
    while (value >= 0x80) {
      bytes_[size_++] = static_cast<std::byte>(value | 0x80);
      value >>= 7;
    }
    bytes_[size_++] = static_cast<std::byte>(value);
  }

  constexpr Bytes bytes() const noexcept { return {bytes_.data(), size_}; }

 private:
  std::array<std::byte, longest_varint> bytes_{};
  std::size_t size_ = 0;
};

/// Folds the sign of a number to its lowest bit, so that numbers near zero are short varints: 0, -1, 1, -2 become
/// 0, 1, 2, 3 ("ZigZag" in Protocol Buffers).
constexpr std::uint64_t fold_sign(std::int64_t value) noexcept {
  return static_cast<std::uint64_t>(value) << 1 ^ static_cast<std::uint64_t>(value >> 63);
}
constexpr std::int64_t unfold_sign(std::uint64_t folded) noexcept {
  return static_cast<std::int64_t>(folded >> 1 ^ (~(folded & 1) + 1));
}

/// What the first bytes of something say about the varint that may begin there.
struct VarintRead {
  enum class State : std::uint8_t { whole, unfinished, too_large };

  State state = State::unfinished;  ///< too_large: more than 64 bits, or more than ten bytes
  std::uint64_t value = 0;
  std::size_t size = 0;  ///< bytes that it takes, when whole

  /// Takes the next byte; `unfinished` means that another one is needed.
  constexpr void add(std::byte byte) noexcept {
    const auto bits = static_cast<std::uint64_t>(byte) & 0x7F;
    const std::size_t shift = 7 * size++;
    if (shift == 63 && bits > 1) state = State::too_large;
    if (state == State::too_large) return;
    value |= bits << shift;
    if ((byte & std::byte{0x80}) == std::byte{0}) {
      state = State::whole;
    } else if (size == longest_varint) {
      state = State::too_large;
    }
  }
};

}  // namespace weir
