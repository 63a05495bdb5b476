// weir: a pool whose blocks lie in memory that the program provides.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <thread>
#include <vector>

#include "weir/base/bytes.h"
#include "weir/base/error.h"
#include "weir/buffer/buffer.h"
#include "weir/buffer/pool.h"
#include "weir/buffer/size_class.h"

namespace weir {
namespace {

using namespace weir::literals;

/// The allocator's memory, as long as there is a budget; knows what is out.
class CountingSource final : public MemorySource {
 public:
  ~CountingSource() { EXPECT_TRUE(out_.empty()) << "the pool keeps memory of a source that ends"; }

  void* obtain(std::size_t bytes) noexcept override {
    EXPECT_EQ(bytes % page_bytes, 0U);
    if (bytes > left) return nullptr;
    left -= bytes;
    most = std::max(most, 1_GiB - left);
    void* memory = std::aligned_alloc(page_bytes, bytes);
    out_[static_cast<std::byte*>(memory)] = bytes;
    return memory;
  }

  void give_back(void* memory, std::size_t bytes) noexcept override {
    const auto place = out_.find(static_cast<std::byte*>(memory));
    if (place == out_.end() || place->second != bytes) {
      ADD_FAILURE() << "gives back what it never got";
      return;
    }
    left += bytes;
    out_.erase(place);
    std::free(memory);
  }

  bool holds(const std::byte* place, std::size_t bytes) const {
    auto next = out_.upper_bound(const_cast<std::byte*>(place));
    if (next == out_.begin()) return false;
    --next;
    return place + bytes <= next->first + next->second;
  }
  std::size_t count() const { return out_.size(); }

  std::size_t left = 1_GiB;
  std::size_t most = 0;  ///< that was out at a time

 private:
  std::map<std::byte*, std::size_t> out_;
};

class MemorySources : public testing::TestWithParam<bool> {
 protected:
  PoolOptions options() { return {.limit = 256_MiB, .memory = &source, .cached = GetParam()}; }

  CountingSource source;
};
INSTANTIATE_TEST_SUITE_P(Pool, MemorySources, testing::Bool(),
                         [](const auto& suite) { return suite.param ? "cached" : "uncached"; });

TEST_P(MemorySources, every_block_lies_in_it_from_end_to_end) {
  Pool pool(options());
  std::vector<Block> blocks;
  for (std::uint32_t size_class = 0; size_class < size_class_count; ++size_class) {
    for (int i = 0; i < 2; ++i) blocks.push_back(pool.allocate(size_class_bytes(size_class)));
  }
  blocks.push_back(pool.allocate(8_MiB + 1));

  for (Block& block : blocks) EXPECT_TRUE(source.holds(block.data(), block.capacity())) << block.capacity();
}

TEST_P(MemorySources, all_of_it_comes_back) {
  {
    Pool pool(options());
    Buffer buffer(pool);
    buffer.append(std::string(3 << 20, 'x').c_str());
    const Block large = pool.allocate(9_MiB);
    EXPECT_GT(source.count(), 0U);
    buffer.clear();
    (void)pool.trim();
    EXPECT_EQ(source.count(), 1U) << "trimming gives back all but the block in use";
  }
  EXPECT_EQ(source.count(), 0U);
}

// hazard: PL4
TEST_P(MemorySources, one_without_memory_is_an_error_and_the_pool_goes_on) {
  Pool pool(options());
  source.left = 0;
  for (const std::size_t bytes : {std::size_t{512}, 64_KiB, 1_MiB, 9_MiB}) {
    const Result<Block> refused = pool.try_allocate(bytes);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error(), std::errc::not_enough_memory) << bytes;
  }
  EXPECT_EQ(pool.stats().in_use, 0U);

  source.left = 64_MiB;
  EXPECT_TRUE(pool.try_allocate(9_MiB));
}

TEST(MemorySource, preallocated_blocks_lie_in_it) {
  CountingSource source;
  Pool pool({.limit = 64_MiB, .preallocate = {.block_bytes = 16_KiB, .count = 100}, .memory = &source, .cached = true});
  const std::size_t before = source.count();
  EXPECT_GT(before, 0U);

  std::vector<Block> blocks;
  for (int i = 0; i < 100; ++i) blocks.push_back(pool.allocate(16_KiB));

  EXPECT_EQ(source.count(), before);
  for (Block& block : blocks) EXPECT_TRUE(source.holds(block.data(), block.capacity()));
}

TEST(MemorySource, is_not_asked_for_more_than_the_limit_while_other_memory_is_idle) {
  CountingSource source;
  {
    Pool pool({.limit = 64_MiB, .memory = &source, .cached = true});
    for (const std::size_t bytes : {16_KiB, 32_KiB, 8_KiB, 64_KiB}) {
      std::vector<Block> blocks;
      while (pool.stats().in_use + bytes <= 64_MiB) blocks.push_back(pool.allocate(bytes));
    }
  }
  EXPECT_LE(source.most, 64_MiB + 4_MiB) << "what threads have cached may be beyond it";
}

/// Asks the pool while the pool asks it: deadlocks where the pool holds its lock.
class CuriousSource final : public MemorySource {
 public:
  void* obtain(std::size_t bytes) noexcept override {
    look();
    return std::aligned_alloc(page_bytes, bytes);
  }
  void give_back(void* memory, std::size_t) noexcept override {
    look();
    std::free(memory);
  }

  Pool* pool = nullptr;
  int looks = 0;

 private:
  void look() {
    if (pool == nullptr) return;
    ++looks;
    std::jthread([this] { (void)pool->stats(); });  // takes the lock; this thread waits for it
  }
};

TEST(MemorySource, is_asked_while_the_pool_is_not_locked) {
  CuriousSource source;
  {
    Pool pool({.limit = 1_MiB, .memory = &source, .cached = true});
    source.pool = &pool;
    { const Block block = pool.allocate(200_KiB); }
    { const Block block = pool.allocate(512); }
    { const Block block = pool.allocate(300_KiB); }
    (void)pool.trim();
    source.pool = nullptr;
  }
  EXPECT_GT(source.looks, 3);
}

}  // namespace
}  // namespace weir
