// weir: tests that a pool gives memory back to the system, by what the system says.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <vector>

#include "weir/base/bytes.h"
#include "weir/buffer/pool.h"
#include "weir/sim/world.h"

namespace weir {
namespace {

using namespace weir::literals;

constexpr std::size_t burst = 256_MiB;
constexpr std::size_t tolerance = 40_MiB;  // a sanitizer's shadow of the burst is an eighth of it
constexpr PoolOptions options{.limit = 512_MiB, .cached = true};

/// Bytes of the process that are in memory.
std::size_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::size_t mapped = 0;
  std::size_t resident = 0;
  statm >> mapped >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

std::vector<Block> take(Pool& pool, std::size_t bytes, std::size_t block_bytes = 64_KiB) {
  std::vector<Block> blocks;
  for (std::size_t taken = 0; taken < bytes; taken += block_bytes) {
    blocks.push_back(pool.allocate(block_bytes));
    const MutableBytes room = blocks.back().room();
    for (std::size_t i = 0; i < room.size(); i += 4_KiB) room[i] = std::byte{1};
  }
  return blocks;
}

/// Operations of a program that goes on in a small way. Large blocks, for they all reach the center.
void work_a_little(Pool& pool) {
  for (int i = 0; i < 1000; ++i) (void)pool.allocate(512_KiB);
}

std::size_t obtained(const Pool& pool) {
  const PoolStats stats = pool.stats();
  return stats.in_use + stats.idle;
}

// hazard: PL6
TEST(PoolMemory, goes_back_to_the_system_after_a_burst_by_trim) {
  Pool pool(options);
  const std::size_t before = resident_bytes();
  std::vector<Block> blocks = take(pool, burst);
  ASSERT_GE(resident_bytes(), before + burst);

  blocks.clear();
  EXPECT_GE(obtained(pool), 64_MiB) << "kept for the next burst";
  EXPECT_GE(pool.trim(), 63_MiB);

  EXPECT_EQ(obtained(pool), 0U);
  EXPECT_LE(resident_bytes(), before + tolerance);
}

// hazard: PL6
TEST(PoolMemory, goes_back_to_the_system_after_a_burst_by_itself) {
  sim::World world;
  Pool pool(options);
  const std::size_t before = resident_bytes();
  std::vector<Block> blocks = take(pool, burst);
  ASSERT_GE(resident_bytes(), before + burst);

  blocks.clear();
  for (int second = 0; second < 3; ++second) {
    work_a_little(pool);
    world.run_for(1s);
  }
  work_a_little(pool);

  EXPECT_LE(obtained(pool), 3_MiB);  // what the little work needs, and the thread's cache
  EXPECT_LE(resident_bytes(), before + tolerance);
}

TEST(PoolMemory, is_not_mapped_again_for_a_load_that_comes_and_goes) {
  sim::World world;
  Pool pool(options);
  std::size_t least = std::numeric_limits<std::size_t>::max();
  for (int round = 0; round < 40; ++round) {
    take(pool, 32_MiB);
    work_a_little(pool);
    world.run_for(400ms);
    work_a_little(pool);
    least = std::min(least, obtained(pool));
  }

  EXPECT_GE(least, 32_MiB);
}

TEST(PoolMemory, of_two_loads_in_turn_is_not_mapped_again_either) {
  sim::World world;
  Pool pool(options);
  std::size_t least = std::numeric_limits<std::size_t>::max();
  for (int round = 0; round < 40; ++round) {
    take(pool, 16_MiB, round % 2 == 0 ? 64_KiB : 128_KiB);
    work_a_little(pool);
    world.run_for(400ms);
    work_a_little(pool);
    if (round > 0) least = std::min(least, obtained(pool));
  }

  EXPECT_GE(least, 32_MiB);
}

TEST(PoolMemory, preallocated_is_in_memory_at_once_and_stays) {
  const std::size_t before = resident_bytes();
  Pool pool({.limit = 512_MiB, .preallocate = {.block_bytes = 64_KiB, .count = 128_MiB / 64_KiB}, .cached = true});
  EXPECT_GE(resident_bytes(), before + 128_MiB);

  { const std::vector<Block> blocks = take(pool, burst); }
  pool.trim();

  EXPECT_EQ(obtained(pool), 128_MiB);
  EXPECT_GE(resident_bytes(), before + 128_MiB);
  EXPECT_LE(resident_bytes(), before + 128_MiB + tolerance);
}

#ifdef WEIR_SANITIZED
constexpr bool can_limit_addresses = false;  // a sanitizer reserves terabytes of them
#else
constexpr bool can_limit_addresses = true;
#endif

/// Allocates in a process that is given no more pages; true when that fails as it should, and costs nothing.
bool fails_cleanly(std::size_t bytes) {
  Pool pool(options);
  (void)pool.allocate(1);
  const PoolStats before = pool.stats();
  constexpr rlimit none{.rlim_cur = 1, .rlim_max = RLIM_INFINITY};
  constexpr rlimit all{.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};
  setrlimit(RLIMIT_AS, &none);
  const Result<Block> failed = pool.try_allocate(bytes);
  setrlimit(RLIMIT_AS, &all);

  const bool is_clean = pool.stats().in_use == before.in_use && pool.stats().idle == before.idle;
  return !failed && failed.error() == std::errc::not_enough_memory && is_clean && pool.try_allocate(bytes);
}

// hazard: PL4
TEST(PoolMemoryDeathTest, that_the_system_does_not_give_is_an_error_and_no_more) {
  if (!can_limit_addresses) GTEST_SKIP() << "needs a limit of the process";
  for (const std::size_t bytes : {64_KiB, 1_MiB, 64_MiB}) {
    EXPECT_EXIT(std::_Exit(fails_cleanly(bytes) ? 0 : 1), testing::ExitedWithCode(0), "") << bytes;
  }
}

}  // namespace
}  // namespace weir
