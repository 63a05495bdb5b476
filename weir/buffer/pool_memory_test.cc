// weir: tests of what a pool keeps for later use, and of what it does not.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "weir/base/bytes.h"
#include "weir/buffer/allocation_plan.h"
#include "weir/buffer/pool.h"

namespace weir {
namespace {

using namespace weir::literals;

constexpr std::size_t slab_blocks = 4;  // of 64 KiB

std::vector<Block> take(Pool& pool, std::size_t count, std::size_t bytes = 64_KiB) {
  std::vector<Block> blocks;
  for (std::size_t i = 0; i < count; ++i) blocks.push_back(pool.allocate(bytes));
  return blocks;
}

std::size_t obtained(const Pool& pool) {
  const PoolStats stats = pool.stats();
  return stats.in_use + stats.idle;
}

TEST(PoolTrim, gives_all_back_when_nothing_is_in_use) {
  Pool pool({.limit = 64_MiB, .cached = true});
  take(pool, 100);
  take(pool, 5, 1_MiB);
  take(pool, 500, 700);
  const std::size_t before = obtained(pool);
  ASSERT_GT(pool.stats().cached, 0U);

  EXPECT_EQ(pool.trim(), before);

  EXPECT_EQ(pool.stats().idle, 0U);
  EXPECT_EQ(pool.stats().cached, 0U);
  EXPECT_EQ(pool.trim(), 0U);
}

TEST(PoolTrim, keeps_slabs_of_which_a_block_is_in_use) {
  Pool pool({.limit = 64_MiB, .cached = true});
  std::vector<Block> blocks = take(pool, 10 * slab_blocks);
  blocks.resize(1);

  pool.trim();
  EXPECT_EQ(obtained(pool), 256_KiB);

  blocks.clear();
  pool.trim();
  EXPECT_EQ(obtained(pool), 0U);
}

TEST(PoolTrim, a_pool_can_be_used_as_before) {
  Pool pool({.limit = 16_MiB, .cached = true});
  for (int round = 0; round < 3; ++round) {
    const std::vector<Block> blocks = take(pool, 16_MiB / 64_KiB);
    EXPECT_EQ(pool.stats().in_use, 16_MiB);
    pool.trim();
  }
  EXPECT_EQ(pool.stats().in_use, 0U);
}

TEST(PoolTrim, does_nothing_without_slabs) {
  Pool pool({.limit = 16_MiB, .cached = false});
  take(pool, 10);

  EXPECT_EQ(pool.trim(), 0U);
  EXPECT_EQ(pool.next_trim(), TimePoint::max());
}

TEST(PoolTrim, what_is_idle_for_a_second_goes_and_what_came_later_stays) {
  Pool pool({.limit = 64_MiB, .cached = true});
  take(pool, 1, 1_MiB);
  pool.trim();  // the pool has looked at the clock by now
  EXPECT_EQ(pool.next_trim(), TimePoint::max());
  take(pool, 4, 1_MiB);
  ASSERT_NE(pool.next_trim(), TimePoint::max());
  TimePoint now = pool.next_trim();

  pool.trim_idle(now);
  EXPECT_EQ(pool.stats().idle, 4_MiB) << "emptied in the second that ends now";
  EXPECT_EQ(pool.next_trim(), now + 1s);
  { const Block used = pool.allocate(2_MiB); }
  now += 1s;
  pool.trim_idle(now - 1ns);
  EXPECT_EQ(pool.stats().idle, 6_MiB);
  pool.trim_idle(now);
  EXPECT_EQ(pool.stats().idle, 2_MiB) << "that used in the second before stays";

  pool.trim_idle(now += 1s);
  EXPECT_EQ(pool.stats().idle, 0U);
  EXPECT_EQ(pool.next_trim(), TimePoint::max());
}

TEST(PoolTrim, gives_back_in_portions_so_that_a_loop_can_serve_others_in_between) {
  Pool pool({.limit = 512_MiB, .cached = true});
  take(pool, 1, 1_MiB);
  pool.trim();  // the pool has looked at the clock by now
  take(pool, 10, 1_MiB);
  TimePoint now = pool.next_trim();
  pool.trim_idle(now);
  ASSERT_EQ(pool.stats().idle, 10_MiB);
  now += 1s;

  for (const std::size_t left : {6_MiB, 2_MiB, 0_MiB}) {
    ASSERT_LE(pool.next_trim(), now);
    pool.trim_idle(now);
    EXPECT_EQ(pool.stats().idle, left);
  }
  EXPECT_EQ(pool.next_trim(), TimePoint::max());
}

TEST(PoolTrim, a_clock_that_stands_far_back_only_delays) {
  Pool pool({.limit = 64_MiB, .cached = true});
  pool.trim_idle(TimePoint(1000h));
  take(pool, 4, 1_MiB);
  pool.trim_idle(TimePoint::max());

  for (int second = 0; second < 3; ++second) {
    take(pool, 20, 1_MiB);  // operations that look at the real clock
  }

  EXPECT_LE(pool.next_trim(), TimePoint(1000h));
  EXPECT_LE(pool.stats().idle, 8_MiB);
}

TEST(PoolPreallocation, takes_no_budget_and_stays) {
  Pool pool({.limit = 16_MiB, .preallocate = {.block_bytes = 64_KiB, .count = 40}, .cached = true});
  EXPECT_EQ(pool.stats().preallocated, 40 * 64_KiB);
  EXPECT_EQ(pool.stats().in_use, 0U);

  { const std::vector<Block> all = take(pool, 16_MiB / 64_KiB); }
  pool.trim();

  EXPECT_EQ(pool.stats().idle, 40 * 64_KiB);
}

TEST(PoolPreallocation, serves_first_so_that_a_burst_leaves_nothing_else) {
  Pool pool({.limit = 64_MiB, .preallocate = {.block_bytes = 64_KiB, .count = 40}, .cached = true});
  std::vector<Block> burst = take(pool, 400);
  for (std::size_t i = 0; i < 360; ++i) burst[i + 40] = {};
  pool.trim();
  ASSERT_EQ(obtained(pool), 40 * 64_KiB);
  std::vector<Block> others = take(pool, 20);
  for (std::size_t i = 0; i < 20; ++i) burst[i] = {};
  pool.trim();

  const std::vector<Block> more = take(pool, 20);
  others.clear();
  pool.trim();

  EXPECT_EQ(obtained(pool), 40 * 64_KiB) << "the later ones moved into what stays anyhow";
}

TEST(PoolPreallocation, needs_nothing_from_the_system_until_it_is_used_up) {
  Pool pool({.limit = 64_MiB, .cached = true});
  ASSERT_TRUE(pool.preallocate({.block_bytes = 1000, .count = 300}));
  ASSERT_TRUE(pool.preallocate({.block_bytes = 5_KiB, .count = 100}));
  { const Block first = pool.allocate(1); }  // makes the thread's cache
  std::vector<Block> blocks;
  blocks.reserve(400);
  const std::size_t before = obtained(pool);

  const std::size_t allocations = allocations_so_far();
  for (int i = 0; i < 300; ++i) blocks.push_back(pool.allocate(1000));
  for (int i = 0; i < 100; ++i) blocks.push_back(pool.allocate(5_KiB));

  EXPECT_EQ(allocations_so_far(), allocations);
  EXPECT_EQ(obtained(pool), before);
}

TEST(PoolPreallocation, beyond_the_limit_is_refused_and_up_to_it_is_not) {
  Pool pool({.limit = 1_MiB, .cached = true});
  for (const std::size_t count : {std::size_t{17}, unlimited}) {
    const Result<void> refused = pool.preallocate({.block_bytes = 64_KiB, .count = count});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error(), errc::budget);
  }
  EXPECT_EQ(pool.stats().idle, 0U);

  EXPECT_TRUE(pool.preallocate({.block_bytes = 64_KiB, .count = 16}));
  EXPECT_TRUE(pool.preallocate({.block_bytes = 64_KiB, .count = 0}));
  EXPECT_EQ(pool.stats().preallocated, 1_MiB);
}

TEST(PoolPreallocation, keeps_nothing_when_memory_ends_half_way) {
  Pool pool({.limit = 64_MiB, .cached = true});
  for (std::size_t failing = 1; failing <= 3; ++failing) {
    const AllocationPlan plan(failing);
    const Result<void> failed = pool.preallocate({.block_bytes = 64_KiB, .count = 3 * slab_blocks});
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error(), std::errc::not_enough_memory);
    EXPECT_EQ(pool.stats().idle, 0U);
  }
  EXPECT_EQ(pool.stats().preallocated, 0U);
}

TEST(PoolPreallocation, is_nothing_in_a_pool_without_slabs) {
  Pool pool({.limit = 16_MiB, .preallocate = {.block_bytes = 64_KiB, .count = 40}, .cached = false});

  EXPECT_EQ(pool.stats().idle, 0U);
  EXPECT_EQ(pool.stats().preallocated, 0U);
}

TEST(PoolPreallocation, adds_up_to_the_limit_and_no_further) {
  Pool pool({.limit = 8_MiB, .cached = true});
  ASSERT_TRUE(pool.preallocate({.block_bytes = 64_KiB, .count = 100}));

  const Result<void> more = pool.preallocate({.block_bytes = 64_KiB, .count = 100});

  ASSERT_FALSE(more);
  EXPECT_EQ(more.error(), errc::budget);
  EXPECT_LE(pool.stats().preallocated, 8_MiB);
}

}  // namespace
}  // namespace weir
