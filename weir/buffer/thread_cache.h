// weir: the free blocks that one thread keeps of one pool; internal.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "weir/base/list.h"
#include "weir/buffer/block_header.h"
#include "weir/buffer/size_class.h"

namespace weir {

class PoolCenter;

/// Free blocks by class, last in first out, and the thread's part of the budget that no block uses.
///
/// Ownership: made by the thread's first use of the pool; ended by the thread's end or the pool's, whichever is first.
/// Threads:   only its own changes it; others read the counters for statistics, hence the atomics, which are only ever
///            loaded and stored.
class ThreadCache : public ListHook<struct CachesOfPool>, public ListHook<struct CachesOfThread> {
 public:
  ThreadCache(PoolCenter& center, std::uint64_t pool_id) noexcept : center_(&center), pool_id_(pool_id) {}

  /// The calling thread's cache for that pool if it was the last it used; null otherwise.
  static ThreadCache* at_hand(std::uint64_t pool_id) noexcept {
    if (current_.pool_id != pool_id) [[unlikely]]
      return nullptr;
    if (current_.cache == nullptr) __builtin_unreachable();  // no pool has the id 0
    return current_.cache;
  }

  /// The calling thread's cache, made if need be, and from now on at hand. Null when the thread is ending or there is no memory for one.
  static ThreadCache* find_or_create(PoolCenter& center, std::uint64_t pool_id) noexcept;

  /// Ends every cache of a pool. Requires that no thread uses the pool.
  static void destroy_all(PoolCenter& center) noexcept;

  BlockHeader* pop(std::uint32_t size_class) noexcept {
    BlockHeader* header = lists_[size_class];
    if (header == nullptr) return nullptr;
    lists_[size_class] = header->next;
    set_cached(cached() - one_block(header->capacity));
    return header;
  }

  /// Returns how many bytes are cached now.
  std::size_t push(BlockHeader* header) noexcept {
    BlockHeader*& list = lists_[header->size_class];
    header->next = list;
    list = header;
    const std::uint64_t now = cached() + one_block(header->capacity);
    set_cached(now);
    return bytes_of(now);
  }

  /// Takes the older half (rounded up) of a class off the cache, or all of it; linked by `next`, null when none.
  BlockHeader* detach(std::uint32_t size_class, bool all) noexcept;

  std::size_t cached_bytes() const noexcept { return bytes_of(cached()); }
  std::size_t cached_blocks() const noexcept { return cached() / block_unit; }
  std::size_t credit() const noexcept { return credit_.load(std::memory_order_relaxed); }
  void set_credit(std::size_t bytes) noexcept { credit_.store(bytes, std::memory_order_relaxed); }

 private:
  friend class ThreadEnd;

  struct Entry {
    std::uint64_t pool_id = 0;
    ThreadCache* cache = nullptr;
  };

  // Bytes and blocks are counted in one word, so that a pass through the cache changes one word.
  static constexpr std::uint64_t block_unit = std::uint64_t{1} << 40;
  static constexpr std::uint64_t one_block(std::size_t bytes) noexcept { return block_unit + bytes; }
  static constexpr std::size_t bytes_of(std::uint64_t counted) noexcept { return counted % block_unit; }

  std::uint64_t cached() const noexcept { return cached_.load(std::memory_order_relaxed); }
  void set_cached(std::uint64_t counted) noexcept { cached_.store(counted, std::memory_order_relaxed); }

  // The initial-exec model spares a call per access in the shared library; the few bytes fit glibc's static reserve.
  [[gnu::tls_model("initial-exec")]] static constinit thread_local Entry current_;
  [[gnu::tls_model("initial-exec")]] static constinit thread_local std::array<Entry, 8> recent_;

  PoolCenter* center_;
  std::uint64_t pool_id_;
  std::atomic<std::uint64_t> cached_{0};
  std::atomic<std::size_t> credit_{0};  ///< leased bytes that neither a live nor a cached block uses
  std::array<BlockHeader*, cached_class_count> lists_{};
};

}  // namespace weir
