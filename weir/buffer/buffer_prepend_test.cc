// weir: tests of what is put before a buffer's content.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <array>
#include <string>

#include "tests/support/throws.h"
#include "weir/buffer/allocation_plan.h"
#include "weir/buffer/buffer.h"
#include "weir/buffer/draft.h"
#include "weir/buffer/pool.h"

namespace weir {
namespace {

using testing_support::throws_bad_alloc;

Buffer buffer_of(std::string_view text) {
  Buffer buffer;
  buffer.append(text);
  return buffer;
}

TEST(BufferPrepend, puts_bytes_before_the_content_at_every_size) {
  for (const std::size_t size : {0U, 1U, 127U, 128U, 129U, 255U, 256U, 257U, 511U, 512U, 513U, 4096U, 100'000U}) {
    Buffer buffer = buffer_of("content");
    const std::string head(size, 'h');

    buffer.prepend(head);

    EXPECT_EQ(buffer, head + "content") << size;
  }
}

TEST(BufferPrepend, layers_of_headers_share_one_block) {
  Buffer buffer;
  buffer.append(Slice::from_static("payload"));
  const std::size_t before = Pool::default_pool().stats().blocks;

  std::string expected = "payload";
  for (const std::size_t size : {8U, 16U, 32U, 48U, 64U}) {
    const std::string header(size, static_cast<char>('a' + size / 8));
    buffer.prepend(header);
    expected.insert(0, header);
  }

  EXPECT_EQ(buffer, expected);
  EXPECT_EQ(Pool::default_pool().stats().blocks - before, 1U);
  EXPECT_EQ(buffer.slice_count(), 2U);
}

TEST(BufferPrepend, what_was_dropped_is_room_again_if_nobody_views_it) {
  Buffer buffer = buffer_of("0123456789");
  const std::byte* front = buffer.front().data();
  buffer.drop(4);

  buffer.prepend("abcd");

  EXPECT_EQ(buffer, "abcd456789");
  EXPECT_EQ(buffer.front().data(), front);
  EXPECT_EQ(buffer.slice_count(), 1U);
}

TEST(BufferPrepend, what_somebody_else_views_is_not_written_to) {
  Buffer buffer = buffer_of("0123456789");
  const Slice kept = *buffer.slices().begin();
  buffer.drop(4);

  buffer.prepend("abcd");

  EXPECT_EQ(buffer, "abcd456789");
  EXPECT_EQ(as_text(kept.bytes()), "0123456789");
}

TEST(BufferPrepend, foreign_and_tiny_memory_is_not_written_to) {
  const std::string text(2000, 'f');
  std::string copy = text;
  Buffer buffer;
  buffer.append_foreign(as_bytes(copy), [] {});
  buffer.drop(100);
  buffer.prepend("abc");
  EXPECT_EQ(copy, text);
  EXPECT_EQ(buffer.size(), 1903U);

  const Slice tiny = Slice::copy_of(as_bytes("0123456789"), Pool::default_pool());
  Buffer second;
  second.append(tiny.subslice(5, 5));
  second.prepend("XYZ");
  EXPECT_EQ(second, "XYZ56789");
  EXPECT_EQ(as_text(tiny.bytes()), "0123456789");
}

TEST(BufferPrepend, a_block_that_a_draft_writes_to_is_not_written_to) {
  Buffer buffer = buffer_of("0123456789");
  Draft draft = buffer.draft();
  draft.append("staged");
  buffer.drop(9);

  buffer.prepend("ABCD");
  draft.commit();

  EXPECT_EQ(buffer, "ABCD9staged");
}

// hazard: B7
TEST(BufferPrepend, bytes_of_the_buffer_itself_may_be_prepended) {
  Buffer buffer = buffer_of("0123456789");
  buffer.drop(4);
  buffer.prepend(buffer.front().subspan(2));
  EXPECT_EQ(buffer, "6789456789");
  buffer.prepend(buffer.front());
  EXPECT_EQ(buffer, "67894567896789456789");
  static const std::string piece(200, '.');
  std::string expected = "67894567896789456789";
  Buffer& same = buffer;
  for (int i = 0; i < 12; ++i) {  // few slices are moved one by one, many are not
    buffer.prepend(std::move(same));
    ASSERT_EQ(buffer, expected);
    buffer.prepend(Slice::from_static(piece));
    expected.insert(0, piece);
  }
}

TEST(BufferPrepend, a_whole_buffer_moves_without_a_copy) {
  Buffer head;
  const std::string text(3000, 'h');
  head.append_foreign(as_bytes(text), [] {});
  Buffer body = buffer_of("body");

  body.prepend(std::move(head));

  EXPECT_EQ(body.front().data(), as_bytes(text).data());
  EXPECT_EQ(body, text + "body");
  EXPECT_TRUE(head.is_empty());  // NOLINT(bugprone-use-after-move): promised
  head.append("reusable");
  body.append("!");
  EXPECT_EQ(body, text + "body!");
  EXPECT_EQ(body.slice_count(), 2U);
}

TEST(BufferPrepend, to_an_empty_buffer_is_an_append) {
  Buffer buffer;
  buffer.prepend("abc");
  buffer.append("def");
  EXPECT_EQ(buffer, "abcdef");

  Buffer other;
  other.prepend(std::move(buffer));
  other.append("ghi");
  EXPECT_EQ(other, "abcdefghi");
}

TEST(BufferPrepend, many_pieces_at_both_ends_stay_in_order) {
  Buffer buffer;
  std::string expected;
  const std::string text(300, 't');
  for (int i = 0; i < 200; ++i) {
    const auto piece = Slice::from_static(std::string_view(text).substr(0, 130 + static_cast<std::size_t>(i) % 7));
    const std::string mark = std::to_string(i);
    buffer.prepend(piece);
    buffer.prepend(Slice::copy_of(as_bytes(mark), Pool::default_pool()));
    expected = mark + std::string(as_text(piece.bytes())) + expected;
    if (i % 3 == 0) {
      buffer.append(piece);
      expected += as_text(piece.bytes());
    }
    if (i % 5 == 0) {
      buffer.drop(100);
      expected.erase(0, 100);
    }
    ASSERT_EQ(buffer, expected) << i;
  }
}

TEST(BufferPrepend, a_large_buffer_takes_the_others_nodes) {
  Buffer head, body;
  std::string expected_head, expected_body;
  const std::string text(200, 't');
  for (int i = 0; i < 100; ++i) {
    head.append(Slice::from_static(std::string_view(text).substr(0, 150)));
    expected_head += text.substr(0, 150);
    body.append(Slice::from_static(std::string_view(text).substr(0, 160)));
    expected_body += text.substr(0, 160);
  }

  const std::size_t before = allocations_so_far();
  body.prepend(std::move(head));

  EXPECT_EQ(allocations_so_far(), before);
  EXPECT_EQ(body, expected_head + expected_body);
}

TEST(BufferPrepend, small_buffers_in_front_fill_nodes) {
  Buffer buffer;
  const std::string text(300, 't');
  for (int i = 0; i < 10; ++i)
    buffer.append(Slice::from_static(std::string_view(text).substr(i % 2 == 0 ? 0 : 1, 200)));
  std::string expected;
  const std::size_t before = allocations_so_far();

  for (int i = 0; i < 1000; ++i) {
    Buffer head;
    head.append(Slice::from_static(std::string_view(text).substr(i % 2 == 0 ? 0 : 1, 150)));
    buffer.prepend(std::move(head));
  }

  EXPECT_EQ(buffer.slice_count(), 1010U);
  EXPECT_LE(allocations_so_far() - before, 70U) << "about twenty slices to a node";
}

TEST(BufferPrepend, integers_go_before_in_either_order) {
  Buffer buffer = buffer_of("x");
  buffer.prepend_big_endian(std::uint32_t{0x01020304});
  buffer.prepend_little_endian(std::uint16_t{0x0506});

  EXPECT_EQ(buffer, std::string_view("\x06\x05\x01\x02\x03\x04x", 7));
}

TEST(BufferPrepend, a_resumed_search_finds_what_came_in_front) {
  Buffer buffer = buffer_of("-----");
  SearchPosition position;
  EXPECT_FALSE(buffer.find("needle", position));

  buffer.prepend("a needle");

  EXPECT_EQ(*buffer.find("needle", position), 2U);
}

TEST(BufferPrepend, without_memory_throws_and_changes_nothing) {
  for (std::size_t failing = 1; failing <= 3; ++failing) {
    Pool pool({.cached = false});
    Buffer buffer(pool);
    for (int i = 0; i < 3; ++i) buffer.append(Slice::from_static(i % 2 == 0 ? "even" : "odd"));
    buffer.append(Slice::from_static("x"));
    const std::string before = "evenoddevenx";
    Slice slice = Slice::from_static("slice");
    const AllocationPlan plan(failing);
    const bool threw =
        throws_bad_alloc([&] { failing % 2 == 0 ? buffer.prepend(Slice(slice)) : buffer.prepend("copied"); });
    if (threw) {
      EXPECT_EQ(buffer, before) << failing;
    } else {
      EXPECT_GT(buffer.size(), before.size());
    }
  }
}

}  // namespace
}  // namespace weir
