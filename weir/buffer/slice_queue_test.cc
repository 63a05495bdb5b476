// weir: tests of the nodes in which a buffer's slices stand.
// SPDX-License-Identifier: MIT
#include "weir/buffer/slice_queue.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <vector>

#include "weir/buffer/buffer.h"

namespace weir {
namespace {

const std::string text(4096, 'x');

/// A piece of static memory, which counts no references, told from others by its length.
Piece piece(std::size_t size) { return {as_bytes(text).data(), size, nullptr}; }

class SliceQueues : public testing::Test {
 protected:
  ~SliceQueues() override {
    queue.forget();
    rest.forget();
  }

  static void push(SliceQueue& to, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) ASSERT_TRUE(to.push(piece(1 + i)));
  }

  static std::vector<std::size_t> sizes(const SliceQueue& of) {
    std::vector<std::size_t> sizes;
    for (SliceQueue::Iterator each = of.begin(); each; ++each) sizes.push_back(each->size);
    return sizes;
  }

  /// In how many places one has to look on while walking.
  static std::size_t nodes(const SliceQueue& of) {
    std::size_t count = 0;
    for (SliceQueue::Iterator each = of.begin(); each; each.next_run()) {
      while (each.step_in_run()) continue;
      ++count;
    }
    return count;
  }

  SliceQueue queue;
  SliceQueue rest;
};

TEST_F(SliceQueues, cutting_and_joining_at_every_piece_leaves_them_dense) {
  push(queue, 1000);
  const std::vector<std::size_t> before = sizes(queue);

  for (std::size_t i = 1; i < 1000; ++i) {
    std::size_t offset = i * (i + 1) / 2;  // where piece `i` begins
    const SliceQueue::Place place = queue.find(&offset);
    ASSERT_TRUE(queue.split(place, offset, rest));
    ASSERT_TRUE(queue.splice(rest));
  }

  EXPECT_EQ(sizes(queue), before);
  EXPECT_LE(nodes(queue), 1000 / SliceQueue::node_pieces + 2);
}

TEST_F(SliceQueues, what_is_put_in_front_and_consumed_leaves_no_sparse_nodes) {
  push(queue, 30);
  for (int i = 0; i < 200; ++i) {
    push(rest, SliceQueue::node_pieces);
    ASSERT_TRUE(queue.splice_front(rest));
    for (std::uint32_t consumed = 1; consumed < SliceQueue::node_pieces; ++consumed) queue.pop_front();
  }

  EXPECT_EQ(queue.count(), 230U);
  EXPECT_LE(nodes(queue), 230 / 10 + 2U);
}

TEST_F(SliceQueues, what_is_appended_and_cut_off_again_leaves_no_sparse_nodes) {
  push(queue, 30);
  for (int i = 0; i < 200; ++i) {
    push(rest, SliceQueue::node_pieces);
    ASSERT_TRUE(queue.splice(rest));
    std::size_t all = 0;
    std::vector<std::size_t> each = sizes(queue);
    each.resize(each.size() - (SliceQueue::node_pieces - 1));
    for (const std::size_t size : each) all += size;
    const SliceQueue::Place place = queue.find(&all);
    ASSERT_TRUE(queue.split(place, all, rest));
    rest.forget();
  }

  EXPECT_EQ(queue.count(), 230U);
  EXPECT_LE(nodes(queue), 230 / 10 + 2U);
}

TEST_F(SliceQueues, chains_of_every_length_are_joined_in_order) {
  for (std::size_t left = 1; left < 45; ++left) {
    for (std::size_t right = 1; right < 45; ++right) {
      for (const std::size_t consumed : {std::size_t{0}, right / 2, right - 1}) {
        push(queue, left);
        push(rest, right);
        for (std::size_t i = 0; i < consumed; ++i) rest.pop_front();
        std::vector<std::size_t> expected = sizes(queue);
        for (const std::size_t size : sizes(rest)) expected.push_back(size);

        ASSERT_TRUE(queue.splice(rest));
        ASSERT_TRUE(queue.push(piece(77)));

        expected.push_back(77);
        ASSERT_EQ(sizes(queue), expected) << left << " and " << right;
        ASSERT_TRUE(rest.is_empty());
        queue.forget();
      }
    }
  }
}

}  // namespace
}  // namespace weir
