// weir: what the threads of a pool share: slabs, budget, waiters.
// SPDX-License-Identifier: MIT
#include "weir/buffer/pool_center.h"

#include <algorithm>
#include <new>

#include "weir/base/expects.h"
#include "weir/sys/memory.h"

namespace weir {
namespace {

using namespace weir::literals;

constexpr std::size_t largest_quantum = 256_KiB;
constexpr std::size_t most_cached = 1_MiB;        // of one thread: as much as stays warm in a second-level cache
constexpr std::size_t most_empty_slabs = 64_MiB;  // kept for the next burst, but at most an eighth of the limit
constexpr std::size_t most_filled = 32_KiB;       // put into a cache beside the block that was asked for
constexpr std::size_t most_filled_blocks = 16;

/// Tells the calling thread from others.
const void* this_thread() noexcept {
  static thread_local char mark;
  return &mark;
}

std::align_val_t alignment_of(std::size_t capacity) noexcept {
  return std::align_val_t{capacity >= page_bytes ? page_bytes : alignof(BlockHeader)};
}

/// A header and memory of its own: pages beyond the classes, else from the allocator. Null when there is no memory.
BlockHeader* create_single(Pool& pool, std::size_t capacity) noexcept {
  auto* header = new (std::nothrow) BlockHeader;
  if (header == nullptr) return nullptr;
  void* memory = capacity > largest_class_bytes ? sys::map_pages(capacity)
                                                : ::operator new(capacity, alignment_of(capacity), std::nothrow);
  if (memory == nullptr) {
    delete header;
    return nullptr;
  }
  header->memory = static_cast<std::byte*>(memory);
  header->capacity = capacity;
  header->pool = &pool;
  return header;
}

void destroy_single(BlockHeader* header) noexcept {
  if (header->capacity > largest_class_bytes) {
    sys::unmap_pages(header->memory, header->capacity);
  } else {
    ::operator delete(header->memory, alignment_of(header->capacity));
  }
  delete header;
}

}  // namespace

PoolCenter::PoolCenter(Pool& pool, bool has_slabs) noexcept
    : pool_(pool),
      has_slabs_(has_slabs),
      quantum_(std::min(largest_quantum, pool.limit() / 64)),
      cache_bytes_(std::min(most_cached, pool.limit() / 32)),
      high_mark_(pool.limit() - pool.limit() / 4),
      low_mark_(pool.limit() - pool.limit() / 10 * 3) {
  pool_.cache_limit_.store(cache_bytes_, std::memory_order_relaxed);
}

PoolCenter::~PoolCenter() {
  expects(blocks_out_ == 0 && waiters_.is_empty());
  for (List<Slab, SlabsWithRoom>& slabs : slabs_) {
    while (Slab* slab = slabs.pop_front()) {
      slab->ListHook<EmptySlabs>::unlink();
      Slab::destroy(slab);
    }
  }
}

BlockHeader* PoolCenter::acquire(std::size_t bytes, ThreadCache* cache, std::error_code& error) noexcept {
  if (bytes > pool_.limit()) {  // can never be had: nobody needs to wait for it
    const Lock lock(mutex_);
    ++refused_;
    error = errc::budget;
    return nullptr;
  }
  if (has_slabs_ && bytes <= largest_class_bytes) return acquire_from_slab(size_class_of(bytes), cache, error);
  return acquire_single(bytes, cache, error);
}

BlockHeader* PoolCenter::acquire_from_slab(std::uint32_t size_class, ThreadCache* cache,
                                           std::error_code& error) noexcept {
  const std::size_t bytes = size_class_bytes(size_class);
  Lock lock(mutex_);
  if (!lease(bytes, cache)) {
    error = refuse(errc::budget);
    return nullptr;
  }
  BlockHeader* header = pop_block(size_class);
  if (header == nullptr) {
    lock.unlock();
    Slab* fresh = Slab::create(pool_, size_class);
    lock.lock();
    if (fresh == nullptr) {
      error = fail_lease(lock, bytes, cache);
      return nullptr;
    }
    obtained_ += fresh->bytes();
    slabs_[size_class].push_front(*fresh);
    header = pop_block(size_class);
    if (obtained_ > pool_.limit()) trim_empty_slabs(0);
  }
  ++blocks_out_;
  if (cache != nullptr && !is_short()) fill_cache(size_class, *cache);
  finish_release(lock);
  return header;
}

BlockHeader* PoolCenter::acquire_single(std::size_t bytes, ThreadCache* cache, std::error_code& error) noexcept {
  // No overflow: bytes <= limit, and a sum beyond the limit is refused.
  const std::size_t capacity = bytes <= largest_class_bytes ? size_class_bytes(size_class_of(bytes))
                                                            : (bytes - 1) / page_bytes * page_bytes + page_bytes;
  Lock lock(mutex_);
  if (capacity < bytes || !lease(capacity, cache)) {
    error = refuse(errc::budget);
    return nullptr;
  }
  obtained_ += capacity;
  ++blocks_out_;
  if (obtained_ > pool_.limit()) trim_empty_slabs(0);
  finish_release(lock);
  BlockHeader* header = create_single(pool_, capacity);
  if (header != nullptr) return header;
  lock.lock();
  obtained_ -= capacity;
  --blocks_out_;
  error = fail_lease(lock, capacity, cache);
  return nullptr;
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
  finish_release(lock);
}

void PoolCenter::relieve(ThreadCache& cache) noexcept {
  Lock lock(mutex_);
  take_from(cache, is_short());
  owes_call_ |= was_refused_;
  finish_release(lock);
}

void PoolCenter::empty(ThreadCache& cache) noexcept {
  Lock lock(mutex_);
  take_from(cache, true);
  return_credit(cache, 0);
  owes_call_ |= was_refused_;
  finish_release(lock);
}

// --- blocks ---

BlockHeader* PoolCenter::pop_block(std::uint32_t size_class) noexcept {
  Slab* slab = slabs_[size_class].front();
  if (slab == nullptr) return nullptr;
  if (slab->ListHook<EmptySlabs>::is_linked()) {
    slab->ListHook<EmptySlabs>::unlink();
    empty_bytes_ -= slab->bytes();
  }
  BlockHeader* header = slab->pop();
  if (slab->free_blocks == 0) slab->ListHook<SlabsWithRoom>::unlink();
  return header;
}

void PoolCenter::push_block(BlockHeader* header) noexcept {
  Slab* slab = header->slab;
  slab->push(header);
  if (slab->free_blocks == 1 && !slab->is_empty()) slabs_[slab->size_class].push_front(*slab);
  if (!slab->is_empty()) return;
  slab->ListHook<SlabsWithRoom>::unlink();
  slabs_[slab->size_class].push_back(*slab);  // blocks of slabs in use are handed out first
  empty_slabs_.push_back(*slab);
  empty_bytes_ += slab->bytes();
  trim_empty_slabs(std::min(most_empty_slabs, pool_.limit() / 8));
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

void PoolCenter::trim_empty_slabs(std::size_t keep_bytes) noexcept {
  while (empty_bytes_ > keep_bytes) {
    Slab* slab = empty_slabs_.pop_front();
    slab->ListHook<SlabsWithRoom>::unlink();
    empty_bytes_ -= slab->bytes();
    obtained_ -= slab->bytes();
    doomed_slabs_.push_back(*slab);
  }
}

// --- budget ---

bool PoolCenter::lease(std::size_t bytes, ThreadCache* cache) noexcept {
  std::size_t credit = cache == nullptr ? 0 : cache->credit();
  if (credit < bytes && bytes - credit > pool_.limit() - leased_ && cache != nullptr) {
    take_from(*cache, true);  // what this thread has cached may be what is missing
    return_credit(*cache, 0);
    credit = 0;
  }
  if (credit < bytes) {
    const std::size_t missing = bytes - credit;
    const std::size_t free = pool_.limit() - leased_;
    if (missing > free) return false;
    const std::size_t leased = cache == nullptr || is_short() ? missing : std::min(std::max(missing, quantum_), free);
    leased_ += leased;
    peak_ = std::max(peak_, leased_);
    credit += leased;
    update_marks();
  }
  if (cache != nullptr) cache->set_credit(credit - bytes);
  return true;
}

void PoolCenter::cancel_lease(std::size_t bytes, ThreadCache* cache) noexcept {
  if (cache == nullptr) {
    leased_ -= bytes;
    update_marks();
    return;
  }
  cache->set_credit(cache->credit() + bytes);
  return_credit(*cache, is_short() ? 0 : quantum_);
}

std::error_code PoolCenter::fail_lease(Lock& lock, std::size_t bytes, ThreadCache* cache) noexcept {
  cancel_lease(bytes, cache);
  if (owes_call_) call_waiters(lock);  // the lease had crossed the mark, and now it is undone
  return refuse(std::make_error_code(std::errc::not_enough_memory));
}

void PoolCenter::return_credit(ThreadCache& cache, std::size_t keep) noexcept {
  if (cache.credit() <= keep) return;
  leased_ -= cache.credit() - keep;
  cache.set_credit(keep);
  update_marks();
}

std::error_code PoolCenter::refuse(std::error_code reason) noexcept {
  ++refused_;
  was_refused_ = true;
  update_marks();
  return reason;
}

void PoolCenter::update_marks() noexcept {
  const bool was_pressed = pool_.is_pressed();
  const bool is_pressed = leased_ >= (was_pressed ? low_mark_ : high_mark_);
  if (was_pressed != is_pressed) pool_.is_pressed_.store(is_pressed, std::memory_order_relaxed);
  if (was_pressed && !is_pressed) owes_call_ = true;
  pool_.cache_limit_.store(is_short() ? 0 : cache_bytes_, std::memory_order_relaxed);
}

// --- waiters ---

void PoolCenter::finish_release(Lock& lock) noexcept {
  if (owes_call_) call_waiters(lock);
  if (doomed_slabs_.is_empty()) {
    lock.unlock();
    return;
  }
  List<Slab, EmptySlabs> doomed;
  doomed.splice_back(doomed_slabs_);
  lock.unlock();
  while (Slab* slab = doomed.pop_front()) Slab::destroy(slab);
}

void PoolCenter::call_waiters(Lock& lock) noexcept {
  owes_call_ = false;
  was_refused_ = false;
  update_marks();
  List<PoolWaiter> round;  // who registers while it runs waits for the next
  round.splice_back(waiters_);
  while (PoolWaiter* waiter = round.pop_front()) {
    Call call;
    call.waiter = waiter;
    call.thread = this_thread();
    calls_.push_back(call);
    lock.unlock();
    waiter->memory_released();  // may end the waiter
    lock.lock();
    call.unlink();
    call_ended_.notify_all();
  }
}

bool PoolCenter::add_waiter(PoolWaiter& waiter) noexcept {
  const Lock lock(mutex_);
  if (!is_short()) return false;
  waiters_.push_back(waiter);
  return true;
}

void PoolCenter::remove_waiter(PoolWaiter& waiter) noexcept {
  Lock lock(mutex_);
  waiter.unlink();
  const auto is_called_elsewhere = [&] {
    bool found = false;
    calls_.for_each([&](Call& call) { found |= call.waiter == &waiter && call.thread != this_thread(); });
    return found;
  };
  while (is_called_elsewhere()) call_ended_.wait(lock);
}

// --- caches and figures ---

void PoolCenter::add_cache(ThreadCache& cache) noexcept {
  const Lock lock(mutex_);
  caches_.push_back(cache);
}

void PoolCenter::remove_cache(ThreadCache& cache) noexcept {
  empty(cache);
  const Lock lock(mutex_);
  cache.ListHook<CachesOfPool>::unlink();
}

ThreadCache* PoolCenter::first_cache() noexcept {
  const Lock lock(mutex_);
  return caches_.front();
}

PoolStats PoolCenter::stats() noexcept {
  const Lock lock(mutex_);
  std::size_t unused = 0;
  std::size_t cached_blocks = 0;
  caches_.for_each([&](ThreadCache& cache) {
    unused += cache.cached_bytes() + cache.credit();
    cached_blocks += cache.cached_blocks();
  });
  PoolStats stats;
  stats.limit = pool_.limit();
  stats.in_use = leased_ - std::min(unused, leased_);
  stats.peak = peak_;
  stats.idle = obtained_ - std::min(stats.in_use, obtained_);
  stats.blocks = blocks_out_ - std::min(cached_blocks, blocks_out_);
  stats.refused = refused_;
  return stats;
}

}  // namespace weir
