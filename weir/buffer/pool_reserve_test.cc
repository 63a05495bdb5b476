// weir: tests of the reserve of a pool.
// SPDX-License-Identifier: MIT
#include "weir/buffer/pool_reserve.h"

#include <gtest/gtest.h>

#include <vector>

#include "weir/base/bytes.h"
#include "weir/buffer/allocation_plan.h"

namespace weir {
namespace {

using namespace weir::literals;

class ReserveOfBothKinds : public testing::TestWithParam<bool> {
 protected:
  PoolOptions options(std::size_t limit) const { return {.limit = limit, .cached = GetParam()}; }
};
INSTANTIATE_TEST_SUITE_P(PoolReserve, ReserveOfBothKinds, testing::Bool(),
                         [](const auto& suite) { return suite.param ? "cached" : "uncached"; });

std::vector<Block> take_all(Pool& pool, std::size_t bytes) {
  std::vector<Block> blocks;
  while (Result<Block> block = pool.try_allocate(bytes)) blocks.push_back(*std::move(block));
  return blocks;
}

TEST_P(ReserveOfBothKinds, others_cannot_use_what_is_set_aside) {
  Pool pool(options(1_MiB));
  const PoolReserve reserve(pool, 64_KiB);

  const std::vector<Block> blocks = take_all(pool, 16_KiB);

  EXPECT_EQ(blocks.size(), (1_MiB - 64_KiB) / 16_KiB);
  EXPECT_EQ(pool.stats().in_use, 1_MiB - 64_KiB);
  EXPECT_EQ(pool.stats().reserved, 64_KiB);
  EXPECT_EQ(reserve.available(), 64_KiB);
}

TEST_P(ReserveOfBothKinds, serves_from_the_pool_while_that_has_memory) {
  Pool pool(options(1_MiB));
  PoolReserve reserve(pool, 64_KiB);

  const Result<Block> block = reserve.allocate(32_KiB);

  ASSERT_TRUE(block);
  EXPECT_EQ(reserve.available(), 64_KiB);
}

TEST_P(ReserveOfBothKinds, serves_to_the_byte_when_the_pool_is_spent) {
  Pool pool(options(1_MiB));
  PoolReserve reserve(pool, 64_KiB);
  const std::vector<Block> blocks = take_all(pool, 512);

  std::vector<Block> reserved;
  for (const std::size_t bytes : {32_KiB, 16_KiB, 15_KiB, 512_KiB / 1024}) {
    Result<Block> block = reserve.allocate(bytes);
    if (block) reserved.push_back(*std::move(block));
  }

  EXPECT_EQ(reserved.size(), 3U) << "15 KiB take 16, and nothing is left";
  EXPECT_EQ(reserve.available(), 0U);
  EXPECT_EQ(pool.stats().in_use, 1_MiB);
  EXPECT_LE(pool.stats().peak, 1_MiB);
  const Result<Block> refused = reserve.allocate(1);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), errc::budget);
}

TEST_P(ReserveOfBothKinds, is_refilled_from_what_is_released) {
  Pool pool(options(1_MiB));
  PoolReserve reserve(pool, 64_KiB);
  std::vector<Block> blocks = take_all(pool, 32_KiB);
  ASSERT_EQ(blocks.size(), 30U);
  Result<Block> reserved = reserve.allocate(48_KiB);
  ASSERT_TRUE(reserved);
  EXPECT_FALSE(reserve.refill());
  EXPECT_EQ(reserve.available(), 16_KiB);

  blocks.pop_back();
  EXPECT_FALSE(reserve.refill());
  EXPECT_EQ(reserve.available(), 48_KiB) << "as far as there is";
  blocks.pop_back();
  EXPECT_TRUE(reserve.refill());

  EXPECT_EQ(reserve.available(), 64_KiB);
  EXPECT_EQ(pool.stats().in_use + pool.stats().reserved, 28 * 32_KiB + 48_KiB + 64_KiB);
}

TEST_P(ReserveOfBothKinds, takes_what_is_left_when_it_is_made_late) {
  Pool pool(options(1_MiB));
  Block most = pool.allocate(896_KiB);
  Block rest = pool.allocate(96_KiB);

  PoolReserve reserve(pool, 64_KiB);
  EXPECT_EQ(reserve.available(), 32_KiB);
  rest = {};
  EXPECT_TRUE(reserve.refill());
}

TEST_P(ReserveOfBothKinds, leaves_all_to_the_pool_when_it_ends) {
  Pool pool(options(1_MiB));
  {
    PoolReserve reserve(pool, 64_KiB);
    const std::vector<Block> blocks = take_all(pool, 64_KiB);
    EXPECT_TRUE(reserve.allocate(512));
  }

  EXPECT_EQ(take_all(pool, 64_KiB).size(), 16U);
  EXPECT_EQ(pool.stats().reserved, 0U);
}

class CountingWaiter final : public PoolWaiter {
 public:
  void memory_released() noexcept override { ++calls; }
  int calls = 0;
};

TEST_P(ReserveOfBothKinds, its_end_is_a_release_that_waiters_hear_of) {
  Pool pool(options(1_MiB));
  std::vector<Block> blocks;
  CountingWaiter waiter;
  {
    const PoolReserve reserve(pool, 64_KiB);
    blocks = take_all(pool, 64_KiB);
    ASSERT_TRUE(pool.add_waiter(waiter));
  }

  EXPECT_EQ(waiter.calls, 1);
}

TEST_P(ReserveOfBothKinds, loses_nothing_when_the_system_has_no_memory) {
  Pool pool(options(1_MiB));
  PoolReserve reserve(pool, 64_KiB);
  const std::vector<Block> blocks = take_all(pool, 64_KiB);
  {
    const AllocationPlan plan(1, true);
    const Result<Block> failed = reserve.allocate(20_KiB);
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error(), std::errc::not_enough_memory);
  }

  EXPECT_EQ(reserve.available(), 64_KiB);
  EXPECT_TRUE(reserve.allocate(64_KiB));
}

TEST(PoolDeathTest, destroying_a_pool_before_its_reserve_is_a_programmer_error) {
  EXPECT_DEATH(
      {
        alignas(PoolReserve) std::byte place[sizeof(PoolReserve)];
        Pool pool({.limit = 1_MiB});
        ::new (static_cast<void*>(place)) PoolReserve(pool, 64_KiB);
      },
      "pool_center.cc");
}

}  // namespace
}  // namespace weir
