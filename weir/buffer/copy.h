// weir: copies of few bytes without a call; internal.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace weir {

/// memcpy for lengths known only at run time and often very short: both ends of the range are copied in words that may
/// overlap, instead of calling out for a few bytes. From 65 bytes on the call is as fast.
inline void copy_bytes(std::byte* to, const std::byte* from, std::size_t count) noexcept {
  const auto copy_word = [=]<class Word>(std::size_t offset, Word word) {
    std::memcpy(&word, from + offset, sizeof word);
    std::memcpy(to + offset, &word, sizeof word);
  };
  const auto copy_ends = [=]<class Word>(Word word) {
    Word tail;
    std::memcpy(&word, from, sizeof word);
    std::memcpy(&tail, from + count - sizeof tail, sizeof tail);
    std::memcpy(to, &word, sizeof word);
    std::memcpy(to + count - sizeof tail, &tail, sizeof tail);
  };
  using Sixteen [[gnu::vector_size(16)]] = std::uint64_t;  // an array would make the compiler guard the stack
  if (count > 64) {
    std::memcpy(to, from, count);
  } else if (count >= 16) {
    if (count > 32) {
      copy_word(16, Sixteen{});
      copy_word(count - 32, Sixteen{});
    }
    copy_ends(Sixteen{});
  } else if (count >= 8) {
    copy_ends(std::uint64_t{});
  } else if (count >= 4) {
    copy_ends(std::uint32_t{});
  } else if (count >= 2) {
    copy_ends(std::uint16_t{});
  } else if (count == 1) {
    *to = *from;
  }
}

}  // namespace weir
