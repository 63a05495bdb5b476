// weir: tests of reading out of buffers.
// SPDX-License-Identifier: MIT
#include "weir/buffer/cursor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "tests/support/throws.h"
#include "weir/buffer/allocation_plan.h"
#include "weir/buffer/pool.h"

namespace weir {
namespace {

using namespace weir::literals;
using testing_support::throws_bad_alloc;

std::string text_of(const Buffer& buffer) {
  std::string text(buffer.size(), '\0');
  buffer.copy_to(std::as_writable_bytes(std::span(text.data(), text.size())));
  return text;
}

/// The text cut into slices of `size` bytes, which do not merge. The memory is the caller's.
Buffer cut(const std::string& text, const std::string& copy, std::size_t size) {
  Buffer buffer;
  for (std::size_t at = 0, i = 0; at < text.size(); at += size, ++i) {
    buffer.append_static(std::string_view(i % 2 == 0 ? text : copy).substr(at, size));
  }
  return buffer;
}

const std::string changing_text(1000, 'c');

TEST(Cursor, reads_integers_in_both_byte_orders_however_they_are_cut) {
  const std::string text = "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0A\x0B\x0C\x0D\x0E\x0F\x10\x11";
  const std::string copy = text;
  for (std::size_t size = 1; size <= text.size(); ++size) {
    const Buffer buffer = cut(text, copy, size);
    Cursor cursor(buffer);

    EXPECT_EQ(cursor.read_big_endian<std::uint16_t>(), 0x0102);
    EXPECT_EQ(cursor.read_little_endian<std::uint16_t>(), 0x0403);
    EXPECT_EQ(cursor.read_big_endian<std::uint64_t>(), 0x05060708090A0B0CU);
    EXPECT_EQ(cursor.read_little_endian<std::int32_t>(), 0x100F0E0D);
    EXPECT_EQ(cursor.read_byte(), std::byte{0x11});
    EXPECT_TRUE(cursor.is_at_end());
    EXPECT_EQ(cursor.read_byte(), std::nullopt);
    EXPECT_EQ(cursor.position(), text.size());
  }
}

TEST(Cursor, stays_where_it_is_when_there_is_too_little) {
  const std::string text = "abcde";
  const std::string copy = text;
  const Buffer buffer = cut(text, copy, 2);
  Cursor cursor(buffer);
  std::array<std::byte, 6> into{};

  EXPECT_EQ(cursor.read_big_endian<std::uint64_t>(), std::nullopt);
  EXPECT_EQ(cursor.read_string(6), std::nullopt);
  EXPECT_FALSE(cursor.read(into));
  EXPECT_FALSE(cursor.skip(6));
  EXPECT_EQ(cursor.position(), 0U);
  EXPECT_EQ(cursor.read_string(5), "abcde");
  EXPECT_EQ(cursor.left(), 0U);
  EXPECT_EQ(cursor.read_string(0), "");
  EXPECT_TRUE(cursor.skip(0));
  EXPECT_TRUE(cursor.read({}));
}

TEST(Cursor, of_an_empty_buffer_reads_nothing) {
  const Buffer buffer;
  Cursor cursor(buffer);

  EXPECT_TRUE(cursor.is_at_end());
  EXPECT_TRUE(cursor.run().empty());
  EXPECT_EQ(cursor.read_byte(), std::nullopt);
  EXPECT_TRUE(cursor.read_slice().is_empty());
  EXPECT_TRUE(cursor.read_buffer(0).is_empty());
  EXPECT_EQ(*cursor.read_varint(), std::nullopt);
}

TEST(Cursor, reads_varints_however_they_are_cut) {
  const std::vector<std::uint64_t> numbers = {0,
                                              1,
                                              127,
                                              128,
                                              300,
                                              16'383,
                                              16'384,
                                              std::uint64_t{1} << 35,
                                              (std::uint64_t{1} << 63) - 1,
                                              std::uint64_t{1} << 63,
                                              std::numeric_limits<std::uint64_t>::max()};
  std::string text;
  for (const std::uint64_t number : numbers) text += as_text(Varint(number).bytes());
  const std::string copy = text;
  for (std::size_t size = 1; size <= 11; ++size) {
    const Buffer buffer = cut(text, copy, size);
    Cursor cursor(buffer);
    for (const std::uint64_t number : numbers) EXPECT_EQ(**cursor.read_varint(), number);
    EXPECT_TRUE(cursor.is_at_end());
  }
}

TEST(Cursor, waits_for_the_end_of_a_varint_and_refuses_one_that_is_too_large) {
  Buffer buffer;
  for (int i = 0; i < 9; ++i) {
    buffer.append("\xFF");
    Cursor cursor(buffer);
    EXPECT_EQ(*cursor.read_varint(), std::nullopt);
    EXPECT_EQ(cursor.position(), 0U);
  }
  buffer.append("\x02");  // the 65th bit
  Cursor cursor(buffer);
  EXPECT_EQ(cursor.read_varint().error(), std::errc::value_too_large);
  EXPECT_EQ(cursor.position(), 0U);

  Buffer endless;
  endless.append(std::string(11, '\x80'));
  EXPECT_EQ(Cursor(endless).read_varint().error(), std::errc::value_too_large);
}

TEST(Cursor, reads_numbers_with_a_folded_sign) {
  constexpr auto least = std::numeric_limits<std::int64_t>::min();
  constexpr auto most = std::numeric_limits<std::int64_t>::max();
  static_assert(fold_sign(0) == 0 && fold_sign(-1) == 1 && fold_sign(1) == 2 && fold_sign(-2) == 3);
  Buffer buffer;
  const std::vector<std::int64_t> numbers = {0, -1, 1, -64, 64, least, most};
  for (const std::int64_t number : numbers) buffer.append(Varint(fold_sign(number)).bytes());
  Cursor cursor(buffer);

  for (const std::int64_t number : numbers) EXPECT_EQ(**cursor.read_signed_varint(), number);
  EXPECT_EQ(*cursor.read_signed_varint(), std::nullopt);
}

TEST(Cursor, reads_strings_that_end_with_a_nul) {
  const std::string text("one\0two\0\0rest", 13);
  const std::string copy = text;
  for (std::size_t size = 1; size <= text.size(); ++size) {
    const Buffer buffer = cut(text, copy, size);
    Cursor cursor(buffer);
    EXPECT_EQ(**cursor.read_terminated_string(100), "one");
    EXPECT_EQ(cursor.position(), 4U);
    EXPECT_EQ(**cursor.read_terminated_string(4), "two");
    EXPECT_EQ(**cursor.read_terminated_string(1), "");
    EXPECT_EQ(*cursor.read_terminated_string(100), std::nullopt) << "there is no NUL yet";
    EXPECT_EQ(cursor.read_terminated_string(4).error(), errc::limit);
    EXPECT_EQ(*cursor.read_terminated_string(5), std::nullopt);
    EXPECT_EQ(cursor.left(), 4U);
  }
}

TEST(Cursor, hands_out_pieces_that_share_the_memory_and_outlive_the_buffer) {
  Buffer piece;
  Slice slice;
  {
    Buffer buffer;
    buffer.append(std::string(20'000, 'a'));
    buffer.append(std::string(20'000, 'b'));
    Cursor cursor(buffer);
    ASSERT_TRUE(cursor.skip(10'000));
    piece = cursor.read_buffer(20'000);
    slice = cursor.read_slice(5'000);
    EXPECT_EQ(cursor.position(), 35'000U);
    EXPECT_EQ(buffer.size(), 40'000U);
    EXPECT_GE(piece.front().data(), buffer.front().data());
    EXPECT_LT(piece.front().data(), buffer.front().data() + 20'000);
  }
  EXPECT_EQ(text_of(piece), std::string(10'000, 'a') + std::string(10'000, 'b'));
  EXPECT_EQ(as_text(slice.bytes()), std::string(5'000, 'b'));
}

TEST(Cursor, stays_when_there_is_no_memory_for_a_piece) {
  (void)Pool::default_pool();  // is made at its first use
  const std::string text(3000, 'x');
  const std::string copy = text;
  const Buffer buffer = cut(text, copy, 10);
  std::vector<Buffer> pieces(40);  // each needs nodes, and threads keep few spare ones
  int failed = 0;
  for (Buffer& piece : pieces) {
    Cursor cursor(buffer);
    const bool has_failed = throws_bad_alloc([&] {
      const AllocationPlan failing(1, true);
      piece = cursor.read_buffer(3000);
    });
    EXPECT_EQ(cursor.position(), has_failed ? 0U : 3000U);
    if (!has_failed) continue;
    ++failed;
    EXPECT_EQ(cursor.read_buffer(3000).size(), 3000U);
  }
  EXPECT_GT(failed, 0);
}

TEST(Cursor, reads_unsigned_numbers_of_every_size) {
  const std::string text = "\x01\x02\x03\x04\x05\x06\x07\x08";
  const std::string copy = text;
  for (std::size_t step = 1; step <= text.size(); ++step) {
    const Buffer buffer = cut(text, copy, step);
    for (std::size_t bytes = 1; bytes <= 8; ++bytes) {
      std::uint64_t expected = 0;
      for (std::size_t i = 1; i <= bytes; ++i) expected = expected << 8 | i;
      EXPECT_EQ(Cursor(buffer).read_unsigned(bytes, std::endian::big), expected);
      expected = 0;
      for (std::size_t i = bytes; i >= 1; --i) expected = expected << 8 | i;
      EXPECT_EQ(Cursor(buffer).read_unsigned(bytes, std::endian::little), expected);
    }
    Cursor cursor(buffer);
    ASSERT_TRUE(cursor.skip(6));
    EXPECT_EQ(cursor.read_unsigned(3, std::endian::big), std::nullopt);
    EXPECT_EQ(cursor.position(), 6U);
  }
}

TEST(Cursor, a_peek_does_not_move_it) {
  const std::string text = "\x01\x02\x03\x04";
  const std::string copy = text;
  const Buffer buffer = cut(text, copy, 3);
  Cursor cursor(buffer);
  std::array<std::byte, 4> into{};

  EXPECT_EQ(cursor.peek_byte(), std::byte{1});
  EXPECT_EQ(cursor.peek_big_endian<std::uint32_t>(), 0x01020304U);
  EXPECT_EQ(cursor.peek_little_endian<std::uint16_t>(), 0x0201);
  EXPECT_EQ(cursor.peek_big_endian<std::uint64_t>(), std::nullopt);
  EXPECT_TRUE(cursor.peek(into));
  EXPECT_EQ(as_text(into), text);
  EXPECT_EQ(cursor.position(), 0U);
}

TEST(Cursor, goes_to_any_position_in_both_directions) {
  const std::string text = "0123456789";
  const std::string copy = text;
  for (std::size_t step = 1; step <= text.size(); ++step) {
    const Buffer buffer = cut(text, copy, step);
    Cursor cursor(buffer);
    for (const std::size_t position : {7U, 3U, 3U, 0U, 9U, 10U, 1U}) {
      EXPECT_TRUE(cursor.seek(position));
      EXPECT_EQ(cursor.position(), position);
      EXPECT_EQ(cursor.left(), 10 - position);
      EXPECT_EQ(as_text(Bytes(cursor.run())), std::string_view(text).substr(position, cursor.run().size()));
      if (position < 10) {
        EXPECT_EQ(cursor.peek_byte(), static_cast<std::byte>('0' + position));
      }
    }
    EXPECT_FALSE(cursor.seek(11));
    EXPECT_EQ(cursor.position(), 1U);
  }
}

TEST(Cursor, searches_from_where_it_stands) {
  const std::string text = "key=value; key=other;\r\nrest";
  const std::string copy = text;
  for (std::size_t step = 1; step <= text.size(); ++step) {
    const Buffer buffer = cut(text, copy, step);
    Cursor cursor(buffer);
    for (std::size_t position = 0; position <= text.size(); ++position) {
      ASSERT_TRUE(cursor.seek(position));
      const std::string_view rest = std::string_view(text).substr(position);
      const auto expected = [&](std::size_t at) { return at == rest.npos ? std::nullopt : std::optional(at); };
      EXPECT_EQ(cursor.find("key"), expected(rest.find("key")));
      EXPECT_EQ(cursor.find(std::byte{';'}), expected(rest.find(';')));
      EXPECT_EQ(cursor.find_any("=\r"), expected(rest.find_first_of("=\r")));
      EXPECT_EQ(cursor.find_line_end(), expected(rest.find("\r\n") == rest.npos ? rest.find('\n') : rest.find("\r\n")));
      EXPECT_EQ(cursor.find("key", {.from = 3}), expected(rest.size() < 3 ? rest.npos : rest.find("key", 3)));
      EXPECT_EQ(cursor.find("key", {.within = 3}), expected(rest.substr(0, 3).find("key")));
      EXPECT_EQ(cursor.find(""), 0U);
      EXPECT_EQ(cursor.position(), position);
    }
  }
}

TEST(CursorDeathTest, more_than_is_left_is_no_piece) {
  const Buffer buffer;
  EXPECT_DEATH((void)Cursor(buffer).read_buffer(1), "");
}

#ifndef NDEBUG
// hazard: B5
TEST(CursorDeathTest, reading_on_after_the_buffer_has_changed_is_caught_in_debug_builds) {
  const std::vector<void (*)(Buffer&)> changes = {
      [](Buffer& b) { b.append("more"); },
      [](Buffer& b) { b.drop(1); },
      [](Buffer& b) { b.drop(500); },
      [](Buffer& b) { (void)b.take(1); },
      [](Buffer& b) { (void)b.take_all(); },
      [](Buffer& b) { (void)b.split(1); },
      [](Buffer& b) { b.prepend("x"); },
      [](Buffer& b) { (void)b.contiguous(600); },
      [](Buffer& b) { (void)b.writable(5); },
      [](Buffer& b) { b.compact(); },
      [](Buffer& b) { b.clear(); },
      [](Buffer& b) { b = Buffer(); },
      // What leaves the size, and the first slice, as they were.
      [](Buffer& b) {
        b.truncate(599);
        b.append("y");
      },
      [](Buffer& b) {
        const Buffer rest = b.split(550);
        b.append(std::string(50, 'z'));
      },
      [](Buffer& b) {
        Buffer same = b.share();
        b.clear();
        b.append(std::move(same));
      },
  };
  for (const auto change : changes) {
    Pool pool;
    Buffer buffer(pool);
    buffer.append_static(std::string_view(changing_text).substr(0, 500));
    Block block = pool.allocate(64 * 1024);  // which `compact` leaves
    block.append(as_bytes(std::string(100, 'b')));
    buffer.append(std::move(block).freeze());
    Cursor cursor(buffer);

    EXPECT_DEATH(
        {
          change(buffer);
          (void)cursor.read_byte();
        },
        "");
  }
}

// hazard: B5
TEST(CursorDeathTest, reading_on_after_bytes_were_made_writable_in_place_is_caught_in_debug_builds) {
  Buffer buffer;
  buffer.append("some text");
  Cursor cursor(buffer);

  EXPECT_DEATH(
      {
        (void)buffer.writable(4);
        (void)cursor.read_byte();
      },
      "");
}

TEST(Cursor, what_changes_nothing_for_readers_does_not_disturb_it) {
  Buffer buffer;
  buffer.append("some text");
  Cursor cursor(buffer);
  SearchPosition position;

  EXPECT_TRUE(buffer.find("text", position));
  (void)buffer.prepare(10'000);
  EXPECT_TRUE(buffer.reserve(10'000));
  (void)buffer.share();
  (void)buffer.contiguous(4);

  EXPECT_EQ(cursor.read_string(9), "some text");
}
#endif

TEST(Cursor, reads_any_byte_as_a_truth_value) {
  Buffer buffer;
  buffer.append(std::string_view("\2\0\1", 3));
  Cursor cursor(buffer);

  EXPECT_EQ(cursor.read_big_endian<bool>(), true);
  EXPECT_EQ(cursor.read_big_endian<bool>(), false);
  EXPECT_EQ(cursor.read_little_endian<bool>(), true);
  EXPECT_EQ(cursor.read_little_endian<bool>(), std::nullopt);
}

}  // namespace
}  // namespace weir
