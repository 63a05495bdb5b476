// weir: finds blocks that are released twice, in the wrong pool, or written to after their release; internal.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "weir/base/expects.h"
#include "weir/buffer/block_header.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace weir {

// --- in debug builds: what is checked at each release and each new use ---

#ifdef NDEBUG
inline constexpr bool are_blocks_guarded = false;
#else
inline constexpr bool are_blocks_guarded = true;
#endif

/// Free blocks are filled with it, so that who reads after the release sees nonsense, and who writes is found out.
inline constexpr std::byte freed_pattern{0xDD};
/// Of larger blocks only so many bytes are filled: enough to be touched by most mistakes, few enough not to slow tests down.
inline constexpr std::size_t most_guarded_bytes = std::size_t{64} << 10;

// Their names are what the message says before the process ends.
inline void no_release_of_null(const BlockHeader* header) { expects(header != nullptr); }
inline void no_release_into_a_foreign_pool(const BlockHeader& header, const Pool& pool) {
  expects(header.pool == &pool);
}
inline void no_double_release(const BlockHeader& header) { expects(header.use == BlockUse::live); }
inline void no_write_after_release(const BlockHeader& header) {
  const std::size_t filled = std::min(header.capacity, most_guarded_bytes);
  expects(header.memory[0] == freed_pattern && std::memcmp(header.memory, header.memory + 1, filled - 1) == 0);
}

/// A block with two slices or more is counted by the thread that made the second: no other may touch the count, unless the
/// buffer was detached. One with a single slice may go to another thread as it is, for whoever moved it must have synchronised.
inline void no_use_by_two_threads(BlockHeader& header, const void* thread) {
  if (header.is_shared_between_threads || header.use != BlockUse::live) return;
  expects(header.owner == nullptr || header.owner == thread || header.count.load(std::memory_order_relaxed) < 2);
  header.owner = thread;
}

// --- under GCC's AddressSanitizer: free memory of slabs must not be touched at all ---

#if defined(__SANITIZE_ADDRESS__)
inline void forbid_access(const std::byte* memory, std::size_t bytes) { __asan_poison_memory_region(memory, bytes); }
inline void allow_access(const std::byte* memory, std::size_t bytes) { __asan_unpoison_memory_region(memory, bytes); }
#else
inline void forbid_access(const std::byte*, std::size_t) {}
inline void allow_access(const std::byte*, std::size_t) {}
#endif

/// A block of a pool comes into use. Nothing in a release build.
inline void guard_acquired(BlockHeader& header) {
  allow_access(header.memory, header.capacity);
  if constexpr (are_blocks_guarded) {
    if (header.use == BlockUse::free) no_write_after_release(header);
    header.use = BlockUse::live;
    header.owner = nullptr;
  }
}

/// A block is released into a pool. Nothing in a release build.
inline void guard_released(BlockHeader* header, const Pool& pool) {
  if constexpr (are_blocks_guarded) {
    no_release_of_null(header);
    no_release_into_a_foreign_pool(*header, pool);
    no_double_release(*header);
    header->use = BlockUse::free;
  }
  if (header->kind == BlockKind::single) return;  // goes back to the allocator, which has checks of its own
  if constexpr (are_blocks_guarded) {
    std::memset(header->memory, static_cast<int>(freed_pattern), std::min(header->capacity, most_guarded_bytes));
  }
  forbid_access(header->memory, header->capacity);
}

}  // namespace weir
