// weir: tests of searching and reading buffers that hold parts of files.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "tests/support/test_file.h"
#include "weir/buffer/buffer.h"
#include "weir/buffer/byte_range.h"
#include "weir/buffer/cursor.h"
#include "weir/buffer/file_range.h"
#include "weir/buffer/frame_reader.h"
#include "weir/buffer/line_reader.h"
#include "weir/buffer/pool.h"

namespace weir {
namespace {

using testing_support::TestFile;

/// "before", a file of "in the\nfile", and "after\n".
class BufferWithFile : public testing::Test {
 protected:
  BufferWithFile() : file_("in the\nfile"), shared_(*SharedFile::open(file_.path())) {
    buffer_.append("before");
    buffer_.append(*shared_.whole());
    buffer_.append("after\n");
  }

  const TestFile file_;
  const SharedFile shared_;
  Buffer buffer_;
};

// hazard: EV4
TEST_F(BufferWithFile, a_search_finds_what_lies_before_the_file_and_else_tells_that_it_does_not_know) {
  EXPECT_EQ(buffer_.find("for"), 2U);
  EXPECT_EQ(buffer_.find_any("xe"), 1U);
  for (const Found& found :
       {buffer_.find("after"), buffer_.find(std::byte{'f'}, {.from = 3}), buffer_.find("ein"), buffer_.find_any("\n"),
        buffer_.find_line_end(), buffer_.find_line_end(LineEnd::any), buffer_.find("f", {.from = 8})}) {
    EXPECT_EQ(found, std::nullopt);
    EXPECT_EQ(found.error(), errc::not_in_memory);
  }
}

TEST_F(BufferWithFile, a_range_that_leaves_the_file_out_is_certain) {
  EXPECT_EQ(buffer_.find("x", {.within = 6}), std::nullopt);
  EXPECT_FALSE(buffer_.find("x", {.within = 6}).error());
  EXPECT_EQ(buffer_.find("er", {.from = 17}), 20U);
  EXPECT_EQ(buffer_.find_line_end(LineEnd::lf, {.from = 17}), 22U);
  EXPECT_FALSE(buffer_.find("x", {.from = 17}).error());
}

TEST_F(BufferWithFile, a_resumed_search_does_not_skip_what_was_not_in_memory) {
  SearchPosition position;
  SearchPosition across;
  SearchPosition line_position;
  EXPECT_EQ(buffer_.find("the", position).error(), errc::not_in_memory);
  EXPECT_EQ(buffer_.find("rein", across).error(), errc::not_in_memory);
  EXPECT_EQ(buffer_.find_line_end(LineEnd::crlf, line_position).error(), errc::not_in_memory);

  ASSERT_TRUE(buffer_.materialize(8));
  EXPECT_EQ(buffer_.find("rein", across), 4U);
  EXPECT_EQ(buffer_.find("the", position).error(), errc::not_in_memory);
  ASSERT_TRUE(buffer_.materialize(buffer_.size()));

  EXPECT_EQ(buffer_.find("the", position), 9U);
  EXPECT_EQ(buffer_.find_line_end(LineEnd::crlf, line_position), 12U);
}

// hazard: EV4
TEST_F(BufferWithFile, readers_of_frames_tell_it_and_leave_the_input) {
  LineReader lines;
  DelimiterReader delimited("\n");
  const LengthReader prefixed({.bytes = 8});
  const LengthReader varint({.bytes = LengthFormat::varint});
  const std::size_t size = buffer_.size();
  EXPECT_EQ(lines.next(buffer_).error(), errc::not_in_memory);
  EXPECT_EQ(delimited.next(buffer_).error(), errc::not_in_memory);
  EXPECT_EQ(prefixed.next(buffer_).error(), errc::not_in_memory);
  EXPECT_EQ(prefixed.needed(buffer_).error(), errc::not_in_memory);
  EXPECT_EQ(buffer_.size(), size);
  Buffer unfinished;
  unfinished.append("\x80");
  unfinished.append(shared_.range(0, 1));
  EXPECT_EQ(varint.next(unfinished).error(), errc::not_in_memory);

  ASSERT_TRUE(buffer_.materialize(buffer_.size()));
  EXPECT_EQ(**lines.next(buffer_), "beforein the");
  EXPECT_EQ(**delimited.next(buffer_), "fileafter");
}

TEST_F(BufferWithFile, a_payload_may_be_a_file) {
  Buffer input;
  input.append(std::string_view("\0\x0B", 2));
  input.append(*shared_.whole());
  input.append("next");

  const auto frame = LengthReader({.bytes = 2}).next(input);

  ASSERT_TRUE(frame && *frame);
  EXPECT_EQ((*frame)->front_file(), *shared_.whole());
  EXPECT_EQ(input, "next");
}

// hazard: EV4
TEST_F(BufferWithFile, a_cursor_reads_up_to_the_file_and_passes_it) {
  Cursor cursor(buffer_);
  std::array<std::byte, 4> into{};
  EXPECT_EQ(cursor.read_string(7), std::nullopt);
  EXPECT_EQ(cursor.position(), 0U);
  EXPECT_EQ(cursor.read_string(4), "befo");
  EXPECT_EQ(cursor.read_big_endian<std::uint32_t>(), std::nullopt);
  EXPECT_FALSE(cursor.read(into));
  EXPECT_EQ(cursor.read_terminated_string(100).error(), errc::not_in_memory);
  EXPECT_EQ(cursor.find("a").error(), errc::not_in_memory);
  EXPECT_FALSE(cursor.is_at_file());
  EXPECT_EQ(cursor.position(), 4U);
  ASSERT_TRUE(cursor.skip(2));

  EXPECT_TRUE(cursor.is_at_file());
  EXPECT_FALSE(cursor.is_at_end());
  EXPECT_TRUE(cursor.run().empty());
  EXPECT_EQ(cursor.read_byte(), std::nullopt);
  EXPECT_TRUE(cursor.read_slice().is_empty());
  EXPECT_EQ(cursor.find("a").error(), errc::not_in_memory);
  EXPECT_EQ(cursor.find("a", {.from = 11}), 11U);
  ASSERT_TRUE(cursor.skip(5));
  EXPECT_TRUE(cursor.is_at_file());
  EXPECT_EQ(cursor.find("a", {.from = 6}), 6U);
  EXPECT_EQ(cursor.read_buffer(2).front_file(), shared_.range(5, 2));

  ASSERT_TRUE(cursor.seek(17));
  EXPECT_EQ(cursor.read_string(6), "after\n");
  EXPECT_TRUE(cursor.is_at_end());
  EXPECT_FALSE(cursor.is_at_file());
  ASSERT_TRUE(cursor.seek(4));
  EXPECT_EQ(cursor.read_buffer(19).size(), 19U);
  EXPECT_TRUE(cursor.is_at_end());
}

TEST_F(BufferWithFile, files_are_compared_and_hashed_as_what_they_are) {
  Buffer same;
  same.append("before");
  same.append(shared_.range(0, 4));
  same.append(shared_.range(4, 7));
  same.append("after\n");
  Buffer other_part;
  other_part.append("before");
  other_part.append(shared_.range(1, 10));
  other_part.append(shared_.range(0, 1));
  other_part.append("after\n");
  Buffer read = buffer_.share();
  ASSERT_TRUE(read.materialize(read.size()));

  EXPECT_EQ(buffer_, same);
  EXPECT_EQ(buffer_.hash(), same.hash());
  EXPECT_NE(buffer_, other_part);
  EXPECT_NE(buffer_.hash(), other_part.hash());
  EXPECT_NE((buffer_ <=> other_part) < 0, (other_part <=> buffer_) < 0);
  EXPECT_NE(buffer_, read) << "what is in a file is not known";
  EXPECT_GT(buffer_, read);
  EXPECT_GT(buffer_, "before\xFF");
  EXPECT_LT(buffer_, "c");
}

TEST_F(BufferWithFile, bytes_end_before_the_file) {
  const ByteRange bytes(buffer_);
  EXPECT_TRUE(std::ranges::equal(bytes, as_bytes("before")));
  buffer_.drop(6);
  EXPECT_EQ(ByteRange(buffer_).begin(), ByteRange(buffer_).end());
}

#ifndef NDEBUG
// hazard: B5
TEST_F(BufferWithFile, a_cursor_notices_that_a_file_was_read) {
  Cursor cursor(buffer_);
  ASSERT_TRUE(buffer_.materialize(7));
  EXPECT_DEATH((void)cursor.read_byte(), "");
}
#endif

}  // namespace
}  // namespace weir
