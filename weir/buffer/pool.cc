// weir: blocks of memory in size classes, within a budget, cached by each thread.
// SPDX-License-Identifier: MIT
#include "weir/buffer/pool.h"

#include <new>

#include "weir/base/error.h"
#include "weir/base/expects.h"
#include "weir/buffer/block_guard.h"
#include "weir/buffer/owned_header.h"
#include "weir/buffer/pool_center.h"
#include "weir/buffer/size_class.h"
#include "weir/buffer/thread_cache.h"
#include "weir/sys/memory.h"

namespace weir {
namespace {

constinit std::atomic<std::uint64_t> last_pool_id{0};

/// Changes every bit with every other: neighbouring numbers end up far apart. One to one.
constexpr std::uint64_t scatter(std::uint64_t number) noexcept {
  number = (number ^ (number >> 30)) * 0xBF58476D1CE4E5B9;
  number = (number ^ (number >> 27)) * 0x94D049BB133111EB;
  return number ^ (number >> 31);
}

/// A header as it leaves the pool; null stays null.
BlockHeader* come_into_use(BlockHeader* header) noexcept {
  if (header == nullptr) return nullptr;
  guard_acquired(*header);
  header->count.store(1, std::memory_order_relaxed);
  return header;
}

void* allocate_center() {
  void* place = ::operator new(sizeof(PoolCenter), std::nothrow);
  if (place == nullptr) throw_bad_alloc();
  return place;
}

}  // namespace

Pool::Pool(PoolOptions options) : Pool(options, allocate_center()) {
  if (!preallocate(options.preallocate)) throw_bad_alloc();
}

Pool::Pool(PoolOptions options, void* place_of_center) noexcept
    : limit_(options.limit != 0 ? options.limit : sys::physical_memory_bytes() / 2),
      id_(last_pool_id.fetch_add(1, std::memory_order_relaxed) + 1),
      memory_(options.memory),
      center_(::new (place_of_center) PoolCenter(*this, options.cached)) {}

Pool::~Pool() { ThreadCache::destroy_all(*center_); }

Pool& Pool::default_pool() noexcept {
  // Never destroyed: static objects may hold blocks. Not on the heap: its first use needs no memory that may be lacking.
  alignas(Pool) static std::byte place[sizeof(Pool)];
  alignas(PoolCenter) static std::byte place_of_center[sizeof(PoolCenter)];
  static Pool* const pool = ::new (static_cast<void*>(place)) Pool({}, place_of_center);
  return *pool;
}

Result<Block> Pool::try_allocate(std::size_t bytes) noexcept {
  std::error_code error;
  BlockHeader* header = acquire(bytes, &error);
  if (header == nullptr) return error;
  return Block(header);
}

BlockHeader* Pool::acquire(std::size_t bytes, std::error_code* error) noexcept {
  if (bytes <= largest_cached_bytes) [[likely]] {
    ThreadCache* cache = ThreadCache::at_hand(id_);
    BlockHeader* header = cache == nullptr ? nullptr : cache->pop(size_class_of(bytes));
    if (header != nullptr) [[likely]]
      return come_into_use(header);
  }
  return acquire_slow(bytes, error);
}

BlockHeader* Pool::acquire_slow(std::size_t bytes, std::error_code* error) noexcept {
  std::error_code ignored;
  return come_into_use(center_->acquire(bytes, thread_cache(), error == nullptr ? ignored : *error));
}

BlockHeader* Pool::acquire_reserved(std::size_t bytes, std::size_t& available, std::error_code& error) noexcept {
  return come_into_use(center_->acquire_reserved(bytes, available, error));
}

void Pool::release(BlockHeader* header) noexcept {
  guard_released(header, *this);
  ThreadCache* cache = ThreadCache::at_hand(id_);
  if (cache == nullptr || header->kind != BlockKind::cached) [[unlikely]]
    return release_slow(header);
  if (cache->push(header) > cache_limit_.load(std::memory_order_relaxed)) [[unlikely]]
    center_->relieve(*cache);
}

void Pool::release_slow(BlockHeader* header) noexcept {
  ThreadCache* cache = thread_cache();
  if (cache == nullptr || header->kind != BlockKind::cached) {
    center_->release(header, cache);
  } else if (cache->push(header) > cache_limit_.load(std::memory_order_relaxed)) {
    center_->relieve(*cache);
  }
}

ThreadCache* Pool::thread_cache() noexcept {
  if (!center_->has_slabs()) return nullptr;
  ThreadCache* cache = ThreadCache::at_hand(id_);
  return cache != nullptr ? cache : ThreadCache::find_or_create(*center_, id_);
}

void Pool::flush_thread_cache() noexcept {
  if (ThreadCache* cache = thread_cache()) center_->empty(*cache);
}

Result<void> Pool::preallocate(BlockSupply supply) noexcept {
  expects(supply.block_bytes <= largest_class_bytes);
  return center_->preallocate(supply);
}

std::size_t Pool::trim() noexcept { return center_->trim(thread_cache()); }
void Pool::trim_idle_slow(TimePoint now) noexcept { center_->trim_idle(now); }
PoolStats Pool::stats() const noexcept { return center_->stats(); }
bool Pool::add_waiter(PoolWaiter& waiter) noexcept { return center_->add_waiter(waiter); }
void Pool::remove_waiter(PoolWaiter& waiter) noexcept { center_->remove_waiter(waiter); }

std::uint64_t Pool::unique_number() noexcept {
  return scatter((id_ << 40) + numbers_.fetch_add(1, std::memory_order_relaxed));
}

void destroy_block(BlockHeader* header) noexcept {
  if (header->pool != nullptr) [[likely]] {
    header->pool->release(header);
  } else {
    destroy_owned(header);
  }
}

}  // namespace weir
