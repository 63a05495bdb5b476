// weir: tests of searching a buffer.
// SPDX-License-Identifier: MIT
#include "weir/buffer/search.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <random>
#include <string>
#include <utility>

#include "weir/buffer/allocation_plan.h"
#include "weir/buffer/buffer.h"
#include "weir/buffer/pool.h"

namespace weir {
namespace {

/// `text` in slices of `step` bytes that do not merge.
Buffer cut(std::string_view text, std::size_t step) {
  Buffer buffer;
  for (; !text.empty(); text.remove_prefix(std::min(step, text.size()))) {
    buffer.append(Slice::adopt(std::string(text.substr(0, step)) + '\0').subslice(0, std::min(step, text.size())));
  }
  return buffer;
}

std::optional<std::size_t> expected(std::string_view text, std::string_view needle) {
  const std::size_t at = text.find(needle);
  return at == std::string_view::npos ? std::nullopt : std::optional(at);
}

// hazard: B10
TEST(Search, finds_the_same_however_the_bytes_are_cut) {
  const std::string text =
      std::string(70, 'x') + "aabaabaaab" + std::string(1, '\0') + "\r\n" + std::string(200, 'y') + "aabaaabz";
  for (const std::size_t step : {1U, 2U, 3U, 5U, 7U, 64U, 65U, 100U, 1000U}) {
    const Buffer buffer = cut(text, step);
    for (const std::string_view needle :
         {std::string_view("x"), std::string_view("\0\r", 2), std::string_view("\r\n"), std::string_view("aabaaab"),
          std::string_view("aabaaabz"), std::string_view("aabaabaaab"), std::string_view("yyaab"),
          std::string_view("zz"), std::string_view("xa")}) {
      ASSERT_EQ(buffer.find(needle), expected(text, needle)) << needle << " in slices of " << step;
    }
  }
}

TEST(Search, random_texts_of_two_letters_agree_with_the_standard_library) {
  std::mt19937 random(20240601);
  for (int round = 0; round < 3000; ++round) {
    std::string text(random() % 300, '\0');
    for (char& letter : text) letter = static_cast<char>('a' + random() % 2);
    std::string needle(1 + random() % (round % 3 == 0 ? 80 : 8), '\0');
    for (char& letter : needle) letter = static_cast<char>('a' + random() % 2);
    if (round % 3 == 0 && text.size() > needle.size())
      needle = text.substr(random() % (text.size() - needle.size()), needle.size());
    const std::size_t within = random() % 320;
    Buffer buffer = cut(text, 1 + random() % 100);

    ASSERT_EQ(buffer.find(needle), expected(text, needle)) << text << " " << needle;
    ASSERT_EQ(buffer.find(needle, {.within = within}), expected(std::string_view(text).substr(0, within), needle))
        << within;
    SearchPosition position;
    ASSERT_EQ(buffer.find(needle, position, {.within = within}),
              expected(std::string_view(text).substr(0, within), needle));
    ASSERT_EQ(buffer.find(needle, position), expected(text, needle));
  }
}

// hazard: CH1
TEST(Search, a_needle_longer_than_the_buffer_is_not_found) {
  for (const std::size_t step : {1U, 2U, 4U}) {
    EXPECT_EQ(cut("hell", step).find("hello"), std::nullopt);
  }
  EXPECT_EQ(Buffer().find("x"), std::nullopt);
  EXPECT_EQ(Buffer().find(std::byte{0}), std::nullopt);
}

TEST(Found, what_was_not_found_has_no_offset) {
  const Found nothing;
  const Found nothing_certain(errc::not_in_memory);

  EXPECT_FALSE(nothing);
  EXPECT_FALSE(nothing.error());
  EXPECT_FALSE(nothing_certain);
  EXPECT_EQ(nothing_certain.error(), errc::not_in_memory);
  for (const Found& found : {nothing, nothing_certain}) {
    EXPECT_EQ(found, std::nullopt);
    EXPECT_NE(found, 0U);
    EXPECT_NE(found, unlimited) << "no offset stands for it";
  }
}

TEST(Found, tells_where_and_how_long) {
  const Found found(7, 2);

  EXPECT_TRUE(found);
  EXPECT_FALSE(found.error());
  EXPECT_EQ(*found, 7U);
  EXPECT_EQ(found.size(), 2U);
  EXPECT_EQ(found.end(), 9U);
  EXPECT_EQ(found, 7U);
  EXPECT_NE(found, 8U);
  EXPECT_NE(found, std::nullopt);
}

TEST(FoundDeathTest, the_offset_of_what_was_not_found_is_a_programmer_error) {
  const Found nothing;
  EXPECT_DEATH((void)*nothing, "");
  EXPECT_DEATH((void)nothing.size(), "");
  EXPECT_DEATH((void)nothing.end(), "");
}

TEST(Search, finds_the_first_byte_of_a_set_however_the_bytes_are_cut) {
  std::string text = std::string(150, 'x') + std::string(1, '\0') + std::string(90, 'y') + "\xFF" + "tail: a b";
  for (const std::string_view wanted :
       {std::string_view("\0", 1), std::string_view("\xFF"), std::string_view("\xFF\0", 2), std::string_view(" :"),
        std::string_view("qrs"), std::string_view("abcdefghijklmnopqrstuvwy"), std::string_view("")}) {
    const std::size_t at = text.find_first_of(wanted);
    const std::optional<std::size_t> expected = at == std::string::npos ? std::nullopt : std::optional(at);
    for (const std::size_t step : {1U, 7U, 64U, 1000U}) {
      const Buffer buffer = cut(text, step);
      EXPECT_EQ(buffer.find_any(wanted), expected) << wanted;
      for (std::size_t from = 145; from < 155; ++from) {
        const std::size_t next = text.find_first_of(wanted, from);
        ASSERT_EQ(buffer.find_any(wanted, {.from = from}),
                  next == std::string::npos ? std::nullopt : std::optional(next));
      }
    }
  }
}

TEST(Search, finds_a_byte_of_a_set_at_every_place_of_every_short_run) {
  for (const ByteSet& wanted : {ByteSet("a"), ByteSet("ab"), ByteSet("abc"), ByteSet("abcd"), ByteSet("abcde")}) {
    for (std::size_t size = 1; size < 70; ++size) {
      std::string text(size, 'x');
      EXPECT_EQ(cut(text, size).find_any(wanted), std::nullopt);
      text += "a";  // behind the run
      for (std::size_t at = 0; at < size; ++at) {
        text[at] = 'a';
        const Buffer buffer = cut(text, text.size());
        ASSERT_EQ(buffer.find_any(wanted, {.within = size}), at);
        text[at] = 'x';
      }
    }
  }
}

TEST(ByteSet, has_each_byte_once) {
  ByteSet set("abca");
  set.add(std::byte{0});
  set.add(std::byte{0xFF});

  EXPECT_EQ(set.size(), 5U);
  EXPECT_TRUE(set.has(std::byte{'c'}));
  EXPECT_TRUE(set.has(std::byte{0}));
  EXPECT_TRUE(set.has(std::byte{0xFF}));
  EXPECT_FALSE(set.has(std::byte{'d'}));
  EXPECT_EQ(ByteSet("cba"), ByteSet("abc"));
}

/// A search that begins at `from` and ends at `within`, said plainly: by trying every place.
Found plain_line_end(std::string_view text, LineEnd style, SearchRange range) {
  text = text.substr(0, range.within);
  const auto is_end = [](char byte) { return byte == '\r' || byte == '\n'; };
  for (std::size_t i = range.from; i < text.size(); ++i) {
    const bool is_crlf = text.substr(i, 2) == "\r\n";
    std::size_t size = 0;
    switch (style) {
      case LineEnd::crlf: size = is_crlf ? 2 : text[i] == '\n' ? 1 : 0; break;
      case LineEnd::crlf_strict: size = is_crlf ? 2 : 0; break;
      case LineEnd::lf: size = text[i] == '\n' ? 1 : 0; break;
      case LineEnd::nul: size = text[i] == '\0' ? 1 : 0; break;
      case LineEnd::any:
        while (i + size < text.size() && is_end(text[i + size])) ++size;
        break;
    }
    if (size != 0) return {i, size};
  }
  return {};
}

constexpr LineEnd styles[] = {LineEnd::crlf, LineEnd::crlf_strict, LineEnd::lf, LineEnd::nul, LineEnd::any};

// hazard: B10
TEST(Search, finds_line_ends_of_every_style_however_the_bytes_are_cut) {
  std::mt19937 random(20240602);
  for (int round = 0; round < 4000; ++round) {
    std::string text(random() % 24, '\0');
    for (char& byte : text) byte = "\r\n\0xy\n\r"[random() % 7];
    text.insert(random() % (text.size() + 1), std::string(random() % 3 == 0 ? random() % 200 : 0, 'z'));
    Buffer buffer = cut(text, 1 + random() % 30);
    const SearchRange range{.from = random() % (text.size() + 2),
                            .within = random() % 2 == 0 ? unlimited : random() % 40};
    for (const LineEnd style : styles) {
      ASSERT_EQ(buffer.find_line_end(style), plain_line_end(text, style, {})) << static_cast<int>(style) << text;
      ASSERT_EQ(buffer.find_line_end(style, range), plain_line_end(text, style, range));
    }
  }
}

TEST(Search, keeps_to_its_range) {
  const Buffer buffer = cut("ab ab ab", 3);
  EXPECT_EQ(buffer.find("ab", {.from = 0}), 0U);
  EXPECT_EQ(buffer.find("ab", {.from = 1}), 3U);
  EXPECT_EQ(buffer.find("ab", {.from = 3, .within = 5}), 3U);
  EXPECT_EQ(buffer.find("ab", {.from = 3, .within = 4}), std::nullopt);
  EXPECT_EQ(buffer.find("ab", {.from = 4, .within = 7}), std::nullopt);
  EXPECT_EQ(buffer.find("ab", {.from = 7}), std::nullopt);
  EXPECT_EQ(buffer.find(std::byte{'a'}, {.from = 8}), std::nullopt);
  EXPECT_EQ(buffer.find("ab", {.from = unlimited}), std::nullopt);
  EXPECT_EQ(buffer.find("", {.from = 8}), 8U);
  EXPECT_EQ(buffer.find("", {.from = 9}), std::nullopt);
  EXPECT_EQ(buffer.find("", {.from = 3, .within = 2}), std::nullopt);
}

TEST(Search, an_empty_needle_is_found_at_the_front) {
  EXPECT_EQ(Buffer().find(""), 0U);
  EXPECT_EQ(cut("text", 2).find(""), 0U);
}

TEST(Search, stays_right_without_memory_for_its_table) {
  const std::string needle = std::string(100, 'a') + "b";
  const Buffer buffer = cut(std::string(500, 'a') + "b", 7);
  Found found;
  {
    const AllocationPlan plan(1, true);
    found = buffer.find(needle);
  }

  EXPECT_EQ(found, 400U);
}

TEST(Search, hostile_repetition_costs_linear_time) {
  const std::string needle = std::string(4000, 'a') + "b";
  for (const std::size_t step : {1U, 100U, 5000U}) {
    const Buffer buffer = cut(std::string(400'000, 'a'), step);
    const auto start = std::chrono::steady_clock::now();

    EXPECT_EQ(buffer.find(needle), std::nullopt);

    // Comparing at every offset would take 1.6e9 steps.
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(500)) << step;
  }
}

}  // namespace
}  // namespace weir
