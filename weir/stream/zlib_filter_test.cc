// weir: tests of the zlib filter by itself: its bytes, its steps, its ends, its memory.
// SPDX-License-Identifier: MIT
#include "weir/stream/zlib_filter.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/filter_steps.h"
#include "tests/support/plain_zlib.h"
#include "tests/support/stream_support.h"
#include "tests/support/test_file.h"
#include "tests/support/test_kernel.h"
#include "tests/support/zlib_texts.h"
#include "weir/buffer/allocation_plan.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;
using Format = ZlibOptions::Format;
using Push = Filter::Push;
using Way = FilterSteps::Way;

class ZlibFilter : public testing::TestWithParam<Format> {
 protected:
  std::string encoded(std::string_view text, const ZlibOptions& chosen, std::uint64_t seed, std::size_t most) {
    const std::unique_ptr<Filter> filter = make_zlib_filter(chosen);
    FilterSteps steps(*filter, Way::encode);
    EXPECT_FALSE(steps.give_all(text, seed, most));
    EXPECT_TRUE(steps.from.is_empty());
    return steps.text;
  }

  const ZlibOptions options{.format = GetParam()};
};

// --- bytes ---

TEST_P(ZlibFilter, zlib_itself_understands_what_is_encoded_whatever_the_pieces_and_the_options) {
  for (const std::string& text :
       {std::string(), std::string("x"), words(70'000), pattern(70'000), std::string(1_MiB, 'a')}) {
    for (std::uint64_t seed = 1; seed <= 6; ++seed) {
      ZlibOptions chosen = options;
      chosen.level = std::vector{0, 1, 6, 9, 6, 3}[seed - 1];
      chosen.window_bits = std::vector{15, 9, 12, 15, 15, 10}[seed - 1];
      chosen.memory_level = std::vector{8, 1, 4, 9, 8, 2}[seed - 1];
      chosen.hold_back = seed % 2 == 0;

      const Decompressed found = decompressed(encoded(text, chosen, seed, seed % 3 == 0 ? 100 : 40'000), chosen);

      EXPECT_TRUE(found.is_complete && !found.is_wrong) << seed;
      EXPECT_TRUE(found.text == text) << seed;
    }
  }
}

TEST_P(ZlibFilter, what_zlib_itself_compressed_is_decoded_whatever_the_pieces_and_the_room) {
  for (const std::string& text :
       {std::string(), std::string("x"), words(70'000), pattern(70'000), std::string(1_MiB, 'a')}) {
    for (const std::size_t room :
         {std::size_t{1}, std::size_t{2}, std::size_t{511}, std::size_t{512}, std::size_t{513}, 64_KiB}) {
      if (room < 10 && text.size() > 100'000) continue;
      const std::unique_ptr<Filter> filter = make_zlib_filter(options);
      FilterSteps steps(*filter, Way::decode);
      steps.room = room;

      const std::error_code error = steps.give_all(compressed_text(text, options), room, room == 511 ? 1 : 5000);

      EXPECT_FALSE(error) << error.message();
      EXPECT_TRUE(steps.text == text) << room;
      EXPECT_LE(steps.largest_step, room);
    }
  }
}

TEST_P(ZlibFilter, an_encoded_step_is_a_little_larger_than_its_room_at_most) {
  for (const std::size_t room : {std::size_t{1}, std::size_t{5}, std::size_t{64}, std::size_t{1000}}) {
    const std::unique_ptr<Filter> filter = make_zlib_filter(options);
    FilterSteps steps(*filter, Way::encode);
    steps.room = room;

    ASSERT_FALSE(steps.give_all(pattern(50'000), room, 3000));

    EXPECT_LE(steps.largest_step, room + 64);
    EXPECT_TRUE(decompressed(steps.text, options).text == pattern(50'000)) << room;
  }
}

TEST_P(ZlibFilter, parts_of_files_are_read) {
  const OnRealKernel real;
  const TestFile file(words(300'000));
  const std::unique_ptr<Filter> filter = make_zlib_filter(options);
  FilterSteps steps(*filter, Way::encode);

  steps.from.append("before ");
  steps.from.append(file.share().range(1000, 200'000));
  steps.from.append(" behind");
  ASSERT_FALSE(steps.go_on(Push::end));
  EXPECT_TRUE(decompressed(steps.text, options).text == "before " + words(300'000).substr(1000, 200'000) + " behind");

  const std::unique_ptr<Filter> other = make_zlib_filter(options);
  FilterSteps beyond(*other, Way::encode);
  beyond.from.append(file.share().range(299'000, 2000));
  EXPECT_EQ(beyond.go_on(Push::end), errc::file_too_short);
}

// --- flushing ---

TEST_P(ZlibFilter, what_was_written_comes_out_at_once_unless_it_is_held_back) {
  for (const bool holds_back : {false, true}) {
    const std::unique_ptr<Filter> filter = make_zlib_filter({.format = GetParam(), .hold_back = holds_back});
    FilterSteps steps(*filter, Way::encode);

    ASSERT_FALSE(steps.give("one "));
    EXPECT_EQ(decompressed(steps.text, options).text, holds_back ? "" : "one ");
    ASSERT_FALSE(steps.give("two "));
    EXPECT_EQ(decompressed(steps.text, options).text, holds_back ? "" : "one two ");
    ASSERT_FALSE(steps.give("three", Push::flush));
    EXPECT_EQ(decompressed(steps.text, options).text, "one two three");
    ASSERT_FALSE(steps.go_on(Push::end));
    EXPECT_TRUE(decompressed(steps.text, options).is_complete);
  }
}

TEST_P(ZlibFilter, holding_back_makes_it_smaller) {
  const std::string text = words(20'000);

  const std::size_t flushed = encoded(text, {.format = GetParam()}, 1, 10).size();
  const std::size_t held = encoded(text, {.format = GetParam(), .hold_back = true}, 1, 10).size();

  EXPECT_LT(held, flushed / 2);
  EXPECT_LT(held, compressed_text(text, options).size() + 64);
}

TEST_P(ZlibFilter, a_flush_with_nothing_to_flush_makes_nothing) {
  const std::unique_ptr<Filter> filter = make_zlib_filter(options);
  FilterSteps steps(*filter, Way::encode);

  ASSERT_FALSE(steps.go_on(Push::some));
  ASSERT_FALSE(steps.go_on(Push::flush));
  EXPECT_EQ(steps.text, "");
  ASSERT_FALSE(steps.give("something"));
  const std::size_t size = steps.text.size();
  ASSERT_FALSE(steps.go_on(Push::flush));
  ASSERT_FALSE(steps.go_on(Push::some));

  EXPECT_EQ(steps.text.size(), size);
}

// --- memory ---

/// Each step is tried with nothing to be had, so often that it fails wherever it takes a block.
TEST_P(ZlibFilter, a_spent_budget_is_told_and_no_byte_is_lost) {
  const std::string text = words(30'000) + pattern(30'000);
  for (const Way way : {Way::encode, Way::decode}) {
    Pool pool({.limit = 1_MiB});
    {
      const std::string given = way == Way::encode ? text : compressed_text(text, options);
      const std::unique_ptr<Filter> filter = make_zlib_filter(options);
      FilterSteps steps(*filter, way, pool);
      steps.room = 3000;
      int failures = 0;
      for (std::size_t at = 0; at <= given.size(); at += 700) {
        if (at < given.size()) steps.from.append(Slice::adopt(given.substr(at, 700)));
        std::vector<Block> taken;
        while (Result<Block> block = pool.try_allocate(512)) taken.push_back(*std::move(block));
        const Push push = at + 700 > given.size() ? Push::end : Push::some;
        for (std::error_code error; (error = steps.go_on(push));) {
          ASSERT_EQ(error, std::errc::not_enough_memory);
          ASSERT_FALSE(taken.empty());
          ++failures;
          taken.resize(taken.size() - std::min<std::size_t>(taken.size(), 3));  // little by little
        }
      }

      EXPECT_GT(failures, 30);
      EXPECT_TRUE((way == Way::encode ? decompressed(steps.text, options).text : steps.text) == text);
    }
    EXPECT_EQ(pool.stats().blocks, 0U);
  }
}

TEST_P(ZlibFilter, an_allocation_that_fails_is_told_and_no_byte_is_lost) {
  const std::string text = words(60'000);
  for (const Way way : {Way::encode, Way::decode}) {
    const std::string given = way == Way::encode ? text : compressed_text(text, options);
    std::size_t failing = 1;
    for (bool has_failed = true; has_failed; ++failing) {
      const std::unique_ptr<Filter> filter = make_zlib_filter(options);
      Buffer from;
      from.append(given);
      std::string out;
      has_failed = false;
      for (int tries = 0;; ++tries) {
        Buffer to;
        Filter::Step step{from, to, 64_KiB, Push::end};
        Result<Filter::Flow> flow = [&] {
          const AllocationPlan plan(tries == 0 ? failing : 0);
          return way == Way::encode ? filter->encode(step) : filter->decode(step);
        }();
        out += text_of(to);
        if (flow) {
          if (*flow == Filter::Flow::wants_more) break;
          continue;
        }
        ASSERT_EQ(flow.error(), std::errc::not_enough_memory);
        ASSERT_EQ(tries, 0);
        has_failed = true;
      }
      ASSERT_TRUE((way == Way::encode ? decompressed(out, options).text : out) == text) << failing;
    }
    EXPECT_GT(failing, 2U);
  }
}

INSTANTIATE_TEST_SUITE_P(, ZlibFilter, testing::Values(Format::zlib, Format::gzip, Format::raw),
                         [](const auto& format) { return format_name(format.param); });

TEST(ZlibFilterOptions, what_is_out_of_range_is_a_checked_error) {
  EXPECT_DEATH((void)make_zlib_filter({.level = 10}), "zlib_filter.cc");
  EXPECT_DEATH((void)make_zlib_filter({.window_bits = 16}), "zlib_filter.cc");
  EXPECT_DEATH((void)make_zlib_filter({.memory_level = 0}), "zlib_filter.cc");
}

}  // namespace
}  // namespace weir
