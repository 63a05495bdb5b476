// weir: a region of pool memory with a single owner, to be filled and then shared.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <utility>

#include "weir/base/bytes.h"
#include "weir/base/expects.h"
#include "weir/buffer/block_header.h"

namespace weir {

/// Writable memory from a Pool that nothing else views.
///
///     data()                                  data() + capacity()
///     |  dropped  |  bytes(): unread  |  room(): free  |
///
///     Block block = pool.allocate(4096);
///     block.commit(fill(block.room()));
///     buffer.append(std::move(block));        // or: Slice slice = std::move(block).freeze();
///
/// In the words of the usual io_buf: `data()` is its memory, `size()` its length, `read_` its head; pop is `drop`, adjust is
/// `move_to_front`, copy is `assign` (`to.assign(from.bytes())`), clear is `clear`. Each is checked against the capacity.
///
/// Lifetime: the pool must outlive it. A moved-from block is empty, with a capacity of 0.
/// Threads:  may be handed to another thread as it is; memory goes to the cache of the thread that destroys it.
class Block {
 public:
  Block() noexcept = default;
  Block(Block&& other) noexcept
      : header_(std::exchange(other.header_, nullptr)),
        read_(std::exchange(other.read_, 0)),
        write_(std::exchange(other.write_, 0)) {}
  Block& operator=(Block&& other) noexcept {
    Block taken(std::move(other));
    std::swap(header_, taken.header_);
    std::swap(read_, taken.read_);
    std::swap(write_, taken.write_);
    return *this;
  }
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;
  ~Block() { let_go_block(header_); }

  /// False for a default-made or moved-from block.
  explicit operator bool() const noexcept { return header_ != nullptr; }

  std::byte* data() noexcept { return header_ == nullptr ? nullptr : header_->memory; }
  std::size_t capacity() const noexcept { return header_ == nullptr ? 0 : header_->capacity; }

  /// What was committed and not yet dropped.
  Bytes bytes() const noexcept { return header_ == nullptr ? Bytes{} : Bytes(header_->memory + read_, write_ - read_); }
  std::size_t size() const noexcept { return write_ - read_; }
  bool is_empty() const noexcept { return write_ == read_; }

  /// The free part behind the unread bytes.
  MutableBytes room() noexcept {
    return header_ == nullptr ? MutableBytes{} : MutableBytes(header_->memory + write_, header_->capacity - write_);
  }

  /// Makes the first `count` bytes of `room()` readable. Requires that there are so many.
  void commit(std::size_t count) {
    expects(count <= capacity() - write_);
    write_ += count;
  }

  /// Copies `bytes` into the room. Requires that they fit.
  void append(Bytes bytes) {
    expects(bytes.size() <= capacity() - write_);
    if (!bytes.empty()) std::memcpy(header_->memory + write_, bytes.data(), bytes.size());
    write_ += bytes.size();
  }

  /// Replaces what is unread by a copy of `bytes`, at the beginning. Requires that they fit; they may lie in this block.
  void assign(Bytes bytes) {
    expects(bytes.size() <= capacity());
    if (!bytes.empty()) std::memmove(header_->memory, bytes.data(), bytes.size());
    read_ = 0;
    write_ = bytes.size();
  }

  /// Copies the first unread bytes, as many as `to` takes; returns how many. They stay unread.
  std::size_t copy_to(MutableBytes to) const noexcept {
    const std::size_t count = std::min(to.size(), size());
    if (count != 0) std::memcpy(to.data(), header_->memory + read_, count);
    return count;
  }

  /// Removes the first `count` unread bytes. Requires that there are so many.
  void drop(std::size_t count) {
    expects(count <= size());
    read_ += count;
    if (read_ == write_) clear();
  }

  /// Moves the unread bytes to the beginning, so that all free memory is room. Copies `size()` bytes.
  void move_to_front() noexcept {
    if (read_ == 0) return;
    std::memmove(header_->memory, header_->memory + read_, size());
    write_ = size();
    read_ = 0;
  }

  /// Forgets the unread bytes; the memory stays.
  void clear() noexcept { read_ = write_ = 0; }

  /// The unread bytes as a slice; the memory cannot be written to any more.
  class Slice freeze() && noexcept;

 private:
  friend class Buffer;
  friend class Pool;
  friend class PoolReserve;
  friend class Slice;

  explicit Block(BlockHeader* header) noexcept : header_(header) {}

  BlockHeader* header_ = nullptr;
  std::size_t read_ = 0;
  std::size_t write_ = 0;  ///< read_ <= write_ <= capacity
};

}  // namespace weir
