// weir: tests of the byte ring.
// SPDX-License-Identifier: MIT
#include "weir/buffer/ring_buffer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <limits>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <utility>

#include "tests/support/descriptor_check.h"

namespace weir {
namespace {

using namespace weir::literals;

std::string text_of(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

RingBuffer make_ring(std::size_t capacity = 4096) {
  Result<RingBuffer> ring = RingBuffer::create(capacity);
  EXPECT_TRUE(ring);
  return *std::move(ring);
}

/// A ring of 4096 bytes whose head stands at `head`, empty.
RingBuffer ring_with_head(std::size_t head) {
  RingBuffer ring = make_ring();
  EXPECT_TRUE(ring.append(std::string(head + 1, '.')));
  EXPECT_TRUE(ring.append("x"));
  ring.drop(head + 1);
  EXPECT_EQ(text_of(ring.bytes()), "x");
  ring.commit(0);
  return ring;
}

// hazard: RB1
TEST(RingBuffer, the_capacity_is_the_next_power_of_two_and_an_exact_one_stays) {
  EXPECT_EQ(make_ring(1).capacity(), 4096U);
  EXPECT_EQ(make_ring(4095).capacity(), 4096U);
  EXPECT_EQ(make_ring(4096).capacity(), 4096U);
  EXPECT_EQ(make_ring(4097).capacity(), 8192U);
  EXPECT_EQ(make_ring(64_KiB).capacity(), 64_KiB);
}

// hazard: RB2
TEST(RingBuffer, a_size_that_cannot_be_is_an_error) {
  EXPECT_EQ(RingBuffer::create(0).error(), std::errc::invalid_argument);
  EXPECT_EQ(RingBuffer::create(RingBuffer::max_capacity + 1).error(), std::errc::invalid_argument);
  EXPECT_EQ(RingBuffer::create(std::numeric_limits<std::size_t>::max()).error(), std::errc::invalid_argument);
  const Result<RingBuffer> large = RingBuffer::create((std::size_t{1} << 32) + 1);  // beyond 32 bits: works, or says so
  if (large) {
    EXPECT_EQ(large->capacity(), std::size_t{1} << 33);
  }
}

// hazard: RB3 RB4 RB5
TEST(RingBuffer, content_is_contiguous_wherever_the_head_stands_also_when_full) {
  for (const std::size_t head : {0U, 1U, 2047U, 4094U}) {
    RingBuffer ring = ring_with_head(head);
    std::string expected = "x";
    while (!ring.is_full()) {
      const std::string piece(std::min<std::size_t>(97, ring.room().size()),
                              static_cast<char>('a' + expected.size() % 26));
      ASSERT_TRUE(ring.append(piece));
      expected += piece;
    }
    EXPECT_EQ(ring.size(), 4096U);
    EXPECT_EQ(text_of(ring.bytes()), expected) << "head " << head;
    EXPECT_TRUE(ring.room().empty());

    std::string copied(4096, '\0');
    EXPECT_EQ(ring.copy_to(std::as_writable_bytes(std::span(copied.data(), copied.size()))), 4096U);
    EXPECT_EQ(copied, expected);
    ring.drop(4000);
    EXPECT_EQ(text_of(ring.bytes()), expected.substr(4000)) << "reading moves nothing";
    ring.drop(96);
    EXPECT_TRUE(ring.is_empty());
  }
}

// hazard: RB6 RB7 RB9
TEST(RingBuffer, what_is_not_there_is_not_found) {
  RingBuffer ring = make_ring();
  ASSERT_TRUE(ring.append("hello"));
  ring.drop(5);
  EXPECT_EQ(ring.find("hello"), std::nullopt) << "nothing stale is found";
  EXPECT_EQ(ring.find(std::byte{'h'}), std::nullopt);
  EXPECT_EQ(ring.find(""), 0U) << "nothing is everywhere";
  ASSERT_TRUE(ring.append("hell"));
  EXPECT_EQ(ring.find("hello"), std::nullopt) << "longer than the content";
  EXPECT_EQ(ring.find("ell"), 1U);
  EXPECT_EQ(ring.find(""), 0U);
}

// hazard: RB8
TEST(RingBuffer, a_needle_across_the_wrap_is_found_and_one_that_only_begins_there_is_not) {
  RingBuffer ring = ring_with_head(4090);
  ASSERT_TRUE(ring.append("12345needle"));
  EXPECT_EQ(ring.find("5needle"), 5U);
  EXPECT_EQ(ring.find("needle"), 6U);
  EXPECT_EQ(ring.find("5needlf"), std::nullopt);
  EXPECT_EQ(ring.find("needlex"), std::nullopt);
}

// hazard: RB10
TEST(RingBuffer, what_does_not_fit_is_refused_whole) {
  RingBuffer ring = make_ring();
  ASSERT_TRUE(ring.append(std::string(4000, 'a')));
  EXPECT_FALSE(ring.append(std::string(97, 'b')));
  EXPECT_EQ(ring.size(), 4000U);
  EXPECT_TRUE(ring.append(std::string(96, 'b')));
  EXPECT_FALSE(ring.append("c"));
}

// hazard: RB11
TEST(RingBuffer, nothing_may_be_added_to_and_taken_from_an_empty_one) {
  RingBuffer ring = make_ring();
  EXPECT_TRUE(ring.append(Bytes()));
  ring.drop(0);
  ring.commit(0);
  EXPECT_EQ(ring.copy_to({}), 0U);
  RingBuffer none;
  EXPECT_TRUE(none.append(Bytes()));
  EXPECT_FALSE(none.append("x"));
  none.drop(0);
  EXPECT_TRUE(none.bytes().empty());
  EXPECT_TRUE(none.room().empty());
}

// hazard: RB12
TEST(RingBuffer, a_moved_from_ring_is_empty_and_may_be_used_again) {
  RingBuffer ring = make_ring();
  ASSERT_TRUE(ring.append("hello"));

  RingBuffer other = std::move(ring);
  EXPECT_EQ(text_of(other.bytes()), "hello");
  EXPECT_EQ(ring.capacity(), 0U);  // NOLINT(bugprone-use-after-move): that is what is tested
  ring = make_ring();
  ASSERT_TRUE(ring.append("once again"));
  ring.drop(5);  // its head is not where the other's is
  other = std::move(ring);
  EXPECT_EQ(text_of(other.bytes()), "again");
  other = std::move(*&other);
  EXPECT_EQ(text_of(other.bytes()), "again");
}

// hazard: RB13
TEST(RingBuffer, more_than_2_to_the_32_bytes_pass_through) {
  RingBuffer ring = make_ring();
  for (std::uint64_t passed = 0; passed < (std::uint64_t{1} << 32) + 100'000; passed += 4001) {
    ring.commit(4001);
    ring.drop(4000);
    ring.drop(1);
  }
  ASSERT_TRUE(ring.append(std::string(4000, '.')));
  ring.drop(3999);
  ASSERT_TRUE(ring.append("across the end, and whole"));

  EXPECT_EQ(text_of(ring.bytes()), ".across the end, and whole");
}

// hazard: RB13
TEST(RingBuffer, an_index_beyond_32_bits_stays_whole) {
  constexpr std::size_t four_gib = std::size_t{1} << 32;
  Result<RingBuffer> ring = RingBuffer::create(2 * four_gib);
  if (!ring) GTEST_SKIP() << "no address space: " << ring.error().message();
  for (const std::size_t border : {four_gib, 2 * four_gib}) {  // where 32 bits wrap, and where the ring does
    ring->commit(four_gib - 4 - ring->size());                 // touches no page
    ring->drop(four_gib - 5);
    EXPECT_TRUE(ring->append("across the border")) << border;
    EXPECT_EQ(text_of(ring->bytes().subspan(1)), "across the border") << border;
    ring->drop(5);
    EXPECT_EQ(text_of(ring->bytes()), "ss the border") << border;
  }
}

TEST(RingBuffer, a_resumed_search_is_right_over_drains_and_the_wrap) {
  std::mt19937 random(7);
  RingBuffer ring = ring_with_head(4000);
  SearchPosition position;
  SearchPosition line_position;
  for (int i = 0; i < 20'000; ++i) {
    std::string piece(random() % 50, 'x');
    for (char& byte : piece) byte = "ab\r\nxxxxx"[random() % 9];
    if (!ring.append(piece)) ring.clear();
    ASSERT_EQ(ring.find("ab\r", position), ring.find("ab\r"));
    ASSERT_EQ(ring.find_line_end(LineEnd::crlf, line_position), ring.find_line_end());
    if (random() % 2 == 0) ring.drop(random() % (ring.size() + 1));
  }
}

TEST(RingBuffer, a_resumed_search_in_another_ring_begins_anew) {
  RingBuffer first = make_ring();
  RingBuffer second = make_ring();
  ASSERT_TRUE(first.append("xxxxxxx"));
  ASSERT_TRUE(second.append("xx;xxxxxx"));
  SearchPosition position;
  EXPECT_EQ(first.find(";", position), std::nullopt);

  EXPECT_EQ(second.find(";", position), 2U);

  EXPECT_EQ(first.find(";", position), std::nullopt);
  first = std::move(second);
  EXPECT_EQ(first.find(";", position), 2U);
}

TEST(RingBuffer, searches_a_part) {
  RingBuffer ring = ring_with_head(4090);
  ASSERT_TRUE(ring.append("ab;ab\nab"));  // behind an "x"
  EXPECT_EQ(ring.find("ab", {.from = 2}), 4U);
  EXPECT_EQ(ring.find("ab", {.from = 2, .within = 5}), std::nullopt);
  EXPECT_EQ(ring.find(std::byte{'x'}, {.from = 1}), std::nullopt);
  EXPECT_EQ(ring.find_any("\n;", {.from = 4}), 6U);
  EXPECT_EQ(ring.find_line_end(), 6U);
  EXPECT_EQ(ring.find("b", {.from = 100}), std::nullopt);
}

TEST(RingBuffer, gives_and_takes_as_much_as_there_is) {
  RingBuffer ring = ring_with_head(4090);
  EXPECT_EQ(ring.append_some(as_bytes(std::string(5000, 'y'))), 4095U);
  EXPECT_EQ(ring.append_some(as_bytes("z")), 0U);

  std::string taken(4000, '\0');
  EXPECT_EQ(ring.take(std::as_writable_bytes(std::span(taken))), 4000U);
  EXPECT_EQ(taken, "x" + std::string(3999, 'y'));
  EXPECT_EQ(ring.take(std::as_writable_bytes(std::span(taken))), 96U);
  EXPECT_EQ(ring.take(std::as_writable_bytes(std::span(taken))), 0U);
}

TEST(RingBuffer, agrees_with_a_queue_over_many_times_its_capacity) {
  RingBuffer ring = make_ring();
  std::deque<char> model;
  std::mt19937 random(1);
  for (int i = 0; i < 100'000; ++i) {
    const std::string piece(random() % 700, static_cast<char>(random()));
    if (ring.append(piece)) {
      model.insert(model.end(), piece.begin(), piece.end());
    } else {
      EXPECT_GT(model.size() + piece.size(), ring.capacity());
    }
    const std::size_t count = random() % (ring.size() + 1);
    ring.drop(count);
    model.erase(model.begin(), model.begin() + static_cast<std::ptrdiff_t>(count));
    ASSERT_EQ(ring.size(), model.size());
    ASSERT_EQ(ring.room().size(), ring.capacity() - model.size());
    if (!model.empty()) {
      ASSERT_EQ(static_cast<char>(ring.bytes().front()), model.front());
      ASSERT_EQ(static_cast<char>(ring.bytes().back()), model.back());
    }
  }
}

TEST(RingBuffer, is_filled_in_place) {
  RingBuffer ring = ring_with_head(4000);
  const MutableBytes room = ring.room();
  ASSERT_EQ(room.size(), 4095U);
  std::fill(room.begin(), room.end(), std::byte{'y'});
  ring.commit(room.size());

  EXPECT_EQ(text_of(ring.bytes()), "x" + std::string(4095, 'y'));
}

TEST(RingBufferDeathTest, taking_or_committing_more_than_there_is_is_a_programmer_error) {
  RingBuffer ring = make_ring();
  EXPECT_DEATH(ring.drop(1), "");
  EXPECT_DEATH(ring.commit(4097), "");
  EXPECT_DEATH((void)ring.copy_to({}, 1), "");
}

}  // namespace
}  // namespace weir
