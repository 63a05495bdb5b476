// weir: tests of the pool on one thread.
// SPDX-License-Identifier: MIT
#include "weir/buffer/pool.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <functional>
#include <limits>
#include <memory>
#include <vector>

#include "tests/support/throws.h"
#include "weir/base/bytes.h"
#include "weir/buffer/allocation_plan.h"
#include "weir/buffer/size_class.h"

namespace weir {
namespace {

using namespace weir::literals;
using testing_support::throws_bad_alloc;

class BothKinds : public testing::TestWithParam<bool> {
 protected:
  PoolOptions options(std::size_t limit) const { return {.limit = limit, .cached = GetParam()}; }
};
INSTANTIATE_TEST_SUITE_P(Pool, BothKinds, testing::Bool(),
                         [](const auto& suite) { return suite.param ? "cached" : "uncached"; });

// hazard: PL1
TEST_P(BothKinds, each_class_serves_up_to_its_size_and_no_further) {
  Pool pool(options(64_MiB));
  for (std::uint32_t size_class = 0; size_class < size_class_count; ++size_class) {
    const std::size_t bytes = size_class_bytes(size_class);

    EXPECT_EQ(pool.allocate(bytes - 1).capacity(), bytes);
    EXPECT_EQ(pool.allocate(bytes).capacity(), bytes);
    if (size_class + 1 < size_class_count) {
      EXPECT_EQ(pool.allocate(bytes + 1).capacity(), size_class_bytes(size_class + 1));
    }
  }
}

// hazard: PL11
TEST(SizeClass, wastes_at_most_a_quarter_from_one_kib_on) {
  for (std::size_t bytes = 1024; bytes <= largest_class_bytes; bytes += 1 + bytes / 97) {
    const std::size_t capacity = size_class_bytes(size_class_of(bytes));
    ASSERT_GE(capacity, bytes);
    ASSERT_LE(capacity - bytes, capacity / 4) << bytes;
  }
}

TEST_P(BothKinds, every_block_from_four_kib_on_begins_at_a_page) {
  Pool pool(options(64_MiB));
  std::vector<std::size_t> sizes = {8_MiB + 1, 9_MiB};
  for (std::uint32_t size_class = size_class_of(4_KiB); size_class < size_class_count; ++size_class) {
    sizes.push_back(size_class_bytes(size_class));
  }
  for (const std::size_t bytes : sizes) {
    std::vector<Block> blocks;  // more than one: it is the second of a slab that shows how far apart they lie
    for (int i = 0; i < 3; ++i) blocks.push_back(pool.allocate(bytes));
    for (Block& block : blocks) EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block.data()) % page_bytes, 0U) << bytes;
  }
}

TEST_P(BothKinds, blocks_of_one_class_do_not_overlap) {
  Pool pool(options(64_MiB));
  for (std::uint32_t size_class = 0; size_class < size_class_count; ++size_class) {
    std::vector<Block> blocks;
    for (std::size_t i = 0; i < 3; ++i) {
      blocks.push_back(pool.allocate(size_class_bytes(size_class)));
      const MutableBytes room = blocks.back().room();
      room.front() = room.back() = std::byte(i);
    }
    for (std::size_t i = 0; i < 3; ++i) {
      EXPECT_EQ(blocks[i].room().front(), std::byte(i));
      EXPECT_EQ(blocks[i].room().back(), std::byte(i));
    }
  }
}

// hazard: PL2
TEST_P(BothKinds, zero_gives_the_smallest_block_and_sizes_beyond_the_classes_are_mapped) {
  Pool pool(options(64_MiB));

  EXPECT_EQ(pool.allocate(0).capacity(), 512U);
  EXPECT_EQ(pool.allocate(8_MiB + 1).capacity(), 8_MiB + page_bytes);
  EXPECT_EQ(pool.stats().in_use, 0U);
}

// hazard: PL2
TEST_P(BothKinds, sizes_near_the_largest_are_refused_for_the_budget) {
  constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
  Pool small(options(1_MiB));
  Pool boundless(options(most));
  for (const std::size_t bytes : {most, most - 1, most - 4095, most - 4096, most / 2, most / 2 + 1}) {
    const Result<Block> refused = small.try_allocate(bytes);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error(), errc::budget);
    EXPECT_FALSE(boundless.try_allocate(bytes)) << bytes;
  }
  EXPECT_EQ(small.stats().in_use + boundless.stats().in_use, 0U);
}

// hazard: PL5, PL3
TEST_P(BothKinds, one_thread_can_use_the_limit_to_the_byte_and_not_one_more) {
  for (const std::size_t limit : {64_KiB, 100_KiB, 1_MiB, 10_MiB + 512}) {
    Pool pool(options(limit));
    std::vector<Block> blocks;
    for (const std::size_t bytes : {64_KiB, 4_KiB, 512_KiB / 1024}) {
      while (pool.stats().in_use + bytes <= limit) blocks.push_back(pool.allocate(bytes));
    }
    EXPECT_EQ(pool.stats().in_use, limit);

    const Result<Block> refused = pool.try_allocate(1);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error(), errc::budget);
    EXPECT_EQ(pool.stats().refused, 1U);

    blocks.pop_back();
    EXPECT_TRUE(pool.try_allocate(512));
  }
}

TEST_P(BothKinds, the_whole_limit_can_be_used_again_in_another_size) {
  Pool pool(options(2_MiB));
  for (const std::size_t bytes : {512_KiB / 1024, 16_KiB, 64_KiB, 1_MiB, 2_MiB}) {
    std::vector<Block> blocks;
    for (std::size_t used = 0; used < 2_MiB; used += bytes) {
      Result<Block> block = pool.try_allocate(bytes);
      ASSERT_TRUE(block) << bytes << " after " << used;
      blocks.push_back(*std::move(block));
    }
    EXPECT_EQ(pool.stats().in_use, 2_MiB);
    EXPECT_FALSE(pool.try_allocate(1));
  }
  EXPECT_EQ(pool.stats().blocks, 0U);
}

// hazard: PL4
TEST_P(BothKinds, stays_usable_whichever_allocation_fails) {
  for (std::size_t failing = 1; failing <= 8; ++failing) {
    Pool pool(options(64_MiB));
    for (const std::size_t bytes : {100_KiB / 1024, 64_KiB, 9_MiB}) {
      const AllocationPlan plan(failing);
      for (int i = 0; i < 4; ++i) {
        const Result<Block> block = pool.try_allocate(bytes);
        if (!block) {
          EXPECT_EQ(block.error(), std::errc::not_enough_memory);
        }
      }
    }
    EXPECT_TRUE(pool.try_allocate(64_KiB));
    EXPECT_EQ(pool.stats().in_use, 0U);
    EXPECT_EQ(pool.stats().blocks, 0U);
  }
}

TEST_P(BothKinds, throws_bad_alloc_when_the_budget_is_spent) {
  Pool pool(options(64_KiB));
  const Block all = pool.allocate(64_KiB);

  EXPECT_TRUE(throws_bad_alloc([&] { (void)pool.allocate(1); }));
}

TEST(Pool, hands_the_block_freed_last_out_first) {
  Pool pool({.limit = 16_MiB, .cached = true});
  std::byte* address = nullptr;
  {
    Block first = pool.allocate(4_KiB);
    Block second = pool.allocate(4_KiB);
    address = first.data();
    second = {};
  }

  EXPECT_EQ(pool.allocate(4_KiB).data(), address);
}

TEST(Pool, idle_memory_is_bounded_after_a_burst) {
  Pool pool({.limit = 256_MiB, .cached = true});
  {
    std::vector<Block> burst;
    for (std::size_t i = 0; i < 128_MiB / 64_KiB; ++i) burst.push_back(pool.allocate(64_KiB));
    EXPECT_GE(pool.stats().in_use, 128_MiB);
  }

  EXPECT_EQ(pool.stats().in_use, 0U);
  EXPECT_LE(pool.stats().idle, 256_MiB / 8 + 2_MiB);
}

TEST(Pool, obtains_no_more_than_the_limit_when_sizes_change) {
  Pool pool({.limit = 8_MiB, .cached = true});
  for (const std::size_t bytes : {16_KiB, 24_KiB, 64_KiB, 256_KiB, 1_MiB}) {
    std::vector<Block> blocks;
    for (std::size_t used = 0; used + bytes <= 8_MiB; used += bytes) blocks.push_back(pool.allocate(bytes));
    const PoolStats stats = pool.stats();
    EXPECT_LE(stats.in_use + stats.idle, 8_MiB + 512_KiB) << bytes;  // slabs are whole
  }
}

TEST_P(BothKinds, the_peak_remembers_the_most_in_use) {
  Pool pool(options(16_MiB));
  { const Block block = pool.allocate(4_MiB); }

  EXPECT_GE(pool.stats().peak, 4_MiB);
  EXPECT_LE(pool.stats().peak, 4_MiB + 256_KiB);
  EXPECT_EQ(pool.stats().in_use, 0U);
}

class CountingWaiter final : public PoolWaiter {
 public:
  void memory_released() noexcept override { ++calls; }
  int calls = 0;
};

TEST_P(BothKinds, is_pressed_from_three_quarters_until_under_seven_tenths) {
  Pool pool(options(1_MiB));
  std::vector<Block> blocks;
  const auto fill_to = [&](std::size_t bytes) {
    while (blocks.size() * 1_KiB < bytes) blocks.push_back(pool.allocate(1_KiB));
    while (blocks.size() * 1_KiB > bytes) blocks.pop_back();
  };

  fill_to(700_KiB);
  EXPECT_FALSE(pool.is_pressed());
  fill_to(768_KiB);
  EXPECT_TRUE(pool.is_pressed());
  fill_to(718_KiB);
  EXPECT_TRUE(pool.is_pressed());
  fill_to(716_KiB);
  EXPECT_FALSE(pool.is_pressed());
  blocks.clear();
  EXPECT_EQ(pool.stats().in_use, 0U);
}

TEST_P(BothKinds, the_release_of_a_large_block_ends_the_pressure_that_it_made) {
  Pool pool(options(8_MiB));
  Block large = pool.allocate(7_MiB);
  ASSERT_TRUE(pool.is_pressed());

  large = {};

  EXPECT_FALSE(pool.is_pressed());
}

TEST_P(BothKinds, each_waiter_is_called_once_when_the_pressure_ends) {
  Pool pool(options(1_MiB));
  CountingWaiter waiter;
  CountingWaiter other;
  EXPECT_FALSE(pool.add_waiter(waiter)) << "nothing to wait for";
  {
    std::vector<Block> blocks;
    for (int i = 0; i < 16; ++i) blocks.push_back(pool.allocate(48_KiB));
    ASSERT_TRUE(pool.is_pressed());
    ASSERT_TRUE(pool.add_waiter(waiter));
    ASSERT_TRUE(pool.add_waiter(other));
    blocks.pop_back();
    EXPECT_EQ(waiter.calls + other.calls, 0) << "still above 70 %";
    blocks.pop_back();
    EXPECT_EQ(waiter.calls, 1);
    EXPECT_EQ(other.calls, 1);
  }
  EXPECT_EQ(waiter.calls, 1);
  EXPECT_EQ(other.calls, 1);
}

TEST_P(BothKinds, a_waiter_is_called_when_anything_is_released_after_a_refusal) {
  Pool pool(options(1_MiB));
  CountingWaiter waiter;
  Block half = pool.allocate(512_KiB);
  Block small = pool.allocate(512);
  ASSERT_FALSE(pool.try_allocate(768_KiB));
  ASSERT_FALSE(pool.is_pressed());
  ASSERT_TRUE(pool.add_waiter(waiter));

  small = {};

  EXPECT_EQ(waiter.calls, 1);
  EXPECT_FALSE(pool.add_waiter(waiter)) << "what was released may do: try again first";
}

TEST_P(BothKinds, a_removed_waiter_is_not_called) {
  Pool pool(options(1_MiB));
  CountingWaiter waiter;
  Block all = pool.allocate(1_MiB);
  ASSERT_TRUE(pool.add_waiter(waiter));

  pool.remove_waiter(waiter);
  all = {};

  EXPECT_EQ(waiter.calls, 0);
}

class ReturningWaiter final : public PoolWaiter {
 public:
  explicit ReturningWaiter(Pool& pool) : pool_(pool) {}
  void memory_released() noexcept override {
    ++calls;
    pool_.remove_waiter(*this);
    if (pool_.add_waiter(*this)) pool_.remove_waiter(*this);
  }
  int calls = 0;

 private:
  Pool& pool_;
};

TEST_P(BothKinds, a_waiter_may_use_the_pool_it_is_called_by) {
  Pool pool(options(1_MiB));
  ReturningWaiter waiter(pool);
  Block all = pool.allocate(1_MiB);
  ASSERT_TRUE(pool.add_waiter(waiter));

  all = {};

  EXPECT_EQ(waiter.calls, 1);
}

TEST(Pool, several_pools_on_one_thread_keep_their_blocks_apart) {
  std::vector<std::unique_ptr<Pool>> pools;
  for (int i = 0; i < 9; ++i) pools.push_back(std::make_unique<Pool>(PoolOptions{.limit = 1_MiB, .cached = true}));
  for (int round = 0; round < 3; ++round) {
    for (const std::unique_ptr<Pool>& pool : pools) {
      const Block block = pool->allocate(4_KiB);
      EXPECT_EQ(pool->stats().in_use, 4_KiB);
      EXPECT_EQ(pool->stats().blocks, 1U);
    }
  }
  for (const std::unique_ptr<Pool>& pool : pools) EXPECT_EQ(pool->stats().in_use, 0U);
}

TEST(Pool, a_pool_made_where_another_was_has_nothing_of_it) {
  for (int i = 0; i < 3; ++i) {
    Pool pool({.limit = 1_MiB, .cached = true});
    EXPECT_EQ(pool.stats().idle, 0U);
    { const Block block = pool.allocate(4_KiB); }
    EXPECT_GT(pool.stats().idle, 0U);
  }
}

TEST(Pool, a_flushed_thread_cache_leaves_nothing_leased) {
  Pool pool({.limit = 64_MiB, .cached = true});
  { const Block block = pool.allocate(64_KiB); }
  pool.flush_thread_cache();

  Block most = pool.allocate(8_MiB);
  EXPECT_EQ(pool.stats().in_use, 8_MiB);
}

TEST(Pool, a_warm_thread_cache_asks_nobody_for_memory) {
  Pool pool({.limit = 64_MiB, .cached = true});
  { const Block block = pool.allocate(16_KiB); }
  const std::size_t before = allocations_so_far();

  for (int i = 0; i < 1000; ++i) {
    const Block block = pool.allocate(16_KiB);
  }

  EXPECT_EQ(allocations_so_far(), before);
}

// hazard: PL12
TEST_P(BothKinds, no_lock_is_held_while_memory_is_allocated) {
  Pool pool(options(64_MiB));
  pool.allocate(1);  // makes the thread's cache
  std::size_t asked = 0;
  const std::function<void()> take_the_lock = [&] {
    (void)pool.stats();  // would wait for ever
    ++asked;
  };
  const AllocationHook hook(take_the_lock);

  for (const std::size_t bytes : {512_KiB / 1024, 64_KiB, 1_MiB, 9_MiB}) EXPECT_TRUE(pool.try_allocate(bytes));
  (void)pool.preallocate({.block_bytes = 64_KiB, .count = 16});

  EXPECT_GE(asked, 4U);
}

TEST(PoolDeathTest, the_first_use_of_the_default_pool_works_without_memory) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");  // a fresh process, in which the first use is yet to come
  EXPECT_EXIT(
      {
        const AllocationPlan plan(1, true);
        const bool is_refused = !Pool::default_pool().try_allocate(1);
        std::_Exit(is_refused && Pool::default_pool().limit() > 0 ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

TEST(PoolDeathTest, destroying_a_pool_with_a_live_block_is_a_programmer_error) {
  EXPECT_DEATH(
      {
        Block survivor;
        Pool pool({.limit = 1_MiB});
        survivor = pool.allocate(512);
      },
      "pool_center.cc");
}

}  // namespace
}  // namespace weir
