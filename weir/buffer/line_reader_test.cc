// weir: tests of reading lines.
// SPDX-License-Identifier: MIT
#include "weir/buffer/line_reader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/throws.h"
#include "weir/buffer/allocation_plan.h"
#include "weir/buffer/buffer_observer.h"
#include "weir/buffer/pool.h"

namespace weir {
namespace {

using namespace std::literals;
using testing_support::throws_bad_alloc;

std::string text_of(const Buffer& buffer) {
  std::string text(buffer.size(), '\0');
  buffer.copy_to(std::as_writable_bytes(std::span(text)));
  return text;
}

/// What comes out when `input` arrives in pieces that end at these places: each line in brackets, then "limit" if that
/// ended it.
std::string read_in_pieces(std::string_view input, const std::vector<std::size_t>& ends, LineReader reader) {
  Buffer buffer;
  std::string result;
  std::size_t begin = 0;
  for (std::size_t i = 0;;) {
    Result<std::optional<Buffer>> line = reader.next(buffer);
    if (!line) {
      EXPECT_EQ(line.error(), errc::limit);
      EXPECT_FALSE(reader.next(buffer)) << "asking again gives the same answer";
      return result + "limit";
    }
    if (*line) {
      result += "[" + text_of(**line) + "]";
      continue;
    }
    if (i == ends.size()) return result;
    const std::string_view piece = input.substr(begin, ends[i] - begin);
    buffer.append(Slice::adopt(std::string(piece) + '\0').subslice(0, piece.size()));
    begin = ends[i++];
  }
}

/// The same in pieces of `step` bytes.
std::string read_in_pieces(std::string_view input, std::size_t step, LineReader reader) {
  std::vector<std::size_t> ends;
  for (std::size_t end = 0; end < input.size();) ends.push_back(end = std::min(end + step, input.size()));
  return read_in_pieces(input, ends, reader);
}
std::string read_in_pieces(std::string_view input, std::size_t step, std::size_t limit) {
  return read_in_pieces(input, step, LineReader(limit));
}

TEST(LineReader, each_style_has_its_own_ends) {
  const auto input = "a\nb\r\nc\r\r\n\n\0d\r\0\r\n\r\ne"sv;
  const auto lines = [&](LineEnd style) { return read_in_pieces(input, 1000, LineReader(style)); };

  EXPECT_EQ(lines(LineEnd::crlf), "[a][b][c\r][][\0d\r\0][]"sv);
  EXPECT_EQ(lines(LineEnd::crlf_strict), "[a\nb][c\r][\n\0d\r\0][]"sv);
  EXPECT_EQ(lines(LineEnd::lf), "[a][b\r][c\r\r][][\0d\r\0\r][\r]"sv);
  EXPECT_EQ(lines(LineEnd::nul), "[a\nb\r\nc\r\r\n\n][d\r]"sv);
  EXPECT_EQ(lines(LineEnd::any), "[a][b][c][\0d][\0]"sv);
}

constexpr LineEnd styles[] = {LineEnd::crlf, LineEnd::crlf_strict, LineEnd::lf, LineEnd::nul, LineEnd::any};

// hazard: B10
TEST(LineReader, gives_the_same_lines_of_every_style_however_the_input_is_cut) {
  const std::string input = std::string("\n\ra\r\nb\rc\r\r\n\n\0d\n\0\0", 18) + std::string(80, 'x') + "\r\n\r\n\n" +
                            std::string(1, '\0') + "rest\r";
  for (const LineEnd style : styles) {
    const std::string whole = read_in_pieces(input, 10'000, LineReader(style));
    for (std::size_t step = 1; step <= input.size(); ++step) {
      ASSERT_EQ(read_in_pieces(input, step, LineReader(style)), whole) << static_cast<int>(style) << ", " << step;
    }
    for (std::size_t first = 1; first < input.size(); ++first) {
      for (std::size_t second = first + 1; second <= input.size(); ++second) {
        const std::vector<std::size_t> ends = {first, second, input.size()};
        ASSERT_EQ(read_in_pieces(input, ends, LineReader(style)), whole) << first << ", " << second;
      }
    }
  }
}

TEST(LineReader, every_short_input_gives_the_same_lines_however_it_is_cut_and_limited) {
  const std::string_view alphabet("\r\n\0x", 4);
  for (std::size_t code = 0; code < 4096; ++code) {  // all inputs of six bytes
    std::string input(6, ' ');
    for (std::size_t i = 0; i < 6; ++i) input[i] = alphabet[code >> 2 * i & 3];
    for (const LineEnd style : styles) {
      for (const std::size_t limit : {0U, 1U, 2U, 100U}) {
        const std::string whole = read_in_pieces(input, 6, LineReader(style, limit));
        for (std::size_t step = 1; step < 6; ++step) {
          ASSERT_EQ(read_in_pieces(input, step, LineReader(style, limit)), whole)
              << code << ", style " << static_cast<int>(style) << ", limit " << limit << ", step " << step;
        }
      }
    }
  }
}

TEST(LineReader, a_line_of_any_end_is_there_as_soon_as_its_end_begins_and_none_is_empty) {
  LineReader reader(LineEnd::any);
  Buffer input;
  input.append("\r\nhello\r");
  EXPECT_EQ(text_of(**reader.next(input)), "hello");
  EXPECT_TRUE(input.is_empty());
  input.append("\n\n");
  EXPECT_FALSE(*reader.next(input));
  EXPECT_TRUE(input.is_empty()) << "what is left of a run does not stay";
  input.append("\nworld\n\n");
  EXPECT_EQ(text_of(**reader.next(input)), "world");
  EXPECT_FALSE(*reader.next(input));
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

TEST(LineReader, the_limit_holds_for_every_style) {
  for (const LineEnd style : {LineEnd::crlf_strict, LineEnd::lf, LineEnd::nul, LineEnd::any}) {
    const std::string end = style == LineEnd::nul ? std::string(1, '\0') : style == LineEnd::lf ? "\n" : "\r\n";
    for (std::size_t length = 9; length <= 12; ++length) {
      const std::string line(length, 'x');
      const std::string expected = length <= 10 ? "[ok][" + line + "]" : "[ok]limit";
      for (std::size_t step = 1; step <= length + 5; ++step) {
        ASSERT_EQ(read_in_pieces("ok" + end + line + end, step, LineReader(style, 10)), expected);
        ASSERT_EQ(read_in_pieces("ok" + end + std::string(11, 'x'), step, LineReader(style, 10)), "[ok]limit");
      }
    }
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

  const Found end = reader.find(input);

  ASSERT_TRUE(end);
  EXPECT_EQ(*end, 3U);
  EXPECT_EQ(end.size(), 2U);
  EXPECT_EQ(input.size(), 8U);
  input.drop(end.end());
  EXPECT_EQ(input, "two");
  EXPECT_FALSE(reader.find(input));
  EXPECT_FALSE(reader.find(input).error());
}

TEST(LineReader, what_is_left_of_a_run_of_ends_may_destroy_the_input_when_it_goes) {
  for (const bool takes : {false, true}) {
    const std::string ends(600, '\n');
    auto input = std::make_unique<Buffer>();
    input->append_foreign(as_bytes(ends), [&] { input.reset(); });
    input->append_static("abc\n");
    LineReader reader(LineEnd::any);

    if (takes) {
      const auto line = reader.next(*input);
      ASSERT_TRUE(line && *line);
      EXPECT_EQ(**line, "abc");
    } else {
      EXPECT_EQ(reader.find(*input), 3U);
    }

    EXPECT_EQ(input, nullptr);
  }
}

TEST(LineReader, a_line_and_the_ends_on_both_its_sides_leave_as_one_change) {
  struct Counter final : BufferObserver {
    void changed(Buffer&, const BufferChange& change) noexcept override { removed.push_back(change.removed); }
    std::vector<std::size_t> removed;
  };
  Buffer input;
  input.append("\r\nabc\n\n");
  Counter counter;
  input.add_observer(counter);
  LineReader reader(LineEnd::any);

  ASSERT_TRUE(reader.next(input));

  EXPECT_EQ(counter.removed, std::vector<std::size_t>{7});
}

TEST(LineReader, without_memory_throws_and_takes_nothing_of_the_input) {
  struct Counter final : BufferObserver {
    void changed(Buffer&, const BufferChange&) noexcept override { ++changes; }
    int changes = 0;
  };
  Buffer input;
  input.append_static("\n");
  for (int i = 0; i < 30; ++i) input.append_static(i == 15 ? "abc\ndef" : "ghi");
  Buffer other;  // with all the nodes that this thread has kept
  for (int i = 0; i < 1000; ++i) other.append_static("jkl");
  Counter counter;
  input.add_observer(counter);
  LineReader reader(LineEnd::any);
  const std::size_t before = input.size();
  {
    const AllocationPlan plan(1, true);
    EXPECT_TRUE(throws_bad_alloc([&] { (void)reader.next(input); }));
  }

  EXPECT_EQ(input.size(), before);
  EXPECT_EQ(counter.changes, 0);
  const auto line = reader.next(input);
  ASSERT_TRUE(line && *line);
  EXPECT_EQ((*line)->size(), 15 * 3 + 3U);
  EXPECT_EQ(input.size(), before - 1 - 15 * 3 - 4);
}

}  // namespace
}  // namespace weir
