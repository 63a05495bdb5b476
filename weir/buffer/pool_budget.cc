// weir: what the threads of a pool share: the budget, and who waits for it.
// SPDX-License-Identifier: MIT
#include <algorithm>

#include "weir/buffer/pool_center.h"

namespace weir {
namespace {

/// Tells the calling thread from others.
const void* this_thread() noexcept {
  static thread_local char mark;
  return &mark;
}

}  // namespace

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
    add_leased(leased);
    credit += leased;
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

void PoolCenter::add_leased(std::size_t bytes) noexcept {
  leased_ += bytes;
  peak_ = std::max(peak_, leased_);
  update_marks();
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

// --- reserves ---

std::size_t PoolCenter::set_aside(std::size_t bytes) noexcept {
  const Lock lock(mutex_);
  const std::size_t got = std::min(bytes, pool_.limit() - leased_);
  reserved_ += got;
  add_leased(got);
  return got;
}

void PoolCenter::return_reserve(std::size_t bytes) noexcept {
  Lock lock(mutex_);
  reserved_ -= bytes;
  cancel_lease(bytes, nullptr);
  owes_call_ |= was_refused_;
  finish(lock);
}

// --- waiters ---

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

}  // namespace weir
