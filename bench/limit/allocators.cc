// weir: M20 without weir: malloc, and the pool that a program writes for itself.
// SPDX-License-Identifier: MIT
#include <map>
#include <mutex>

#include "bench/buffer/pool_cases.h"
#include "bench/limit/limit_cases.h"

namespace bench {
namespace {

struct MallocAllocator {
  class Block {
   public:
    Block() noexcept = default;
    explicit Block(std::size_t size) noexcept : memory_(std::malloc(size)) {}
    Block(Block&& other) noexcept : memory_(std::exchange(other.memory_, nullptr)) {}
    Block& operator=(Block&& other) noexcept {
      std::free(std::exchange(memory_, std::exchange(other.memory_, nullptr)));
      return *this;
    }
    ~Block() { std::free(memory_); }

    void* memory_ = nullptr;
  };
  static Block allocate(std::size_t size) { return Block(size); }
  static void* memory(Block& block) { return block.memory_; }
};

/// Free blocks by size, rounded up to a power of two, behind one lock.
struct MapAllocator {
  class Block {
   public:
    Block() noexcept = default;
    Block(void* memory, std::size_t size) noexcept : memory_(memory), size_(size) {}
    Block(Block&& other) noexcept : memory_(std::exchange(other.memory_, nullptr)), size_(other.size_) {}
    Block& operator=(Block&& other) noexcept {
      give_back();
      memory_ = std::exchange(other.memory_, nullptr);
      size_ = other.size_;
      return *this;
    }
    ~Block() { give_back(); }

    void give_back() noexcept {
      if (memory_ == nullptr) return;
      const std::lock_guard lock(mutex);
      free_blocks[size_].push_back(memory_);
    }

    void* memory_ = nullptr;
    std::size_t size_ = 0;
  };
  static Block allocate(std::size_t size) {
    std::size_t rounded = 512;
    while (rounded < size) rounded *= 2;
    {
      const std::lock_guard lock(mutex);
      std::vector<void*>& blocks = free_blocks[rounded];
      if (!blocks.empty()) {
        void* memory = blocks.back();
        blocks.pop_back();
        return Block(memory, rounded);
      }
    }
    return Block(std::malloc(rounded), rounded);
  }
  static void* memory(Block& block) { return block.memory_; }

  static inline std::mutex mutex;
  static inline std::map<std::size_t, std::vector<void*>> free_blocks;
};

/// Counts in memory of its own and nothing else: what two threads can win on this machine at all. Where both run on one
/// physical core, which a virtual machine need not tell, that is little.
void count_in_own_memory(std::size_t count) {
  alignas(64) std::size_t counters[8]{};
  for (std::size_t i = 0; i < 4 * count; ++i) {
    for (std::size_t counter = 0; counter < 4; ++counter) ++counters[counter];
    clobber();
  }
  keep(counters);
}

}  // namespace

void add_allocator_cases(Cases& cases) {
  for (const char* name : {"pool", "buffer"}) add_thread_cases(cases, name, "stores", count_in_own_memory);
  add_pool_cases<MallocAllocator>(cases, "malloc");
  add_pool_cases<MapAllocator>(cases, "mutex-map");
}

}  // namespace bench
