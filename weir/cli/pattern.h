// weir: an endless sequence of bytes that load is made of and checked against.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "weir/base/bytes.h"

namespace weir::cli {

/// Pseudo-random bytes that repeat after `period`, a prime: so bytes that are lost, doubled or in the wrong place show,
/// whatever the size of requests and blocks.
class Pattern {
 public:
  static constexpr std::size_t period = 65521;

  Pattern();

  /// The bytes from `position` on: at most `count`, at least one unless `count` is 0. They live as long as the pattern.
  Bytes at(std::uint64_t position, std::size_t count) const noexcept;

  /// True when `bytes` is what the sequence has at `position`.
  bool has(std::uint64_t position, Bytes bytes) const noexcept;

 private:
  std::vector<std::byte> bytes_;  // longer than the period, so that most pieces are in one piece
};

}  // namespace weir::cli
