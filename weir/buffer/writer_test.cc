// weir: tests of writing into a given piece of memory.
// SPDX-License-Identifier: MIT
#include "weir/buffer/writer.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <limits>
#include <string>

#include "weir/buffer/buffer.h"
#include "weir/buffer/cursor.h"
#include "weir/buffer/draft.h"
#include "weir/buffer/pool.h"

namespace weir {
namespace {

TEST(Writer, what_was_written_is_read_again) {
  Buffer buffer;
  Writer writer(buffer.prepare(200));
  EXPECT_TRUE(writer.write_big_endian<std::uint16_t>(0x0102));
  EXPECT_TRUE(writer.write_little_endian<std::int32_t>(-5));
  EXPECT_TRUE(writer.write_byte(std::byte{7}));
  EXPECT_TRUE(writer.write_unsigned(0xABCDEF, 3, std::endian::big));
  EXPECT_TRUE(writer.write_unsigned(0xABCDEF, 3, std::endian::little));
  EXPECT_TRUE(writer.write_unsigned(std::numeric_limits<std::uint64_t>::max(), 8, std::endian::big));
  EXPECT_TRUE(writer.write_varint(300));
  EXPECT_TRUE(writer.write_signed_varint(-300));
  EXPECT_TRUE(writer.write("text"));
  EXPECT_TRUE(writer.write(Bytes()));
  buffer.commit(writer.written());

  Cursor cursor(buffer);
  EXPECT_EQ(cursor.read_big_endian<std::uint16_t>(), 0x0102);
  EXPECT_EQ(cursor.read_little_endian<std::int32_t>(), -5);
  EXPECT_EQ(cursor.read_byte(), std::byte{7});
  EXPECT_EQ(cursor.read_unsigned(3, std::endian::big), 0xABCDEFU);
  EXPECT_EQ(cursor.read_unsigned(3, std::endian::little), 0xABCDEFU);
  EXPECT_EQ(cursor.read_unsigned(8, std::endian::big), std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(**cursor.read_varint(), 300U);
  EXPECT_EQ(**cursor.read_signed_varint(), -300);
  EXPECT_EQ(cursor.read_string(4), "text");
  EXPECT_TRUE(cursor.is_at_end());
}

/// Every kind of write, each of which takes four bytes or more.
template <class Try>
void for_each_write(Try attempt) {
  attempt([](Writer& writer) { return writer.write_big_endian<std::uint32_t>(1); });
  attempt([](Writer& writer) { return writer.write_little_endian<std::uint64_t>(1); });
  attempt([](Writer& writer) { return writer.write_unsigned(1, 5, std::endian::big); });
  attempt([](Writer& writer) { return writer.write_varint(1 << 28); });
  attempt([](Writer& writer) { return writer.write_signed_varint(1 << 28); });
  attempt([](Writer& writer) { return writer.write("text"); });
  attempt([](Writer& writer) { return writer.skip(4); });
}

TEST(Writer, what_does_not_fit_is_not_begun) {
  for (std::size_t room = 0; room < 4; ++room) {
    for_each_write([room](auto write) {
      std::array<std::byte, 8> memory{};
      Writer writer(MutableBytes(memory).first(room));

      EXPECT_FALSE(write(writer));

      EXPECT_EQ(writer.written(), 0U);
      EXPECT_EQ(writer.left(), room);
      EXPECT_EQ(memory, (std::array<std::byte, 8>{}));
      EXPECT_EQ(writer.write_byte(std::byte{1}), room > 0) << "what fits may still be written";
    });
  }
}

TEST(Writer, fills_its_memory_to_the_last_byte) {
  std::array<std::byte, 8> memory{};
  Writer writer{MutableBytes(memory)};
  EXPECT_TRUE(writer.write("abcd"));
  EXPECT_TRUE(writer.write_big_endian<std::uint32_t>(0x65666768));
  EXPECT_EQ(writer.left(), 0U);
  EXPECT_TRUE(writer.room().empty());
  EXPECT_FALSE(writer.write_byte(std::byte{1}));
  EXPECT_TRUE(writer.write(""));
  EXPECT_EQ(as_text(writer.bytes()), "abcdefgh");
}

TEST(Writer, fills_in_later_what_it_left_out) {
  Buffer buffer;
  Draft draft(buffer);
  const MutableBytes memory = draft.allocate(6);
  Writer writer(memory);
  ASSERT_TRUE(writer.skip(2));
  ASSERT_TRUE(writer.write("body"));

  ASSERT_TRUE(Writer(memory.first(2)).write_big_endian<std::uint16_t>(4));
  draft.commit();

  EXPECT_EQ(buffer, std::string_view("\0\4body", 6));
}

TEST(WriterDeathTest, a_number_of_more_bytes_than_it_may_have_is_a_programmer_error) {
  std::array<std::byte, 16> memory{};
  Writer writer{MutableBytes(memory)};
  EXPECT_DEATH((void)writer.write_unsigned(256, 1, std::endian::big), "");
  EXPECT_DEATH((void)writer.write_unsigned(1, 0, std::endian::big), "");
  EXPECT_DEATH((void)writer.write_unsigned(1, 9, std::endian::big), "");
}

}  // namespace
}  // namespace weir
