// weir: lets a chosen allocation of a test fail.
// SPDX-License-Identifier: MIT
#include "weir/buffer/allocation_plan.h"

#include <algorithm>
#include <cstdlib>
#include <new>

#include "weir/base/error.h"

namespace weir {
namespace {

constinit thread_local std::size_t total = 0;
constinit thread_local std::size_t total_at_start = 0;
constinit thread_local std::size_t failing_number = 0;  // 0: no plan
constinit thread_local bool fails_all_later = false;
constinit thread_local int pauses = 0;
constinit thread_local const std::function<void()>* hook = nullptr;

bool next_fails() noexcept {
  if (pauses > 0) return false;
  const std::size_t number = ++total - total_at_start;
  return failing_number != 0 && (number == failing_number || (fails_all_later && number > failing_number));
}

void* allocate(std::size_t bytes, std::size_t alignment) noexcept {
  if (hook != nullptr) (*hook)();
  if (next_fails()) return nullptr;
  if (alignment <= alignof(std::max_align_t)) return std::malloc(std::max<std::size_t>(bytes, 1));
  void* memory =
      nullptr;  // not aligned_alloc: that rounds up, and a sanitizer would not see the first bytes past the end
  return ::posix_memalign(&memory, alignment, bytes) == 0 ? memory : nullptr;
}

void* allocate_or_throw(std::size_t bytes, std::size_t alignment) {
  void* memory = allocate(bytes, alignment);
  if (memory == nullptr) throw_bad_alloc();
  return memory;
}

}  // namespace

AllocationPlan::AllocationPlan(std::size_t failing, bool and_all_later) noexcept {
  total_at_start = total;
  failing_number = failing;
  fails_all_later = and_all_later;
}

AllocationPlan::~AllocationPlan() { failing_number = 0; }

std::size_t AllocationPlan::count() const noexcept { return total - total_at_start; }

AllocationPause::AllocationPause() noexcept { ++pauses; }

AllocationPause::~AllocationPause() { --pauses; }

AllocationHook::AllocationHook(const std::function<void()>& function) noexcept { hook = &function; }

AllocationHook::~AllocationHook() { hook = nullptr; }

std::size_t allocations_so_far() noexcept { return total; }

}  // namespace weir

void* operator new(std::size_t bytes) { return weir::allocate_or_throw(bytes, 1); }
void* operator new[](std::size_t bytes) { return weir::allocate_or_throw(bytes, 1); }
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept { return weir::allocate(bytes, 1); }
void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept { return weir::allocate(bytes, 1); }
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return weir::allocate_or_throw(bytes, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t bytes, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return weir::allocate(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
void operator delete[](void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t, const std::nothrow_t&) noexcept { std::free(memory); }
