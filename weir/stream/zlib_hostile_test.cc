// weir: tests of the zlib filter with data that is cut off, damaged, followed by something, or a bomb.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <string_view>

#include "tests/support/filter_steps.h"
#include "tests/support/plain_zlib.h"
#include "tests/support/stream_support.h"
#include "tests/support/zlib_texts.h"
#include "weir/stream/stream.h"
#include "weir/stream/zlib_filter.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;
using Format = ZlibOptions::Format;
using Push = Filter::Push;
using Way = FilterSteps::Way;

struct Outcome {
  std::string text;
  std::error_code error;
};

/// What a decoder makes of `bytes` and an end behind them.
Outcome decoded(std::string_view bytes, const ZlibOptions& options) {
  const std::unique_ptr<Filter> filter = make_zlib_filter(options);
  FilterSteps steps(*filter, Way::decode);
  std::error_code error = steps.give(bytes);
  if (!error) error = steps.go_on(Push::end);
  return {steps.text, error};
}

class ZlibHostile : public testing::TestWithParam<Format> {
 protected:
  const ZlibOptions options{.format = GetParam()};
};

TEST_P(ZlibHostile, what_is_cut_off_at_any_byte_is_an_error_and_what_came_before_is_right) {
  const std::string text = words(3000);
  const std::string bytes = compressed_text(text, options);

  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const Outcome outcome = decoded(std::string_view(bytes).substr(0, size), options);

    ASSERT_EQ(outcome.error, std::errc::bad_message) << size;
    ASSERT_TRUE(text.starts_with(outcome.text)) << size;
  }
  EXPECT_FALSE(decoded(bytes, options).error);
}

/// A byte of gzip's header may be anything: the time, the system. Then the text must be right all the same.
TEST_P(ZlibHostile, what_is_damaged_never_passes_for_another_text) {
  const std::string text = words(2000);
  const std::string bytes = compressed_text(text, options);
  std::mt19937_64 random(5);
  int noticed = 0;

  for (int i = 0; i < 20'000; ++i) {
    std::string damaged = bytes;
    for (std::size_t count = 1 + random() % 3; count > 0; --count)
      damaged[random() % damaged.size()] = static_cast<char>(random());
    const Outcome outcome = decoded(damaged, options);

    if (outcome.error) ++noticed;
    if (!outcome.error && GetParam() != Format::raw) {
      ASSERT_TRUE(outcome.text == text) << i;
    }
    if (outcome.error) {
      ASSERT_EQ(outcome.error, std::errc::bad_message);
    }
  }

  EXPECT_GT(noticed, 10'000);
}

TEST_P(ZlibHostile, noise_is_an_error_at_once_or_when_it_ends) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 2000; ++i) {
    std::string noise = i % 2 == 0 ? compressed_text("", options).substr(0, 10) : std::string();
    for (std::size_t count = random() % 300; count > 0; --count) noise += static_cast<char>(random());

    const Outcome outcome = decoded(noise, options);

    if (!outcome.error) {
      EXPECT_TRUE(decompressed(noise, options).is_complete) << "zlib itself thinks otherwise";
    }
  }
}

TEST_P(ZlibHostile, something_behind_the_end_is_an_error_unless_it_is_a_member_of_gzip) {
  const std::string bytes = compressed_text("first, ", options);
  const std::string more = compressed_text("second", options);

  EXPECT_EQ(decoded(bytes + "x", options).error, std::errc::bad_message);
  EXPECT_EQ(decoded(bytes + std::string(1, '\0'), options).error, std::errc::bad_message);
  const Outcome both = decoded(bytes + more, options);
  const Outcome cut_off = decoded(bytes + more.substr(0, more.size() - 1), options);

  EXPECT_EQ(both.error, GetParam() == Format::gzip ? std::error_code() : std::make_error_code(std::errc::bad_message));
  EXPECT_EQ(both.text, GetParam() == Format::gzip ? "first, second" : "first, ");
  EXPECT_EQ(cut_off.error, std::errc::bad_message);
}

TEST_P(ZlibHostile, an_end_before_the_first_byte_is_cut_off_too) {
  EXPECT_EQ(decoded("", options).error, std::errc::bad_message);
  const Outcome empty = decoded(compressed_text("", options), options);
  EXPECT_FALSE(empty.error);
  EXPECT_EQ(empty.text, "");
}

TEST_P(ZlibHostile, no_more_is_decoded_than_the_limit) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{999}, 64_KiB, 200_KiB}) {
    const std::string text = words(size);
    const std::string bytes = compressed_text(text, options);
    for (const std::size_t limit : {size - 1, size, size + 1}) {
      if (limit > size + 1) continue;
      const Outcome outcome = decoded(bytes, {.format = GetParam(), .decoded_limit = limit});

      EXPECT_EQ(outcome.error, limit < size ? make_error_code(errc::limit) : std::error_code()) << size << ' ' << limit;
      EXPECT_TRUE(outcome.text == text.substr(0, limit)) << size << ' ' << limit;
    }
  }
}

TEST_P(ZlibHostile, a_window_that_is_larger_than_the_option_is_an_error) {
  const std::string text = pattern(20'000) + pattern(20'000);  // repeats from 20,000 bytes back

  EXPECT_EQ(decoded(compressed_text(text, options), {.format = GetParam(), .window_bits = 12}).error,
            std::errc::bad_message);
  EXPECT_FALSE(decoded(compressed_text(text, {.format = GetParam(), .window_bits = 12}), options).error);
}

INSTANTIATE_TEST_SUITE_P(, ZlibHostile, testing::Values(Format::zlib, Format::gzip, Format::raw),
                         [](const auto& format) { return format_name(format.param); });

/// 128 MiB of zeros, twice what the pool may give, in less than 768 KiB.
TEST(ZlibBomb, a_bomb_costs_no_more_memory_than_the_marks_allow_however_slowly_it_is_read) {
  Pool pool({.limit = 64_MiB});
  {
    EventLoop loop({.pool = &pool});
    StreamPair pair = Stream::pair(loop);
    auto near = Stream::filter(std::move(pair.first), make_zlib_filter());
    Stream& peer = *pair.second;
    const std::string megabyte(1_MiB, '\0');
    const std::unique_ptr<Filter> bomb = make_zlib_filter({.level = 1, .hold_back = true});
    FilterSteps maker(*bomb, Way::encode, pool);
    for (int i = 0; i < 128; ++i) {
      maker.from.append_static(megabyte);
      ASSERT_FALSE(maker.go_on(i == 127 ? Push::end : Push::some));
    }
    ASSERT_LT(maker.text.size(), 768_KiB);
    std::size_t sent = 0;
    std::size_t got = 0;
    std::size_t most_held = 0;
    bool has_ended = false;
    near->on_data([](Stream&) {});  // it is read below, a little at a time
    near->on_end([&](Stream&) { has_ended = true; });

    ASSERT_TRUE(spin_until(loop, [&] {
      const std::string_view next = std::string_view(maker.text).substr(sent, 50'000);
      if (!next.empty() && peer.output().size() < 100'000) {
        peer.write(next);
        sent += next.size();
        if (sent == maker.text.size()) peer.finish_writing();
      }
      most_held = std::max(most_held, near->input().size());
      if (got == 0) settle(loop, 50);  // nothing is read at all for a while
      got += near->input().size();
      near->input().clear();
      return has_ended;
    }));

    EXPECT_EQ(got, 128_MiB);
    EXPECT_LE(most_held, 128_KiB);
    EXPECT_LE(pool.stats().peak, 2_MiB);
  }
}

TEST(ZlibData, a_preset_dictionary_is_an_error) {
  const std::string bytes("\x78\xbb\x00\x00\x00\x01", 6);  // RFC 1950, 2.2: FDICT, and which one

  EXPECT_EQ(decoded(bytes, {}).error, std::errc::bad_message);
}

/// Each of them is 20 bytes of nothing.
TEST(ZlibData, any_number_of_empty_members_is_an_empty_text) {
  const ZlibOptions options{.format = Format::gzip};
  std::string bytes;
  for (int i = 0; i < 50'000; ++i) bytes += compressed_text("", options);

  const Outcome outcome = decoded(bytes, options);

  EXPECT_FALSE(outcome.error);
  EXPECT_EQ(outcome.text, "");
}

}  // namespace
}  // namespace weir
