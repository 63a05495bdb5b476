// weir: the free blocks that one thread keeps of one pool.
// SPDX-License-Identifier: MIT
#include "weir/buffer/thread_cache.h"

#include <mutex>
#include <new>

#include "weir/buffer/pool_center.h"

namespace weir {
namespace {

/// Held while a cache is listed or ended, because both its thread and its pool may end it. Taken before a pool's lock,
/// and held while a thread's end calls waiters: those only set a flag or wake a loop (PoolWaiter).
constinit std::mutex registry;

[[gnu::tls_model("initial-exec")]] constinit thread_local bool has_thread_ended = false;

}  // namespace

constinit thread_local ThreadCache::Entry ThreadCache::current_{};
constinit thread_local std::array<ThreadCache::Entry, 8> ThreadCache::recent_{};

/// Gives the thread's caches back when it ends. Blocks that later destructors of the thread release go to the center.
class ThreadEnd {
 public:
  ThreadEnd() noexcept = default;
  ~ThreadEnd() {
    has_thread_ended = true;
    ThreadCache::current_ = {};
    ThreadCache::recent_ = {};
    const std::lock_guard lock(registry);
    while (ThreadCache* cache = caches_.pop_front()) {
      cache->center_->remove_cache(*cache);
      delete cache;
    }
  }

  ThreadCache* find(const PoolCenter& center) noexcept {
    const std::lock_guard lock(registry);
    ThreadCache* found = nullptr;
    caches_.for_each([&](ThreadCache& cache) {
      if (cache.center_ == &center) found = &cache;
    });
    return found;
  }

  void add(ThreadCache& cache) noexcept {
    const std::lock_guard lock(registry);
    caches_.push_back(cache);
  }

 private:
  List<ThreadCache, CachesOfThread> caches_;  ///< guarded by the registry
};

namespace {
thread_local ThreadEnd thread_end;
}

ThreadCache* ThreadCache::find_or_create(PoolCenter& center, std::uint64_t pool_id) noexcept {
  if (has_thread_ended) return nullptr;
  Entry& recent = recent_[pool_id % recent_.size()];
  if (recent.pool_id == pool_id) {
    current_ = recent;
    return recent.cache;
  }
  ThreadCache* cache = thread_end.find(center);
  if (cache == nullptr) {
    cache = new (std::nothrow) ThreadCache(center, pool_id);
    if (cache == nullptr) return nullptr;
    thread_end.add(*cache);
    center.add_cache(*cache);
  }
  current_ = recent = {pool_id, cache};
  return cache;
}

void ThreadCache::destroy_all(PoolCenter& center) noexcept {
  const std::lock_guard lock(registry);
  while (ThreadCache* cache = center.first_cache()) {
    center.remove_cache(*cache);
    delete cache;  // leaves its thread's list; the thread's entry can no longer match, pool ids are not reused
  }
}

BlockHeader* ThreadCache::detach(std::uint32_t size_class, bool all) noexcept {
  BlockHeader** cut = &lists_[size_class];
  if (!all && *cut != nullptr) {
    for (const BlockHeader* fast = (*cut)->next; fast != nullptr && fast->next != nullptr; fast = fast->next->next) {
      cut = &(*cut)->next;
    }
    if ((*cut)->next != nullptr) cut = &(*cut)->next;
  }
  BlockHeader* detached = *cut;
  *cut = nullptr;
  std::size_t count = 0;
  for (const BlockHeader* header = detached; header != nullptr; header = header->next) ++count;
  set_cached(cached() - count * one_block(size_class_bytes(size_class)));
  return detached;
}

}  // namespace weir
