// weir: tests of the block that loops receive into.
// SPDX-License-Identifier: MIT
#include "weir/buffer/receive_block.h"

#include <gtest/gtest.h>

#include <cstring>
#include <utility>
#include <vector>

#include "weir/buffer/buffer.h"
#include "weir/buffer/pool.h"

namespace weir {
namespace {

using namespace weir::literals;

/// As if `text` had been received.
Slice receive(ReceiveBlock& block, std::string_view text) {
  const MutableBytes room = block.room();
  EXPECT_GE(room.size(), text.size());
  std::memcpy(room.data(), text.data(), text.size());
  return block.take(text.size());
}

TEST(ReceiveBlock, obtains_memory_when_it_is_first_asked_for_room) {
  ReceiveBlock block(Pool::default_pool());
  EXPECT_EQ(Pool::default_pool().stats().blocks, 0U);

  EXPECT_EQ(block.room().size(), 64_KiB);
  EXPECT_EQ(Pool::default_pool().stats().blocks, 1U);
}

TEST(ReceiveBlock, rewinds_when_nobody_holds_what_was_received) {
  ReceiveBlock block(Pool::default_pool());
  const std::byte* begin = block.room().data();
  for (int i = 0; i < 10; ++i) {
    const Slice slice = receive(block, "hello");
    EXPECT_EQ(slice.data(), begin);
  }
}

TEST(ReceiveBlock, what_is_held_is_not_overwritten) {
  ReceiveBlock block(Pool::default_pool());
  const Slice first = receive(block, "first");
  const Slice second = receive(block, "second");

  EXPECT_EQ(as_text(first.bytes()), "first");
  EXPECT_EQ(as_text(second.bytes()), "second");
  EXPECT_EQ(second.data(), first.data() + 5);
}

TEST(ReceiveBlock, bytes_not_taken_are_overwritten) {
  ReceiveBlock block(Pool::default_pool());
  const Slice held = receive(block, "held");
  MutableBytes room = block.room();
  std::memcpy(room.data(), "dropped", 7);

  const Slice next = receive(block, "next");

  EXPECT_EQ(next.data(), room.data());
  EXPECT_EQ(as_text(held.bytes()), "held");
}

TEST(ReceiveBlock, is_replaced_when_little_room_remains_behind_held_slices) {
  ReceiveBlock block(Pool::default_pool());
  (void)block.room();
  Slice held = block.take(48_KiB);
  EXPECT_EQ(block.room().size(), 16_KiB);
  Slice more = block.take(1);

  EXPECT_EQ(block.room().size(), 64_KiB);
  EXPECT_EQ(Pool::default_pool().stats().blocks, 2U);
  held = {};
  more = {};
  EXPECT_EQ(Pool::default_pool().stats().blocks, 1U);
}

TEST(ReceiveBlock, has_no_room_when_the_budget_is_spent_and_some_when_it_is_not) {
  Pool pool({.limit = 64_KiB});
  ReceiveBlock block(pool);
  (void)block.room();
  Slice held = block.take(60_KiB);

  EXPECT_EQ(block.room().size(), 4_KiB) << "better than none";
  Slice rest = block.take(4_KiB);
  EXPECT_TRUE(block.room().empty());

  held = {};
  rest = {};
  EXPECT_EQ(block.room().size(), 64_KiB);
}

TEST(ReceiveBlock, a_released_block_lives_on_in_its_slices) {
  ReceiveBlock block(Pool::default_pool());
  const Slice slice = receive(block, "kept");

  block.release();

  EXPECT_EQ(as_text(slice.bytes()), "kept");
  EXPECT_NE(block.room().data(), slice.data());
}

TEST(ReceiveBlock, receives_in_a_row_merge_in_a_buffer) {
  ReceiveBlock block(Pool::default_pool());
  Buffer buffer;
  for (int i = 0; i < 5; ++i) buffer.append(receive(block, std::string(300, 'x')));

  EXPECT_EQ(buffer.front().size(), 1500U);
}

TEST(ReceiveBlockDeathTest, taking_more_than_the_room_is_a_programmer_error) {
  ReceiveBlock block(Pool::default_pool());
  EXPECT_DEATH((void)block.take(1), "receive_block.cc");
  (void)block.room();
  EXPECT_DEATH((void)block.take(64_KiB + 1), "receive_block.cc");
}

}  // namespace
}  // namespace weir
