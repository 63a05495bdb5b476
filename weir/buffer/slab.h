// weir: a mapping cut into blocks of one size; internal.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>

#include "weir/base/list.h"
#include "weir/buffer/block_header.h"

namespace weir {

/// About 256 KiB of pages (one block, if that is more), with the headers of its blocks behind it in the heap.
/// Free blocks are used from low addresses on, so that pages never needed are never touched.
struct alignas(64) Slab : ListHook<struct SlabsWithRoom>, ListHook<struct EmptySlabs> {
  enum class Pages { untouched, touched };

  /// Null when there is no memory. Every block is free. Pages once touched cost no fault at their first use.
  static Slab* create(Pool& pool, std::uint32_t size_class, Pages pages) noexcept;

  /// Unmaps the memory. Requires that every block is free and that it is on no list.
  static void destroy(Slab* slab) noexcept;

  bool is_empty() const noexcept { return free_blocks == blocks; }
  std::size_t bytes() const noexcept;  ///< of memory, the ends of pages that no block has included

  /// Requires a free block.
  BlockHeader* pop() noexcept {
    BlockHeader* header = free_list;
    free_list = header->next;
    --free_blocks;
    return header;
  }

  void push(BlockHeader* header) noexcept {
    header->next = free_list;
    free_list = header;
    ++free_blocks;
  }

  std::byte* memory = nullptr;
  BlockHeader* free_list = nullptr;
  std::uint32_t blocks = 0;
  std::uint32_t free_blocks = 0;
  std::uint32_t size_class = 0;
  bool is_preallocated = false;  ///< never unmapped while the pool lives
  std::uint64_t emptied_in = 0;  ///< which of the center's periods, while it is empty
};

}  // namespace weir
