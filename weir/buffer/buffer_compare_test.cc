// weir: tests of the order of buffers.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <algorithm>
#include <compare>
#include <random>
#include <string>
#include <vector>

#include "weir/buffer/buffer.h"
#include "weir/buffer/pool.h"

namespace weir {
namespace {

/// `text` in slices of at most `step` bytes that do not merge.
Buffer cut(std::string_view text, std::size_t step) {
  Buffer buffer;
  for (; !text.empty(); text.remove_prefix(std::min(step, text.size()))) {
    buffer.append(Slice::adopt(std::string(text.substr(0, step)) + '\0').subslice(0, std::min(step, text.size())));
  }
  return buffer;
}

std::strong_ordering order_of(std::string_view left, std::string_view right) { return left.compare(right) <=> 0; }

TEST(BufferCompare, the_order_is_that_of_the_bytes_however_they_are_cut) {
  std::mt19937 random(20240603);
  for (int round = 0; round < 2000; ++round) {
    std::string left(random() % 40, '\0');
    for (char& byte : left) byte = "\0a\x7F\x80\xFF"[random() % 5];
    std::string right = left.substr(0, random() % (left.size() + 1));
    if (random() % 2 == 0) right += static_cast<char>(random());
    if (random() % 3 == 0) right = left;
    const Buffer cut_left = cut(left, 1 + random() % 9);
    const Buffer cut_right = cut(right, 1 + random() % 9);

    ASSERT_EQ(cut_left <=> cut_right, order_of(left, right)) << left << " " << right;
    ASSERT_EQ(cut_left <=> std::string_view(right), order_of(left, right));
    ASSERT_EQ(cut_left <=> as_bytes(right), order_of(left, right));
    ASSERT_EQ(cut_left == cut_right, left == right);
    ASSERT_EQ(cut_left == right, left == right);
  }
}

TEST(BufferCompare, bytes_are_unsigned_and_a_beginning_comes_first) {
  EXPECT_LT(cut("\x7F", 1), cut("\x80", 1));
  EXPECT_LT(cut("abc", 2), cut("abcd", 3));
  EXPECT_LT(Buffer(), cut(std::string(1, '\0'), 1));
  EXPECT_EQ(Buffer(), Buffer());
  EXPECT_LT(cut("abc", 1), "abd");
  EXPECT_GT("abd", cut("abc", 1));
}

TEST(BufferCompare, buffers_can_be_sorted) {
  std::vector<Buffer> buffers;
  for (const std::string_view text : {"pear", "apple", "fig", "app", "figs", ""}) buffers.push_back(cut(text, 2));

  std::sort(buffers.begin(), buffers.end());

  const std::vector<std::string_view> expected = {"", "app", "apple", "fig", "figs", "pear"};
  EXPECT_TRUE(std::equal(buffers.begin(), buffers.end(), expected.begin(), expected.end()));
}

}  // namespace
}  // namespace weir
