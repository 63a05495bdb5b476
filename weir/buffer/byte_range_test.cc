// weir: tests of iterating over buffers.
// SPDX-License-Identifier: MIT
#include "weir/buffer/byte_range.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

#include "weir/buffer/pool.h"

namespace weir {
namespace {

static_assert(std::forward_iterator<SliceRange::Iterator> && std::forward_iterator<ByteRange::Iterator>);
static_assert(std::ranges::forward_range<SliceRange> && std::ranges::forward_range<ByteRange>);

TEST(ByteRange, gives_every_byte_once_however_they_are_cut) {
  const std::string text = "some text of several slices";
  for (std::size_t step = 1; step <= text.size(); ++step) {
    Buffer buffer;
    for (std::size_t at = 0; at < text.size(); at += step) buffer.append(Slice::adopt(text.substr(at, step)));

    const ByteRange bytes(buffer);

    EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), as_bytes(text).begin(), as_bytes(text).end()));
    EXPECT_EQ(std::count(bytes.begin(), bytes.end(), std::byte{'e'}), std::count(text.begin(), text.end(), 'e'));
  }
}

TEST(ByteRange, of_an_empty_buffer_is_empty) {
  Buffer buffer;
  buffer.append("something");
  buffer.drop(9);

  EXPECT_EQ(ByteRange(buffer).begin(), ByteRange(buffer).end());
}

TEST(ByteRange, places_in_two_slices_of_the_same_memory_differ) {
  const Slice slice = Slice::from_static("ab");
  Buffer buffer;
  buffer.append(slice);
  buffer.append_static("-");
  buffer.append(slice);
  const ByteRange bytes(buffer);

  EXPECT_NE(bytes.begin(), std::next(bytes.begin(), 3));
  EXPECT_EQ(std::distance(bytes.begin(), bytes.end()), 5);
}

TEST(SliceRange, is_a_range_of_the_standard_library) {
  Buffer buffer;
  buffer.append_static("one");
  buffer.append_static("three");
  const SliceRange slices = buffer.slices();

  const auto longest = std::max_element(
      slices.begin(), slices.end(), [](const Slice& left, const Slice& right) { return left.size() < right.size(); });

  EXPECT_EQ(as_text(longest->bytes()), "three");
}

}  // namespace
}  // namespace weir
