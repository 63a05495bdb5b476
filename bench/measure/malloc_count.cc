// weir: counts the allocations of a process into which it is preloaded.
// SPDX-License-Identifier: MIT
#include <atomic>
#include <cstddef>
#include <cstdint>

// glibc's allocator under its own names: what the functions below stand in for.
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* memory, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);
}

namespace {

std::atomic<std::uint64_t> count{0};

void count_one() noexcept { count.fetch_add(1, std::memory_order_relaxed); }

}  // namespace

extern "C" {

std::uint64_t bench_malloc_count() { return count.load(std::memory_order_relaxed); }

void* malloc(std::size_t size) {
  count_one();
  return __libc_malloc(size);
}

void* calloc(std::size_t number, std::size_t size) {
  count_one();
  return __libc_calloc(number, size);
}

void* realloc(void* memory, std::size_t size) {
  count_one();
  return __libc_realloc(memory, size);
}

void* aligned_alloc(std::size_t alignment, std::size_t size) {
  count_one();
  return __libc_memalign(alignment, size);
}

int posix_memalign(void** memory, std::size_t alignment, std::size_t size) {
  count_one();
  *memory = __libc_memalign(alignment, size);
  return *memory == nullptr ? 12 : 0;  // ENOMEM
}
}
