// weir: tests of frames.
// SPDX-License-Identifier: MIT
#include "weir/buffer/frame_reader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/throws.h"
#include "weir/buffer/allocation_plan.h"
#include "weir/buffer/buffer_observer.h"
#include "weir/buffer/line_reader.h"
#include "weir/buffer/pool.h"
#include "weir/buffer/varint.h"

namespace weir {
namespace {

using namespace weir::literals;
using testing_support::throws_bad_alloc;

std::string text_of(const Buffer& buffer) {
  std::string text(buffer.size(), '\0');
  buffer.copy_to(std::as_writable_bytes(std::span(text.data(), text.size())));
  return text;
}

using Next = std::function<Result<std::optional<Buffer>>(Buffer&)>;

/// What comes out when `input` arrives in pieces of `step` bytes: each frame in brackets, then the error, if one ends it.
std::string read_in_pieces(std::string_view input, std::size_t step, const Next& next) {
  Buffer buffer;
  std::string result;
  for (;;) {
    Result<std::optional<Buffer>> frame = next(buffer);
    if (!frame) {
      const std::size_t left = buffer.size();
      EXPECT_EQ(next(buffer).error(), frame.error()) << "asking again gives the same answer";
      EXPECT_EQ(buffer.size(), left);
      return result + frame.error().message();
    }
    if (*frame) {
      result += "[" + text_of(**frame) + "]";
      continue;
    }
    if (input.empty()) return result;
    const std::string_view piece = input.substr(0, step);
    buffer.append(Slice::adopt(std::string(piece) + '\0').subslice(0, piece.size()));  // never merges
    input.remove_prefix(piece.size());
  }
}

std::string delimited(std::string_view input, std::size_t step, std::string delimiter, std::size_t limit) {
  DelimiterReader reader(std::move(delimiter), limit);
  return read_in_pieces(input, step, [&](Buffer& buffer) { return reader.next(buffer); });
}

std::string prefixed(std::string_view input, std::size_t step, LengthFormat format) {
  const LengthReader reader(format);
  return read_in_pieces(input, step, [&](Buffer& buffer) { return reader.next(buffer); });
}

static_assert(Framer<LineReader> && Framer<DelimiterReader> && Framer<LengthReader>);
static_assert(!Framer<Buffer>);

/// Fills the input up to the longest frame with what is in no hurry to end.
bool decides_within(Framer auto framer, std::string_view begin) {
  Buffer input;
  input.append(begin);
  input.append(std::string(framer.longest_frame() - begin.size(), 'x'));
  const Result<std::optional<Buffer>> frame = framer.next(input);
  return !frame || *frame;
}

TEST(Framers, decide_as_soon_as_the_longest_frame_could_be_there) {
  EXPECT_TRUE(decides_within(LineReader(10), ""));
  EXPECT_TRUE(decides_within(LineReader(LineEnd::any, 10), ""));
  EXPECT_TRUE(decides_within(LineReader(LineEnd::nul, 0), ""));
  EXPECT_TRUE(decides_within(DelimiterReader("----", 10), ""));
  EXPECT_TRUE(decides_within(LengthReader({.bytes = 2, .limit = 10}), std::string_view("\0\x0A", 2)));
  EXPECT_TRUE(decides_within(LengthReader({.bytes = LengthFormat::varint, .limit = 10}), "\x0A"));
  EXPECT_EQ(LineReader(unlimited).longest_frame(), unlimited);
  EXPECT_EQ(DelimiterReader("--", unlimited - 1).longest_frame(), unlimited);
  EXPECT_EQ(LengthReader({.limit = unlimited}).longest_frame(), unlimited);
}

/// Counts the changes of a buffer, and destroys it at the first.
class Destroyer final : public BufferObserver {
 public:
  explicit Destroyer(std::string_view content) {
    input_->append(content);
    input_->add_observer(*this);
  }
  void changed(Buffer&, const BufferChange& change) noexcept override {
    removed = change.removed;
    input_.reset();
  }
  Buffer& input() { return *input_; }
  std::size_t removed = 0;

 private:
  std::unique_ptr<Buffer> input_ = std::make_unique<Buffer>();
};

template <Framer T>
std::string frame_before_the_end(std::string_view content, T framer) {
  Destroyer destroyer(content);
  const Result<std::optional<Buffer>> frame = framer.next(destroyer.input());
  return text_of(**frame) + " of " + std::to_string(destroyer.removed);
}

TEST(Framers, take_a_frame_and_its_end_as_one_change_after_which_the_input_may_go) {
  EXPECT_EQ(frame_before_the_end("line\r\nmore", LineReader()), "line of 6");
  EXPECT_EQ(frame_before_the_end("\nmore", LineReader()), " of 1");
  EXPECT_EQ(frame_before_the_end("line\r\n", LineReader()), "line of 6");
  EXPECT_EQ(frame_before_the_end("frame--more", DelimiterReader("--")), "frame of 7");
  EXPECT_EQ(frame_before_the_end("\5framemore", LengthReader({.bytes = 1})), "frame of 6");
}

TEST(DelimiterReader, gives_the_same_frames_however_the_input_is_cut) {
  const std::string input = "one\r\n\r\n\r\n\r\ntwo\r\n\rthree\r\n\r\nrest\r\n\r";
  for (std::size_t step = 1; step <= input.size(); ++step) {
    ASSERT_EQ(delimited(input, step, "\r\n\r\n", 100), "[one][][two\r\n\rthree]") << step;
  }
}

TEST(DelimiterReader, a_frame_of_exactly_the_limit_passes_and_one_more_byte_does_not) {
  for (std::size_t size = 8; size <= 12; ++size) {
    const std::string frame(size, 'x');
    const std::string limit = make_error_code(errc::limit).message();
    for (std::size_t step = 1; step <= size + 4; ++step) {
      const std::string expected = size <= 10 ? "[ok][" + frame + "]" : "[ok]" + limit;
      ASSERT_EQ(delimited("ok--" + frame + "--", step, "--", 10), expected) << size << " in steps of " << step;
    }
  }
}

TEST(DelimiterReader, without_a_delimiter_the_limit_is_noticed_as_soon_as_it_is_certain) {
  DelimiterReader reader("--", 4);
  Buffer input;
  input.append("xxxx-");
  EXPECT_TRUE(reader.next(input)) << "the second dash may come";
  input.append("x");
  EXPECT_EQ(reader.next(input).error(), errc::limit);
}

TEST(DelimiterReader, an_unlimited_frame_is_as_long_as_it_is) {
  EXPECT_EQ(delimited(std::string(100'000, 'x') + "\n", 7001, "\n", unlimited).size(), 100'002U);
}

TEST(LengthReader, reads_every_size_of_prefix_in_both_orders_however_it_is_cut) {
  for (std::size_t bytes = 1; bytes <= 8; ++bytes) {
    for (const std::endian order : {std::endian::big, std::endian::little}) {
      for (const bool counts_prefix : {false, true}) {
        std::string input;
        for (const std::string_view payload : {"hello", "", "x", "the last one"}) {
          std::string prefix(bytes, '\0');
          const std::size_t length = payload.size() + (counts_prefix ? bytes : 0);
          prefix[order == std::endian::big ? bytes - 1 : 0] = static_cast<char>(length);
          input += prefix + std::string(payload);
        }
        for (std::size_t step = 1; step <= input.size(); ++step) {
          ASSERT_EQ(prefixed(input, step, {.bytes = bytes, .order = order, .counts_prefix = counts_prefix}),
                    "[hello][][x][the last one]");
        }
      }
    }
  }
}

TEST(LengthReader, reads_varint_prefixes_however_they_are_cut) {
  std::string input;
  std::string expected;
  for (const std::size_t size : {0U, 1U, 127U, 128U, 300U, 20'000U}) {
    input += std::string(as_text(Varint(size).bytes())) + std::string(size, 'v');
    expected += "[" + std::string(size, 'v') + "]";
  }
  for (const std::size_t step : {1U, 2U, 3U, 128U, 129U, 1000U, 30'000U}) {
    ASSERT_EQ(prefixed(input, step, {.bytes = LengthFormat::varint}), expected) << step;
  }
}

TEST(LengthReader, refuses_what_passes_the_limit_before_it_has_come) {
  const std::string limit = make_error_code(errc::limit).message();
  EXPECT_EQ(prefixed(std::string("\0\0\0\x0A", 4) + "0123456789", 3, {.limit = 10}), "[0123456789]");
  EXPECT_EQ(prefixed(std::string("\0\0\0\x0B", 4), 4, {.limit = 10}), limit);
  EXPECT_EQ(prefixed(std::string(8, '\xFF'), 8, {.bytes = 8, .limit = unlimited - 1}), limit);
  EXPECT_EQ(prefixed(std::string(10, '\xFF'), 10, {.bytes = LengthFormat::varint}),
            std::make_error_code(std::errc::value_too_large).message());
  EXPECT_EQ(prefixed(std::string("\0\x01", 2), 2, {.bytes = 2, .counts_prefix = true}),
            std::make_error_code(std::errc::bad_message).message());
}

TEST(LengthReader, the_largest_length_of_all_only_waits) {
  const std::string input(8, '\xFF');

  EXPECT_EQ(prefixed(input + "x", 9, {.bytes = 8, .limit = unlimited}), "");
}

TEST(LengthReader, tells_how_much_it_needs) {
  const LengthReader reader;
  Buffer input;
  EXPECT_EQ(*reader.needed(input), 4U);
  input.append(Bytes());
  input.append(std::string("\0\0\1", 3));
  EXPECT_EQ(*reader.needed(input), 4U);
  input.append(std::string("\2", 1));
  EXPECT_EQ(*reader.needed(input), 4U + 258U);
  EXPECT_EQ(*LengthReader({.bytes = LengthFormat::varint}).needed(Buffer()), 1U);
  Buffer endless;
  endless.append(std::string(8, '\xFF'));
  EXPECT_EQ(*LengthReader({.bytes = 8, .limit = unlimited}).needed(endless), unlimited);
}

TEST(LengthReader, frames_share_the_memory_they_came_in) {
  Buffer input;
  input.append(std::string("\0\0\x4E\x20", 4) + std::string(20'000, 'x'));
  const std::byte* begin = input.front().data();

  const Result<std::optional<Buffer>> frame = LengthReader().next(input);

  ASSERT_TRUE(frame && *frame);
  EXPECT_EQ((*frame)->front().data(), begin + 4);
}

TEST(FrameReaders, leave_the_input_as_it_is_when_there_is_no_memory) {
  (void)Pool::default_pool();  // is made at its first use
  for (const bool is_delimited : {true, false}) {
    std::string text = std::string("\0\0\4\xB0", 4) + std::string(1200, 'x') + "\r\n\r\n" + std::string(200, 'y');
    if (is_delimited) text.erase(0, 4);
    const std::string copy = text;
    std::vector<Buffer> inputs(20);  // each of many slices: cutting it needs a node, and threads keep few spare ones
    for (Buffer& input : inputs) {
      for (std::size_t at = 0; at < text.size(); at += 7) {
        input.append_static(std::string_view(at % 2 == 0 ? text : copy).substr(at, 7));
      }
    }
    std::vector<Buffer> frames(inputs.size());
    int failed = 0;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      DelimiterReader delimiter("\r\n\r\n");
      const LengthReader length;
      const auto next = [&] { return is_delimited ? delimiter.next(inputs[i]) : length.next(inputs[i]); };
      const bool has_failed = throws_bad_alloc([&] {
        const AllocationPlan failing(1, true);
        frames[i] = std::move(**next());
      });
      if (!has_failed) continue;
      ++failed;
      ASSERT_EQ(text_of(inputs[i]), text);
      EXPECT_EQ(text_of(**next()), std::string(1200, 'x'));
    }
    EXPECT_GT(failed, 0);
  }
}

TEST(FrameReaderDeathTest, an_empty_delimiter_and_a_prefix_of_nine_bytes_are_programmer_errors) {
  EXPECT_DEATH(DelimiterReader(""), "");
  EXPECT_DEATH(LengthReader({.bytes = 9}), "");
}

}  // namespace
}  // namespace weir
