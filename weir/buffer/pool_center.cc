// weir: what the threads of a pool share: slabs, budget, waiters.
// SPDX-License-Identifier: MIT
#include "weir/buffer/pool_center.h"

#include <algorithm>

#include "weir/base/expects.h"
#include "weir/buffer/single_block.h"
#include "weir/sys/calls.h"

namespace weir {
namespace {

using namespace weir::literals;

constexpr std::size_t largest_quantum = 256_KiB;
constexpr std::size_t most_cached = 2_MiB;        // of one thread: see docs/buffers.md
constexpr std::size_t most_empty_slabs = 64_MiB;  // kept for the next burst, but at most an eighth of the limit
constexpr std::size_t most_filled = 32_KiB;       // put into a cache beside the block that was asked for
constexpr std::size_t most_filled_blocks = 16;

// Slabs that were empty for a period go back: at an operation of the center, which looks at the clock now and then.
constexpr Duration idle_period = 1s;
constexpr std::uint32_t operations_between_looks = 8;
constexpr std::size_t most_dropped = 1_MiB;  // at one look: unmapping takes about 10 us for 256 KiB of touched pages
constexpr std::size_t most_trimmed = 4_MiB;  // at one call of trim_idle, which a loop makes while others wait for it

/// Of the block that serves a request: its class, or whole pages. Less than `bytes` when no number is large enough.
constexpr std::size_t capacity_of(std::size_t bytes) noexcept {
  if (bytes <= largest_class_bytes) return size_class_bytes(size_class_of(bytes));
  return (bytes - 1) / page_bytes * page_bytes + page_bytes;
}

}  // namespace

PoolCenter::PoolCenter(Pool& pool, bool has_slabs) noexcept
    : pool_(pool),
      has_slabs_(has_slabs),
      high_mark_(pool.limit() - pool.limit() / 4),
      low_mark_(pool.limit() - pool.limit() / 10 * 3) {
  size_caches();
}

/// The more threads, the less each may keep: what idle ones keep can press the pool, and nobody takes it from them.
void PoolCenter::size_caches() noexcept {
  const std::size_t share = pool_.limit() / 16 / std::max<std::size_t>(cache_count_, 1);
  quantum_ = std::min({largest_quantum, pool_.limit() / 64, share});
  cache_bytes_ = std::min({most_cached, pool_.limit() / 32, share});
  pool_.cache_limit_.store(is_short() ? 0 : cache_bytes_, std::memory_order_relaxed);
}

PoolCenter::~PoolCenter() {
  expects(blocks_out_ == 0 && reserved_ == 0 && waiters_.is_empty());
  for (SlabsOfClass& slabs : slabs_) {
    for (SlabList* list : {&slabs.preallocated, &slabs.used, &slabs.empty}) {
      while (Slab* slab = list->pop_front()) {
        slab->ListHook<EmptySlabs>::unlink();
        Slab::destroy(slab);
      }
    }
  }
}

BlockHeader* PoolCenter::acquire(std::size_t bytes, ThreadCache* cache, std::error_code& error) noexcept {
  const std::size_t capacity = capacity_of(bytes);
  Lock lock(mutex_);
  if (capacity > pool_.limit() || capacity < bytes) {  // can never be had: nobody needs to wait for it
    ++refused_;
    error = errc::budget;
    return nullptr;
  }
  if (!lease(capacity, cache)) {
    error = refuse(errc::budget);
    finish(lock);
    return nullptr;
  }
  BlockHeader* header = obtain(lock, capacity);
  if (header == nullptr) {
    cancel_lease(capacity, cache);
    if (owes_call_) call_waiters(lock);  // the lease had crossed the mark, and now it is undone
    error = refuse(std::make_error_code(std::errc::not_enough_memory));
  } else if (cache != nullptr && header->kind == BlockKind::cached && !is_short()) {
    fill_cache(header->size_class, *cache);
  }
  finish(lock);
  return header;
}

BlockHeader* PoolCenter::acquire_reserved(std::size_t bytes, std::size_t& available, std::error_code& error) noexcept {
  const std::size_t capacity = capacity_of(bytes);
  error = errc::budget;
  if (capacity > available || capacity < bytes) return nullptr;
  Lock lock(mutex_);
  BlockHeader* header = obtain(lock, capacity);
  if (header == nullptr) {
    error = std::make_error_code(std::errc::not_enough_memory);
  } else {
    available -= capacity;
    reserved_ -= capacity;  // still leased: now by the block
  }
  finish(lock);
  return header;
}

void PoolCenter::release(BlockHeader* header, ThreadCache* cache) noexcept {
  const std::size_t bytes = header->capacity;
  const bool is_single = header->kind == BlockKind::single;
  if (is_single) destroy_single(header);
  Lock lock(mutex_);
  --blocks_out_;
  if (is_single) {
    obtained_ -= bytes;
  } else {
    push_block(header);
  }
  cancel_lease(bytes, cache);
  owes_call_ |= was_refused_;
  finish(lock);
}

void PoolCenter::relieve(ThreadCache& cache) noexcept {
  Lock lock(mutex_);
  take_from(cache, is_short());
  owes_call_ |= was_refused_;
  finish(lock);
}

void PoolCenter::empty(ThreadCache& cache) noexcept {
  Lock lock(mutex_);
  take_from(cache, true);
  return_credit(cache, 0);
  owes_call_ |= was_refused_;
  finish(lock);
}

// --- blocks ---

BlockHeader* PoolCenter::obtain(Lock& lock, std::size_t capacity) noexcept {
  const bool is_single = !has_slabs_ || capacity > largest_class_bytes;
  BlockHeader* header = is_single ? nullptr : pop_block(size_class_of(capacity));
  if (header == nullptr) {
    lock.unlock();
    Slab* slab = is_single ? nullptr : Slab::create(pool_, size_class_of(capacity), Slab::Pages::untouched);
    if (is_single) header = create_single(pool_, capacity);
    lock.lock();
    if (slab == nullptr && header == nullptr) return nullptr;
    obtained_ += is_single ? capacity : slab->bytes();
    if (obtained_ > pool_.limit()) drop_empty_slabs(0);
    if (slab != nullptr) {
      slabs_[slab->size_class].used.push_front(*slab);
      header = pop_block(slab->size_class);
    }
  }
  ++blocks_out_;
  return header;
}

BlockHeader* PoolCenter::pop_block(std::uint32_t size_class) noexcept {
  SlabsOfClass& slabs = slabs_[size_class];
  Slab* slab = slabs.preallocated.front();
  if (slab == nullptr) slab = slabs.used.front();
  if (slab == nullptr) {
    slab = slabs.empty.front();
    if (slab == nullptr) return nullptr;
    remove_empty(*slab);
    slabs.used.push_front(*slab);
  }
  BlockHeader* header = slab->pop();
  if (slab->free_blocks == 0) slab->ListHook<SlabsWithRoom>::unlink();
  return header;
}

void PoolCenter::push_block(BlockHeader* header) noexcept {
  Slab* slab = header->slab;
  SlabsOfClass& slabs = slabs_[slab->size_class];
  slab->push(header);
  if (slab->free_blocks == 1) (slab->is_preallocated ? slabs.preallocated : slabs.used).push_front(*slab);
  if (!slab->is_empty() || slab->is_preallocated) return;
  slab->ListHook<SlabsWithRoom>::unlink();
  slabs.empty.push_front(*slab);  // that used last is used next, so that those not needed stay empty
  slab->emptied_in = period_;
  empty_slabs_.push_back(*slab);
  empty_bytes_ += slab->bytes();
  drop_empty_slabs(std::min(most_empty_slabs, pool_.limit() / 8));
}

void PoolCenter::remove_empty(Slab& slab) noexcept {
  slab.ListHook<SlabsWithRoom>::unlink();
  slab.ListHook<EmptySlabs>::unlink();
  empty_bytes_ -= slab.bytes();
}

void PoolCenter::fill_cache(std::uint32_t size_class, ThreadCache& cache) noexcept {
  if (size_class >= cached_class_count) return;
  const std::size_t bytes = size_class_bytes(size_class);
  std::size_t wanted = std::min(most_filled_blocks, std::min(most_filled, cache_bytes_ / 4) / bytes);
  for (; wanted != 0 && cache.credit() >= bytes; --wanted) {
    BlockHeader* header = pop_block(size_class);
    if (header == nullptr) return;
    cache.set_credit(cache.credit() - bytes);
    cache.push(header);
    ++blocks_out_;
  }
}

void PoolCenter::take_from(ThreadCache& cache, bool all) noexcept {
  for (std::uint32_t size_class = 0; size_class < cached_class_count; ++size_class) {
    const std::size_t bytes = size_class_bytes(size_class);
    for (BlockHeader* header = cache.detach(size_class, all); header != nullptr;) {
      BlockHeader* next = header->next;
      push_block(header);
      --blocks_out_;
      cache.set_credit(cache.credit() + bytes);
      header = next;
    }
  }
  return_credit(cache, is_short() ? 0 : quantum_);
}

// --- memory from the system and back ---

Result<void> PoolCenter::preallocate(BlockSupply supply) noexcept {
  if (!has_slabs_ || supply.count == 0) return {};
  const std::uint32_t size_class = size_class_of(supply.block_bytes);
  {
    const Lock lock(mutex_);
    const std::size_t left = pool_.limit() - std::min(preallocated_, pool_.limit());
    if (supply.count > left / size_class_bytes(size_class)) return errc::budget;
  }
  List<Slab, EmptySlabs> fresh;  // apart until all are there
  std::size_t blocks = 0;
  while (blocks < supply.count) {
    Slab* slab = Slab::create(pool_, size_class, Slab::Pages::touched);
    if (slab == nullptr) break;
    slab->is_preallocated = true;
    blocks += slab->blocks;
    fresh.push_back(*slab);
  }
  Lock lock(mutex_);
  while (Slab* slab = fresh.pop_front()) {
    if (blocks < supply.count) {
      doomed_slabs_.push_back(*slab);
      continue;
    }
    obtained_ += slab->bytes();
    preallocated_ += slab->bytes();
    slabs_[size_class].preallocated.push_back(*slab);
  }
  finish(lock);
  if (blocks < supply.count) return std::make_error_code(std::errc::not_enough_memory);
  return {};
}

std::size_t PoolCenter::trim(ThreadCache* cache) noexcept {
  Lock lock(mutex_);
  const std::size_t before = obtained_;
  if (cache != nullptr) {
    take_from(*cache, true);
    return_credit(*cache, 0);
    owes_call_ |= was_refused_;
  }
  drop_empty_slabs(0);
  const std::size_t dropped = before - obtained_;
  finish(lock);
  return dropped;
}

void PoolCenter::trim_idle(TimePoint now) noexcept {
  Lock lock(mutex_);
  drop_idle_slabs(now, most_trimmed);
  settle(lock);
}

/// A slab that is still empty two periods after the one that it was emptied in was so for a whole one at least. A load that
/// comes and goes within a period takes the slabs emptied last, so it never finds that they had to be mapped again.
void PoolCenter::drop_idle_slabs(TimePoint now, std::size_t most_bytes) noexcept {
  if (now >= next_period_ || add_saturated(now, idle_period) < next_period_) {  // or the clock is another kernel's now
    ++period_;
    next_period_ = add_saturated(now, idle_period);
  }
  std::size_t dropped = 0;
  Slab* slab = empty_slabs_.front();
  for (; slab != nullptr && slab->emptied_in + 2 <= period_ && dropped < most_bytes; slab = empty_slabs_.front()) {
    dropped += slab->bytes();
    drop(*slab);
  }
  has_more_to_drop_ = slab != nullptr && slab->emptied_in + 2 <= period_;
  operations_until_look_ = has_more_to_drop_ ? 1 : operations_between_looks;
}

void PoolCenter::drop_empty_slabs(std::size_t keep_bytes) noexcept {
  while (empty_bytes_ > keep_bytes) drop(*empty_slabs_.front());
}

void PoolCenter::drop(Slab& slab) noexcept {
  remove_empty(slab);
  obtained_ -= slab.bytes();
  doomed_slabs_.push_back(slab);
}

TimePoint PoolCenter::next_trim() const noexcept {
  if (empty_slabs_.is_empty()) return TimePoint::max();
  return has_more_to_drop_ ? TimePoint::min() : next_period_;
}

void PoolCenter::finish(Lock& lock) noexcept {
  if (!empty_slabs_.is_empty() && --operations_until_look_ == 0) {
    drop_idle_slabs(sys::monotonic_now(), most_dropped);
  }
  settle(lock);
}

void PoolCenter::settle(Lock& lock) noexcept {
  if (owes_call_) call_waiters(lock);
  pool_.next_trim_.store(next_trim(), std::memory_order_relaxed);
  List<Slab, EmptySlabs> doomed;
  doomed.splice_back(doomed_slabs_);
  lock.unlock();
  while (Slab* slab = doomed.pop_front()) Slab::destroy(slab);
}

// --- caches and figures ---

void PoolCenter::add_cache(ThreadCache& cache) noexcept {
  const Lock lock(mutex_);
  caches_.push_back(cache);
  ++cache_count_;
  size_caches();
}

void PoolCenter::remove_cache(ThreadCache& cache) noexcept {
  empty(cache);
  const Lock lock(mutex_);
  cache.ListHook<CachesOfPool>::unlink();
  --cache_count_;
  size_caches();
}

ThreadCache* PoolCenter::first_cache() noexcept {
  const Lock lock(mutex_);
  return caches_.front();
}

PoolStats PoolCenter::stats() noexcept {
  const Lock lock(mutex_);
  PoolStats stats;
  std::size_t unused = reserved_;
  std::size_t cached_blocks = 0;
  caches_.for_each([&](ThreadCache& cache) {
    stats.cached += cache.cached_bytes();
    unused += cache.cached_bytes() + cache.credit();
    cached_blocks += cache.cached_blocks();
  });
  stats.limit = pool_.limit();
  stats.in_use = leased_ - std::min(unused, leased_);
  stats.peak = peak_;
  stats.idle = obtained_ - std::min(stats.in_use, obtained_);
  stats.blocks = blocks_out_ - std::min(cached_blocks, blocks_out_);
  stats.reserved = reserved_;
  stats.preallocated = preallocated_;
  stats.refused = refused_;
  return stats;
}

}  // namespace weir
