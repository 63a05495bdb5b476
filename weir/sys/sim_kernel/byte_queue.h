// weir: bytes in a row, for the queues of simulated sockets and pipes.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstring>
#include <span>
#include <vector>

#include "weir/base/bytes.h"

namespace weir::sys {

/// A ring that grows when it has to. Its size is a power of two.
class ByteQueue {
 public:
  std::size_t size() const noexcept { return size_; }
  bool is_empty() const noexcept { return size_ == 0; }

  void append(Bytes bytes) {
    if (bytes.empty()) return;
    if (size_ + bytes.size() > ring_.size()) grow(size_ + bytes.size());
    const std::size_t at = (head_ + size_) & (ring_.size() - 1);
    const std::size_t first = std::min(bytes.size(), ring_.size() - at);
    std::memcpy(ring_.data() + at, bytes.data(), first);
    if (first < bytes.size()) std::memcpy(ring_.data(), bytes.data() + first, bytes.size() - first);
    size_ += bytes.size();
  }

  /// Copies the first bytes, as many as there are and `into` has room for.
  std::size_t copy_to(MutableBytes into) const noexcept {
    const std::size_t count = std::min(into.size(), size_);
    if (count == 0) return 0;
    const std::size_t first = std::min(count, ring_.size() - head_);
    std::memcpy(into.data(), ring_.data() + head_, first);
    if (first < count) std::memcpy(into.data() + first, ring_.data(), count - first);
    return count;
  }

  /// Moves them out.
  std::size_t take(MutableBytes into) noexcept {
    const std::size_t count = copy_to(into);
    drop(count);
    return count;
  }

  void drop(std::size_t count) noexcept {
    size_ -= count;
    head_ = size_ == 0 ? 0 : (head_ + count) & (ring_.size() - 1);
  }

  /// Keeps the first `count` bytes only.
  void truncate(std::size_t count) noexcept { size_ = std::min(size_, count); }

 private:
  void grow(std::size_t least) {
    std::size_t size = std::max<std::size_t>(ring_.size() * 2, 1024);
    while (size < least) size *= 2;
    std::vector<std::byte> larger(size);
    const std::size_t count = size_;
    take({larger.data(), count});
    ring_ = std::move(larger);
    head_ = 0;
    size_ = count;
  }

  std::vector<std::byte> ring_;
  std::size_t head_ = 0;
  std::size_t size_ = 0;
};

}  // namespace weir::sys
