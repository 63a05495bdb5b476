// weir: tests of reading lines.
// SPDX-License-Identifier: MIT
#include "weir/buffer/line_reader.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "weir/buffer/pool.h"

namespace weir {
namespace {

/// What comes out when `input` arrives in pieces of `step` bytes: each line in brackets, then "limit" if that ended it.
std::string read_in_pieces(std::string_view input, std::size_t step, std::size_t limit) {
  LineReader reader(limit);
  Buffer buffer;
  std::string result;
  while (true) {
    Result<std::optional<Line>> line = reader.next(buffer);
    if (!line) {
      EXPECT_EQ(line.error(), errc::limit);
      EXPECT_FALSE(reader.next(buffer)) << "asking again gives the same answer";
      return result + "limit";
    }
    if (*line) {
      std::string text((*line)->bytes.size(), '\0');
      (*line)->bytes.copy_to(std::as_writable_bytes(std::span(text)));
      EXPECT_EQ((*line)->extent.total(), text.size());
      result += "[" + text.substr(0, (*line)->extent.size) + "]";
      continue;
    }
    if (input.empty()) return result;
    const std::string_view piece = input.substr(0, step);
    buffer.append(Slice::adopt(std::string(piece) + '\0').subslice(0, piece.size()));
    input.remove_prefix(piece.size());
  }
}

TEST(LineReader, both_ends_are_recognised_and_left_on_the_line) {
  EXPECT_EQ(read_in_pieces("one\ntwo\r\n\n\r\nlast", 1000, 100), "[one][two][][]");
}

// hazard: B10
TEST(LineReader, gives_the_same_lines_however_the_input_is_cut) {
  const std::string input = std::string("a\r\nb\rc\r\r\n\n\0d\n", 14) + std::string(300, 'x') + "\r\n\r\n\n" + "rest\r";
  const std::string whole = read_in_pieces(input, 10'000, 1000);
  for (std::size_t step = 1; step <= input.size(); ++step) {
    ASSERT_EQ(read_in_pieces(input, step, 1000), whole) << step;
  }
}

TEST(LineReader, a_line_of_exactly_the_limit_passes_and_one_more_byte_does_not) {
  for (const std::string_view end : {"\n", "\r\n"}) {
    for (std::size_t length = 8; length <= 13; ++length) {
      const std::string line = std::string(length, 'x');
      const std::string input = "ok\n" + line + std::string(end) + "next\n";
      const std::string result = length <= 10 ? "[ok][" + line + "][next]" : "[ok]limit";
      for (std::size_t step = 1; step <= input.size(); ++step) ASSERT_EQ(read_in_pieces(input, step, 10), result);
    }
  }
}

TEST(LineReader, a_carriage_return_counts_once_it_is_known_to_be_no_end) {
  for (std::size_t step = 1; step <= 14; ++step) {
    EXPECT_EQ(read_in_pieces("0123456789\r\n", step, 10), "[0123456789]");
    EXPECT_EQ(read_in_pieces("0123456789\rx\n", step, 10), "limit");
    EXPECT_EQ(read_in_pieces("0123456789\r\r\n", step, 10), "limit");
    EXPECT_EQ(read_in_pieces("0123456789\r", step, 10), "");
  }
}

TEST(LineReader, an_endless_line_is_refused_as_soon_as_it_is_too_long) {
  LineReader reader(10);
  Buffer input;
  input.append("0123456789");
  EXPECT_TRUE(reader.next(input));

  input.append("x");

  EXPECT_FALSE(reader.next(input));
  EXPECT_EQ(input, "0123456789x");
}

TEST(LineReader, a_limit_of_zero_allows_empty_lines_only) { EXPECT_EQ(read_in_pieces("\n\r\nx", 1, 0), "[][]limit"); }

TEST(LineReader, without_a_limit_any_line_is_read) {
  const std::string line(100'000, 'x');
  EXPECT_EQ(read_in_pieces(line + "\n", 1000, unlimited), "[" + line + "]");
}

TEST(LineReader, a_line_can_be_looked_at_where_it_is) {
  LineReader reader;
  Buffer input;
  input.append("one\r\ntwo");

  const Result<std::optional<LineExtent>> extent = reader.find(input);

  ASSERT_TRUE(extent);
  ASSERT_TRUE(*extent);
  EXPECT_EQ((*extent)->size, 3U);
  EXPECT_EQ((*extent)->end_size, 2U);
  EXPECT_EQ(input.size(), 8U);
  input.drop((*extent)->total());
  EXPECT_EQ(input, "two");
}

}  // namespace
}  // namespace weir
