// weir: blocks of memory in size classes, within a budget, cached by each thread.
// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "weir/base/error.h"
#include "weir/base/export.h"
#include "weir/base/list.h"
#include "weir/base/result.h"
#include "weir/base/time.h"
#include "weir/buffer/block.h"

namespace weir {

class Pool;
class PoolCenter;
class ThreadCache;

/// Told once when a pool that was short of memory has some again. See Pool::add_waiter.
class PoolWaiter : private ListHook<> {
 public:
  /// Called on whatever thread released memory, possibly deep inside an operation on a buffer: set a flag, wake a loop,
  /// no more. The waiter is no longer registered then, and may register again from here.
  virtual void memory_released() noexcept = 0;

 protected:
  PoolWaiter() noexcept = default;
  ~PoolWaiter() = default;

 private:
  friend class
      PoolCenter;  // hazard: PL13 by construction: what the pool reaches into names it as a friend, or is public
  template <class T, class Tag>
  friend class List;
};

/// What a pool holds. Exact while no other thread uses the pool, else a moment's view.
struct PoolStats {
  std::size_t limit = 0;         ///< bytes that may be in use at a time
  std::size_t in_use = 0;        ///< bytes of live blocks, by capacity; never above `limit`
  std::size_t peak = 0;          ///< the most that was ever leased: bytes in use, in reserve, and cached by threads
  std::size_t cached = 0;        ///< bytes of free blocks that threads keep, part of `idle`
  std::size_t reserved = 0;      ///< bytes of the budget that reserves hold
  std::size_t idle = 0;          ///< bytes obtained from the system and not in use
  std::size_t preallocated = 0;  ///< bytes obtained from the system that stay, in use or idle
  std::size_t blocks = 0;        ///< live blocks
  std::uint64_t refused = 0;  ///< allocations that the budget or the system refused, also where a reserve then helped
};

/// Where a pool gets the memory of its blocks: huge pages, say, those of one NUMA node, or memory that a device knows.
///
///     class HugePages final : public weir::MemorySource { … };
///     HugePages pages;                                   // must outlive the pool
///     weir::Pool pool({.memory = &pages});
///
/// Headers, and what else a pool needs, come from `operator new` all the same. Both are called on whatever thread uses the
/// pool, several at once; never while it holds a lock. They must not use the pool.
class MemorySource {
 public:
  /// `bytes` bytes, a multiple of 4096, aligned to 4096; null when there are none: the pool then says
  /// std::errc::not_enough_memory. The contents do not matter.
  virtual void* obtain(std::size_t bytes) noexcept = 0;
  /// Takes back what `obtain(bytes)` returned, whole.
  virtual void give_back(void* memory, std::size_t bytes) noexcept = 0;

 protected:
  MemorySource() noexcept = default;
  ~MemorySource() = default;
};

/// So many blocks of a size, obtained before they are needed. See Pool::preallocate.
struct BlockSupply {
  std::size_t block_bytes = std::size_t{64} << 10;  ///< at most 8 MiB
  std::size_t count = 0;
};

struct PoolOptions {
  /// Bytes of blocks that may be in use at a time. 0: half of the machine's memory.
  std::size_t limit = 0;
  /// Blocks to have ready from the start, of one size; `Pool::preallocate` takes further sizes.
  BlockSupply preallocate = {};
  /// Where memory comes from; null: mmap(2). It must outlive the pool.
  MemorySource* memory = nullptr;
  /// Blocks in slabs, cached by threads; or every block straight from the system's allocator, so that a sanitizer sees
  /// each one. Default: caches, except in sanitizer builds.
#ifdef WEIR_SANITIZED
  bool cached = false;
#else
  bool cached = true;
#endif
};

/// Hands out blocks: four sizes per doubling from 512 B to 8 MiB, so that at most a fifth of a block of a KiB or more is
/// beyond what was asked for; larger requests are mapped one by one. Every block of 4 KiB or more begins at a page border;
/// those of 5, 6, 7, 10 and 14 KiB occupy whole pages for it. The limit is one of capacities: resident memory may be up to
/// 1.6 times that in a program that holds nothing but blocks of 5 KiB, and 1.15 times with blocks of 512 B, whose headers count
/// as little. Adopted, foreign and static memory, and the nodes of slices, are the program's own and not in the budget.
///
///     thread caches            each thread's own: no lock and no atomic read-modify-write on the way in or out
///        |  batches
///     center                   one lock: slabs with free blocks, the budget, the waiters
///        |  whole slabs
///     the system
///
/// The budget is leased by threads in quanta (256 KiB, less in pools below 16 MiB) that cover their live and cached
/// blocks, so that `in_use` never exceeds the limit, and one thread alone can use all of it, to the byte. From 75 % of the
/// budget leased until it is under 70 % the pool is pressed: caches are bypassed, so that every byte released counts. What
/// other threads have cached and leased stays theirs until they use the pool, flush their caches or end; the more threads
/// there are, the less each may keep: together about half of the budget with a hundred of them.
///
/// Memory goes back to the system by slabs (256 KiB, or one block if that is more) of which no block is in use or cached:
/// at once what exceeds 64 MiB or an eighth of the limit; after one to two seconds in which nothing needed it, at the next
/// operations that reach the center; and whenever `trim` asks. A slab with one block in use stays, and so does what was
/// preallocated. Blocks beyond 8 MiB go back as they are released.
///
/// Lifetime: a pool must outlive its blocks (checked) and its use by any thread. The default pool is never destroyed.
/// Threads:  any.
/// Errors:   errc::budget when the limit would be passed, std::errc::not_enough_memory when the system has no more.
class WEIR_API Pool {
 public:
  /// Throws std::bad_alloc, also when there is no memory for what is to be preallocated.
  explicit Pool(PoolOptions options = {});
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  ~Pool();

  /// The pool of buffers for which no other is named. It outlives threads and static objects.
  static Pool& default_pool() noexcept;

  /// A block of at least `bytes` bytes (and of at least 512). Throws std::bad_alloc.
  Block allocate(std::size_t bytes) {
    BlockHeader* header = acquire(bytes);
    if (header == nullptr) throw_bad_alloc();
    return Block(header);
  }
  Result<Block> try_allocate(std::size_t bytes) noexcept;

  std::size_t limit() const noexcept { return limit_; }
  PoolStats stats() const noexcept;

  /// True from 75 % of the budget leased until it falls under 70 %. One relaxed load.
  bool is_pressed() const noexcept { return is_pressed_.load(std::memory_order_relaxed); }

  /// Registers `waiter`, to be told once when the pool is no longer pressed, or, if an allocation was refused since the
  /// last release, when anything is released. Returns false, and registers nothing, when the pool is not short of
  /// memory at all: what the caller saw before is over and it may go on. Requires that it is not registered.
  [[nodiscard]] bool add_waiter(PoolWaiter& waiter) noexcept;

  /// Unregisters `waiter`, if it is registered. After this returns it is not being called either, except by the calling
  /// thread itself: the caller must not hold a lock that `memory_released` takes.
  void remove_waiter(PoolWaiter& waiter) noexcept;

  /// Obtains memory for `supply.count` more blocks of a size, touched, so that their first use costs no page fault. It
  /// serves that size before other memory does, and stays until the pool ends. Blocks not in use take no budget.
  /// Does nothing in a pool without caches. Requires `supply.block_bytes` of at most 8 MiB.
  /// Errors: errc::budget when all that is preallocated would pass the limit, std::errc::not_enough_memory; nothing is kept then.
  Result<void> preallocate(BlockSupply supply) noexcept;

  /// Gives the calling thread's cached blocks and lease back to the center. For threads about to be idle for long.
  void flush_thread_cache() noexcept;

  /// Gives back to the system all that can go now, with the calling thread's cache, but not what is preallocated or cached
  /// by other threads. Returns how many bytes went. The next burst pays for it by mapping them again.
  std::size_t trim() noexcept;

  /// Gives back what was idle for a second, at most 4 MiB at a time, which takes some 0.2 ms; for a loop to call in each
  /// turn, with its own time. One relaxed load before `next_trim()`.
  void trim_idle(TimePoint now) noexcept {
    if (now >= next_trim()) [[unlikely]]
      trim_idle_slow(now);
  }
  /// From when on it is worth to call `trim_idle`: a loop that would wait past it may wake then. TimePoint::max() when
  /// nothing is idle. In the past when there is more to give back now, and when nobody looked for long: then what is idle
  /// goes at the second look, a second later.
  TimePoint next_trim() const noexcept { return next_trim_.load(std::memory_order_relaxed); }

  /// Internal: a header with a count of 1, or null with `error` set (if given).
  BlockHeader* acquire(std::size_t bytes, std::error_code* error = nullptr) noexcept;
  /// Internal: takes back a block of this pool whose last reference is gone.
  void release(BlockHeader* header) noexcept;
  /// Internal: what `PoolOptions::memory` was.
  MemorySource* memory_source() const noexcept { return memory_; }
  /// Internal: a number no other call of any pool gets.
  std::uint64_t unique_number() noexcept;

 private:
  friend class PoolCenter;
  friend class PoolReserve;

  Pool(PoolOptions options, void* place_of_center) noexcept;

  BlockHeader* acquire_slow(std::size_t bytes, std::error_code* error) noexcept;
  BlockHeader* acquire_reserved(std::size_t bytes, std::size_t& available, std::error_code& error) noexcept;
  void release_slow(BlockHeader* header) noexcept;
  void trim_idle_slow(TimePoint now) noexcept;
  ThreadCache* thread_cache() noexcept;

  std::size_t limit_;
  std::uint64_t id_;  ///< never used again by another pool, unlike its address
  std::atomic<bool> is_pressed_{false};
  std::atomic<std::size_t> cache_limit_{0};  ///< bytes each thread may cache; 0 while memory is short
  std::atomic<TimePoint> next_trim_{TimePoint::max()};
  std::atomic<std::uint64_t> numbers_{0};
  MemorySource* memory_;
  std::unique_ptr<PoolCenter> center_;  // the last, for it gives memory back as it ends
};

}  // namespace weir
