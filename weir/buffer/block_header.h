// weir: the counted header behind every slice; internal, public only because slices copy inline.
// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cassert>
#include <cstddef>
#include <cstdint>

#include "weir/base/export.h"

namespace weir {

class Pool;
struct Slab;
struct BlockHeader;

/// Ends the process when another thread than before counts a block that is not shared between threads. In debug builds only.
WEIR_API void check_block_owner(BlockHeader& header) noexcept;

/// What a header owns, and so how it ends.
enum class BlockKind : std::uint8_t {
  cached,   ///< a block of a slab, of a size that threads cache
  slab,     ///< a block of a slab, of a larger size
  single,   ///< a block that the pool obtained for itself: beyond the classes, or in a pool without caches
  foreign,  ///< memory of the program with a release callback
  string,   ///< an adopted std::string
  vector,   ///< an adopted std::vector<std::byte>
  tiny,     ///< a few bytes, copied, that lie beside the header
  file,     ///< an open file; it has no memory, and a capacity of 0
};

/// Whether a block of a pool is in use; kept in debug builds only, see block_guard.h.
enum class BlockUse : std::uint8_t {
  fresh,  ///< never was
  live,
  free,
};

/// Counts the slices, and at most one writer, of one region of memory.
///
/// Header and memory are separate, so that memory from 4 KiB on can begin at a page border and iteration over slices
/// never loads a header. One cache line each: headers of blocks on different threads do not disturb each other.
///
/// Threads: the count is plain until `make_shared_between_threads()`. That is called by the only thread that holds
///          references, before it hands any of them over; so whoever sees the block from another thread also sees the
///          flag, and the flag itself needs no atomic.
struct alignas(64) BlockHeader {
  // hazard: CH13 by construction: what a field means stands beside it, and none is used for two things; the meanings that
  // depend on the state (`next`) say so.
  static constexpr std::size_t tiny_bytes = 64;  ///< of the kind `tiny`: with the header, two cache lines in all

  std::atomic<std::size_t> count{0};
  std::byte* memory = nullptr;
  std::size_t capacity = 0;
  Pool* pool = nullptr;         ///< null for memory that came from the program
  BlockHeader* next = nullptr;  ///< on a free list of the pool, or on a DeadBlocks; never both, never while counted
  Slab* slab = nullptr;         ///< of the kinds `cached` and `slab`
  BlockKind kind = BlockKind::single;
  bool is_shared_between_threads = false;
  std::uint8_t size_class = 0;  ///< of the kinds `cached` and `slab`
  BlockUse use = BlockUse::fresh;
  const void* owner = nullptr;  ///< of debug builds: which thread counts the block; null until one does

  std::byte* end() const noexcept { return memory + capacity; }

  void hold() noexcept {
    check_owner();
    if (is_shared_between_threads) [[unlikely]] {
      count.fetch_add(1, std::memory_order_relaxed);
    } else {
      count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    }
  }

  /// True when that was the last reference: the caller must then call `destroy_block`.
  [[nodiscard]] bool let_go() noexcept {
    assert(count.load(std::memory_order_relaxed) != 0);
    check_owner();
    if (is_shared_between_threads) [[unlikely]]
      return let_go_shared();
    const std::size_t left = count.load(std::memory_order_relaxed) - 1;
    count.store(left, std::memory_order_relaxed);
    return left == 0;
  }

  /// True when there are just so many references, the caller's; what other threads did with theirs has then happened before.
  bool has_references(std::size_t expected) const noexcept { return count.load(std::memory_order_acquire) == expected; }
  bool is_unique() const noexcept { return has_references(1); }

  void make_shared_between_threads() noexcept {
    if (!is_shared_between_threads) is_shared_between_threads = true;
  }

 private:
  void check_owner() noexcept {
#ifndef NDEBUG
    check_block_owner(*this);
#endif
  }

  bool let_go_shared() noexcept {
    if (count.fetch_sub(1, std::memory_order_acq_rel) != 1) return false;
    is_shared_between_threads = false;  // nobody else is left to read it
    return true;
  }
};
static_assert(sizeof(BlockHeader) == 64);

/// Gives the memory of a header whose last reference is gone back to whom it came from.
WEIR_API void destroy_block(BlockHeader* header) noexcept;

inline void hold_block(BlockHeader* header) noexcept {
  if (header != nullptr) header->hold();
}

inline void let_go_block(BlockHeader* header) noexcept {
  if (header != nullptr && header->let_go()) destroy_block(header);
}

/// Headers that lost their last reference in an operation which must not yet call out. Declared before anything else in
/// a function, it ends them when all else is done: a release callback then finds every buffer in order, and may destroy
/// any of them.
class DeadBlocks {
 public:
  DeadBlocks() noexcept = default;
  DeadBlocks(const DeadBlocks&) = delete;
  DeadBlocks& operator=(const DeadBlocks&) = delete;
  ~DeadBlocks() {
    while (first_ != nullptr) {
      BlockHeader* header = first_;
      first_ = header->next;
      destroy_block(header);
    }
  }

  /// Gives up one reference; null is static memory.
  void let_go(BlockHeader* header) noexcept {
    if (header == nullptr || !header->let_go()) return;
    header->next = nullptr;
    *last_ = header;
    last_ = &header->next;
  }

 private:
  BlockHeader* first_ = nullptr;
  BlockHeader** last_ = &first_;  ///< released in the order in which they died
};

}  // namespace weir
