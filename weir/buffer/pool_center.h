// weir: what the threads of a pool share: slabs, budget, waiters; internal.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <system_error>

#include "weir/base/list.h"
#include "weir/base/result.h"
#include "weir/base/time.h"
#include "weir/buffer/pool.h"
#include "weir/buffer/size_class.h"
#include "weir/buffer/slab.h"
#include "weir/buffer/thread_cache.h"

namespace weir {

/// The slow part of a Pool, behind one lock. The system is asked for memory, and waiters are called, without it.
/// What concerns the budget and the waiters is in pool_budget.cc.
///
/// Invariant: leased_ = live blocks + blocks in caches + credits of caches + reserves <= limit.
/// A `cache` argument is the calling thread's, or null when it has none.
class PoolCenter {
 public:
  PoolCenter(Pool& pool, bool has_slabs) noexcept;
  PoolCenter(const PoolCenter&) = delete;
  PoolCenter& operator=(const PoolCenter&) = delete;
  ~PoolCenter();

  bool has_slabs() const noexcept { return has_slabs_; }

  /// A block with no reference yet, or null with `error` set. May put more blocks of the class into the cache.
  BlockHeader* acquire(std::size_t bytes, ThreadCache* cache, std::error_code& error) noexcept;
  /// The same within what a reserve has set aside, which becomes less by the block's capacity.
  BlockHeader* acquire_reserved(std::size_t bytes, std::size_t& available, std::error_code& error) noexcept;
  void release(BlockHeader* header, ThreadCache* cache) noexcept;

  /// Takes half of each class, or everything while memory is short, from a cache that holds too much.
  void relieve(ThreadCache& cache) noexcept;
  /// Takes everything, the credit too.
  void empty(ThreadCache& cache) noexcept;

  Result<void> preallocate(BlockSupply supply) noexcept;
  std::size_t trim(ThreadCache* cache) noexcept;
  void trim_idle(TimePoint now) noexcept;

  /// Leases up to `bytes` bytes for a reserve; returns how many.
  std::size_t set_aside(std::size_t bytes) noexcept;
  void return_reserve(std::size_t bytes) noexcept;

  PoolStats stats() noexcept;
  bool add_waiter(PoolWaiter& waiter) noexcept;
  void remove_waiter(PoolWaiter& waiter) noexcept;

  void add_cache(ThreadCache& cache) noexcept;
  void remove_cache(ThreadCache& cache) noexcept;
  ThreadCache* first_cache() noexcept;

 private:
  using Lock = std::unique_lock<std::mutex>;

  using SlabList = List<Slab, SlabsWithRoom>;

  /// Slabs with a free block, in the order in which they are used.
  struct SlabsOfClass {
    SlabList preallocated;
    SlabList used;
    SlabList empty;  ///< that emptied last in front
  };

  /// A waiter being called, recorded on the stack of the thread that calls it.
  struct Call : ListHook<> {
    PoolWaiter* waiter = nullptr;
    const void* thread = nullptr;
  };

  /// A block whose capacity is leased already, or null. The lock is not held while the system is asked.
  BlockHeader* obtain(Lock& lock, std::size_t capacity) noexcept;
  BlockHeader* pop_block(std::uint32_t size_class) noexcept;
  void push_block(BlockHeader* header) noexcept;
  void fill_cache(std::uint32_t size_class, ThreadCache& cache) noexcept;
  void take_from(ThreadCache& cache, bool all) noexcept;

  void remove_empty(Slab& slab) noexcept;
  void drop_empty_slabs(std::size_t keep_bytes) noexcept;
  void drop_idle_slabs(TimePoint now, std::size_t most_bytes) noexcept;
  void drop(Slab& slab) noexcept;
  TimePoint next_trim() const noexcept;
  /// The end of every operation: looks at the clock once in a while, and settles.
  void finish(Lock& lock) noexcept;
  /// Does what waits for the end of an operation, most of it when the lock is free.
  void settle(Lock& lock) noexcept;

  bool lease(std::size_t bytes, ThreadCache* cache) noexcept;
  void cancel_lease(std::size_t bytes, ThreadCache* cache) noexcept;
  void size_caches() noexcept;
  void add_leased(std::size_t bytes) noexcept;
  void return_credit(ThreadCache& cache, std::size_t keep) noexcept;
  std::error_code refuse(std::error_code reason) noexcept;
  bool is_short() const noexcept { return was_refused_ || pool_.is_pressed(); }
  void update_marks() noexcept;
  void call_waiters(Lock& lock) noexcept;

  Pool& pool_;
  const bool has_slabs_;
  const std::size_t high_mark_;  ///< pressed from here
  const std::size_t low_mark_;   ///< until below here

  std::mutex mutex_;  ///< guards all below
  std::condition_variable call_ended_;
  std::size_t quantum_ = 0;      ///< bytes leased at a time
  std::size_t cache_bytes_ = 0;  ///< what a thread may cache while memory is not short
  std::size_t cache_count_ = 0;
  std::size_t leased_ = 0;
  std::size_t peak_ = 0;
  std::size_t reserved_ = 0;      ///< leased and held by reserves
  std::size_t obtained_ = 0;      ///< bytes of slabs and single blocks
  std::size_t preallocated_ = 0;  ///< bytes of slabs that stay
  std::size_t empty_bytes_ = 0;   ///< bytes of slabs on empty_slabs_
  std::size_t blocks_out_ = 0;    ///< blocks live or in caches
  std::uint64_t refused_ = 0;
  bool was_refused_ = false;  ///< since memory was last released
  bool owes_call_ = false;    ///< the low mark was crossed, or something released after a refusal
  std::array<SlabsOfClass, size_class_count> slabs_;
  List<Slab, EmptySlabs> empty_slabs_;   ///< of all classes, those emptied first in front
  List<Slab, EmptySlabs> doomed_slabs_;  ///< to be unmapped once the lock is free
  std::uint64_t period_ = 0;  ///< counts spans of time, each at least so long that memory not needed in it goes back
  TimePoint next_period_{};
  bool has_more_to_drop_ = false;            ///< the last look left some of what has been idle for long
  std::uint32_t operations_until_look_ = 1;  ///< at the clock
  List<ThreadCache, CachesOfPool> caches_;
  List<PoolWaiter> waiters_;
  List<Call> calls_;
};

}  // namespace weir
