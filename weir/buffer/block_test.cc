// weir: tests of blocks.
// SPDX-License-Identifier: MIT
#include "weir/buffer/block.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <span>
#include <string>
#include <utility>

#include "weir/base/bytes.h"
#include "weir/buffer/pool.h"
#include "weir/buffer/slice.h"

namespace weir {
namespace {

Block filled(std::string_view text) {
  Block block = Pool::default_pool().allocate(512);
  block.append(as_bytes(text));
  return block;
}

TEST(Block, what_is_committed_can_be_read_and_what_is_dropped_is_gone) {
  Block block = filled("hello");
  block.room()[0] = std::byte{'!'};

  block.commit(1);
  block.drop(1);

  EXPECT_EQ(as_text(block.bytes()), "ello!");
  EXPECT_EQ(block.size(), 5U);
  EXPECT_EQ(block.room().size(), block.capacity() - 6);
}

TEST(Block, moving_to_the_front_regains_the_dropped_room) {
  Block block = filled("hello");
  block.drop(2);

  block.move_to_front();

  EXPECT_EQ(as_text(block.bytes()), "llo");
  EXPECT_EQ(block.bytes().data(), block.data());
  EXPECT_EQ(block.room().size(), block.capacity() - 3);
}

TEST(Block, assigning_replaces_what_was_unread) {
  Block block = filled("hello");
  block.drop(3);
  const Block other = filled("something else");

  block.assign(other.bytes());

  EXPECT_EQ(as_text(block.bytes()), "something else");
  EXPECT_EQ(block.bytes().data(), block.data());
  EXPECT_EQ(as_text(other.bytes()), "something else");
}

TEST(Block, its_own_bytes_may_be_assigned) {
  Block block = filled("hello");

  block.assign(block.bytes().subspan(1));
  EXPECT_EQ(as_text(block.bytes()), "ello");

  block.assign({});
  EXPECT_TRUE(block.is_empty());
}

TEST(Block, a_block_can_be_filled_to_its_capacity_and_not_further) {
  Block block = filled("");
  const std::string whole(block.capacity(), 'x');

  block.assign(as_bytes(whole));
  EXPECT_TRUE(block.room().empty());
  EXPECT_EQ(block.size(), block.capacity());

  block.drop(1);
  EXPECT_TRUE(block.room().empty()) << "dropped room comes back by moving to the front";
  block.move_to_front();
  block.append(as_bytes("y"));
  EXPECT_EQ(block.size(), block.capacity());
}

TEST(Block, copying_out_takes_what_there_is_and_leaves_it_unread) {
  const Block block = filled("hello");
  for (const std::size_t room : {0U, 1U, 4U, 5U, 6U}) {
    std::string to(room, '-');

    const std::size_t count = block.copy_to(std::as_writable_bytes(std::span(to)));

    EXPECT_EQ(count, std::min<std::size_t>(room, 5));
    EXPECT_EQ(to, std::string("hello-").substr(0, room));
  }
  EXPECT_EQ(block.size(), 5U);
  EXPECT_EQ(Block().copy_to({}), 0U);
}

TEST(Block, dropping_the_last_byte_rewinds) {
  Block block = filled("hello");

  block.drop(5);

  EXPECT_TRUE(block.is_empty());
  EXPECT_EQ(block.room().size(), block.capacity());
}

TEST(Block, freezing_gives_a_slice_of_the_unread_bytes) {
  Block block = filled("hello");
  block.drop(1);

  const Slice slice = std::move(block).freeze();

  EXPECT_EQ(as_text(slice.bytes()), "ello");
  EXPECT_FALSE(block);
  EXPECT_TRUE(std::move(block).freeze().is_empty());
}

TEST(Block, moves_and_leaves_an_empty_block_behind) {
  Block first = filled("first");
  Block second = filled("second");

  second = std::move(first);
  EXPECT_EQ(as_text(second.bytes()), "first");
  EXPECT_EQ(first.capacity(), 0U);
  EXPECT_TRUE(first.room().empty());

  Block& same = second;
  second = std::move(same);
  EXPECT_EQ(as_text(second.bytes()), "first");
}

// hazard: PL10
TEST(BlockDeathTest, no_operation_goes_past_the_bounds) {
  Block block = filled("hello");

  EXPECT_DEATH(block.drop(6), "block.h");
  EXPECT_DEATH(block.commit(block.room().size() + 1), "block.h");
  EXPECT_DEATH(block.append(Bytes(block.data(), block.capacity())), "block.h");
  EXPECT_DEATH(block.assign(Pool::default_pool().allocate(640).room()), "block.h");
  EXPECT_DEATH(Block().commit(1), "block.h");
  EXPECT_DEATH(Block().drop(1), "block.h");
  EXPECT_DEATH(Block().assign(as_bytes("x")), "block.h");
}

}  // namespace
}  // namespace weir
