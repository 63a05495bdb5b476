// weir: copies of few bytes without a call; internal.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace weir {

/// memcpy for lengths known only at run time and often very short: both ends of the range are copied in words that may
/// overlap, instead of calling out for a few bytes. From 33 bytes on the call is as fast.
inline void copy_bytes(std::byte* to, const std::byte* from, std::size_t count) noexcept {
  const auto copy_ends = [=]<class Word>(Word) {
    Word head, tail;
    std::memcpy(&head, from, sizeof head);
    std::memcpy(&tail, from + count - sizeof tail, sizeof tail);
    std::memcpy(to, &head, sizeof head);
    std::memcpy(to + count - sizeof tail, &tail, sizeof tail);
  };
  struct Sixteen {
    std::uint64_t words[2];
  };
  if (count > 32) {
    std::memcpy(to, from, count);
  } else if (count >= 16) {
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
