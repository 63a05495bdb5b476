// weir: the block that a loop receives into, stream after stream.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

#include "weir/base/bytes.h"
#include "weir/base/export.h"
#include "weir/buffer/block_header.h"
#include "weir/buffer/slice.h"

namespace weir {

class Pool;

/// One large block that is reused for as long as nobody keeps what was received.
///
///     MutableBytes room = block.room();                  // empty: no memory, try later
///     const std::size_t count = receive(room);
///     input.append_reserved(block.take(count));          // or copy what is small, and take nothing
///
///     memory   |  taken before, some of it held  |  room()  |
///
/// It rewinds to its beginning when no slice of it is held any more, and is replaced by a fresh block when slices are
/// held and less than a quarter of the capacity (at most 16 KiB) remains.
///
/// Lifetime: the pool must outlive it. Slices may outlive it.
/// Threads:  one thread; slices reach others only through a TransferBuffer.
class WEIR_API ReceiveBlock {
 public:
  static constexpr std::size_t default_capacity = std::size_t{64} << 10;

  explicit ReceiveBlock(Pool& pool, std::size_t capacity = default_capacity) noexcept;
  ReceiveBlock(const ReceiveBlock&) = delete;
  ReceiveBlock& operator=(const ReceiveBlock&) = delete;
  ~ReceiveBlock() { release(); }

  /// Where the next receive may write; what an earlier one left there untaken is overwritten. Empty when no memory can
  /// be had: the pool's budget is spent and the block is full of held slices.
  MutableBytes room() noexcept;

  /// Shares the first `count` bytes of the last `room()` and moves past them. Requires that it was so large.
  Slice take(std::size_t count) noexcept;

  /// Gives the block back, or leaves it to the slices that hold it; the next `room()` takes a fresh one.
  void release() noexcept;

 private:
  Pool* pool_;
  std::size_t capacity_;
  BlockHeader* header_ = nullptr;
  std::size_t used_ = 0;  ///< bytes at the beginning that slices may view
};

}  // namespace weir
