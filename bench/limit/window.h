// weir: the limit of appending: memcpy into blocks that are hot, and two pointers.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>

#include "bench/measure/data.h"

namespace bench {

/// A ring of blocks, of which one is written to: no allocation, no counting, no order of slices. Holds at most all blocks.
class Window {
 public:
  explicit Window(std::size_t block, std::size_t blocks)
      : memory_(std::string(block * blocks, ' ')),
        block_(block),
        total_(block * blocks) {
    move_to(0);
  }

  void append(std::string_view bytes) noexcept {
    while (bytes.size() > static_cast<std::size_t>(end_ - write_)) {
      const auto room = static_cast<std::size_t>(end_ - write_);
      copy(bytes.substr(0, room));
      bytes.remove_prefix(room);
      move_to(static_cast<std::size_t>(end_ - memory_.data()) % total_);
    }
    copy(bytes);
  }
  void drop(std::size_t count) noexcept { size_ -= count; }
  std::size_t size() const noexcept { return size_; }

  /// For messages of a size that the compiler knows: only the stores.
  template <std::size_t Size>
  void append_fixed(const char* bytes) noexcept {
    if (Size > static_cast<std::size_t>(end_ - write_))
      move_to(static_cast<std::size_t>(end_ - memory_.data()) % total_);
    std::memcpy(write_, bytes, Size);
    write_ += Size;
    size_ += Size;
  }

 private:
  void copy(std::string_view bytes) noexcept {
    std::memcpy(write_, bytes.data(), bytes.size());
    write_ += bytes.size();
    size_ += bytes.size();
  }
  void move_to(std::size_t offset) noexcept {
    write_ = memory_.data() + offset;
    end_ = write_ + block_;
  }

  Text memory_;
  std::size_t block_;
  std::size_t total_;
  char* write_ = nullptr;
  char* end_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace bench
