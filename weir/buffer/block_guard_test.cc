// weir: tests that misuse of blocks is found, where a build looks for it.
// SPDX-License-Identifier: MIT
#include "weir/buffer/block_guard.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "weir/base/bytes.h"
#include "weir/buffer/buffer.h"
#include "weir/buffer/pool.h"
#include "weir/buffer/transfer_buffer.h"

namespace weir {
namespace {

using namespace weir::literals;

#if defined(__SANITIZE_ADDRESS__)
constexpr bool is_access_watched = true;
#else
constexpr bool is_access_watched = false;
#endif

/// Pools of both kinds, in builds that check what is released.
class BlockGuardDeathTest : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    if (!are_blocks_guarded) GTEST_SKIP() << "not checked in release builds";
  }

  PoolOptions options{.limit = 16_MiB, .cached = GetParam()};
};
INSTANTIATE_TEST_SUITE_P(Pool, BlockGuardDeathTest, testing::Bool(),
                         [](const auto& suite) { return suite.param ? "cached" : "uncached"; });

/// The same where blocks stay in slabs when they are released.
using SlabGuardDeathTest = BlockGuardDeathTest;
INSTANTIATE_TEST_SUITE_P(Pool, SlabGuardDeathTest, testing::Values(true), [](const auto&) { return "cached"; });

// hazard: PL7
TEST_P(BlockGuardDeathTest, a_release_of_null_is_found) {
  Pool pool(options);

  EXPECT_DEATH(pool.release(nullptr), "no_release_of_null");
}

// hazard: PL7
TEST_P(BlockGuardDeathTest, a_release_into_a_foreign_pool_is_found) {
  Pool pool(options);
  Pool other(options);
  BlockHeader* header = pool.acquire(4_KiB);

  EXPECT_DEATH(other.release(header), "no_release_into_a_foreign_pool");
  pool.release(header);
}

// hazard: PL7
TEST_P(SlabGuardDeathTest, a_double_release_is_found_wherever_the_block_went) {
  Pool pool(options);
  for (const std::size_t bytes : {512_KiB / 1024, 64_KiB, 1_MiB}) {  // cached twice, and in the center
    BlockHeader* kept = pool.acquire(bytes);
    BlockHeader* header = pool.acquire(bytes);
    pool.release(header);

    EXPECT_DEATH(pool.release(header), "no_double_release");

    pool.flush_thread_cache();
    EXPECT_DEATH(pool.release(header), "no_double_release");
    pool.release(kept);
  }
}

TEST_P(BlockGuardDeathTest, a_reference_let_go_twice_is_found) {
  Pool pool(options);
  if (!options.cached) GTEST_SKIP() << "the header is gone: a sanitizer's business";
  BlockHeader* header = pool.acquire(4_KiB);
  let_go_block(header);

  EXPECT_DEATH(let_go_block(header), "let_go");
}

// hazard: PL9
TEST_P(SlabGuardDeathTest, a_write_after_the_release_is_found_when_the_block_is_used_next) {
  if (is_access_watched) GTEST_SKIP() << "the write itself is found";
  Pool pool(options);
  for (const std::size_t bytes : {512_KiB / 1024, 5_KiB, 64_KiB, 512_KiB}) {
    for (const std::size_t place :
         {std::size_t{0}, std::size_t{1}, bytes / 16, std::min(bytes, most_guarded_bytes) - 1}) {
      EXPECT_DEATH(
          {
            BlockHeader* header = pool.acquire(bytes);
            pool.release(header);
            header->memory[place] = std::byte{'!'};
            pool.acquire(bytes);
          },
          "no_write_after_release")
          << bytes << " " << place;
    }
  }
}

// hazard: PL9
TEST_P(SlabGuardDeathTest, a_write_past_the_end_is_found_in_a_free_neighbour_and_harms_no_header) {
  if (is_access_watched) GTEST_SKIP() << "the write itself is found";
  Pool pool(options);
  const Block filler = pool.allocate(1_KiB);  // which brings more into the cache, one behind the other
  BlockHeader* first = pool.acquire(1_KiB);
  BlockHeader* second = pool.acquire(1_KiB);
  if (first->memory > second->memory) std::swap(first, second);
  ASSERT_EQ(second->memory, first->end());
  pool.release(second);

  first->end()[0] = std::byte{'!'};

  EXPECT_DEATH(pool.acquire(1_KiB), "no_write_after_release");
  EXPECT_EQ(second->capacity, 1_KiB);
  first->end()[0] = freed_pattern;
  pool.release(first);
}

// hazard: PL9
TEST_P(SlabGuardDeathTest, free_memory_cannot_be_touched_under_a_sanitizer) {
  if (!is_access_watched) GTEST_SKIP() << "needs AddressSanitizer";
  Pool pool(options);
  for (const std::size_t bytes : {512_KiB / 1024, 5_KiB, 64_KiB, 512_KiB}) {
    BlockHeader* header = pool.acquire(bytes);
    volatile std::byte* memory = header->memory;
    memory[0] = std::byte{1};
    memory[bytes - 1] = std::byte{1};

    pool.release(header);
    EXPECT_DEATH(memory[0] = std::byte{1}, "use-after-poison");
    EXPECT_DEATH((void)memory[bytes - 1], "use-after-poison");
  }
}

TEST_P(SlabGuardDeathTest, the_end_of_a_page_behind_a_block_cannot_be_touched_either) {
  if (!is_access_watched) GTEST_SKIP() << "needs AddressSanitizer";
  Pool pool(options);
  Block block = pool.allocate(5_KiB);

  EXPECT_DEATH(block.data()[5_KiB] = std::byte{1}, "use-after-poison");
}

/// Debug builds find two threads that count the slices of one block.
class BlockOwnerTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!are_blocks_guarded) GTEST_SKIP() << "not checked in release builds";
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    buffer.append(std::string(1000, 'x'));
    buffer.append(std::string(100'000, 'y'));
  }

  static void elsewhere(auto&& action) { std::thread(std::forward<decltype(action)>(action)).join(); }

  Buffer buffer;
};
using BlockOwnerDeathTest = BlockOwnerTest;

TEST_F(BlockOwnerDeathTest, a_slice_that_was_not_detached_cannot_be_shared_by_another_thread) {
  for (const Slice& slice : buffer.slices()) {
    const Slice second = slice;
    EXPECT_DEATH(elsewhere([&] { const Slice third = slice; }), "no_use_by_two_threads");
  }
}

TEST_F(BlockOwnerDeathTest, nor_can_it_be_let_go_there) {
  auto second = std::make_unique<Slice>(*buffer.slices().begin());
  EXPECT_DEATH(elsewhere([&] { second.reset(); }), "no_use_by_two_threads");
}

TEST_F(BlockOwnerTest, a_detached_buffer_is_at_home_wherever_it_is_attached) {
  const Slice stays = *buffer.slices().begin();
  TransferBuffer parcel = std::move(buffer).detach();
  elsewhere([&] {
    Buffer there = std::move(parcel).attach();
    for (const Slice& slice : there.slices()) {
      const Slice second = slice;
      EXPECT_FALSE(second.is_empty());
    }
    Buffer rest = there.split(500);
    parcel = std::move(rest).detach();
  });
  const Buffer back = std::move(parcel).attach();
  EXPECT_EQ(back.share().size(), 100'500U);
}

TEST_F(BlockOwnerTest, what_nobody_else_views_may_go_as_it_is) {
  auto slice = std::make_unique<Slice>(Slice::adopt(std::string(1000, 'z')));
  elsewhere([&] {
    const Slice second = *slice;
    slice.reset();
  });
}

TEST(BlockGuard, released_memory_can_be_used_by_the_next_owner) {
  Pool pool({.limit = 16_MiB, .cached = true});
  for (int round = 0; round < 3; ++round) {
    for (const std::size_t bytes : {512_KiB / 1024, 5_KiB, 64_KiB, 512_KiB, 8_MiB}) {
      Block block = pool.allocate(bytes);
      for (std::byte& byte : block.room()) byte = std::byte(round);
    }
    pool.trim();
  }
  EXPECT_EQ(pool.stats().idle, 0U);
}

}  // namespace
}  // namespace weir
