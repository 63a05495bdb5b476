// weir: tests of searching a buffer.
// SPDX-License-Identifier: MIT
#include "weir/buffer/search.h"

#include <gtest/gtest.h>

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
    ASSERT_EQ(buffer.find(needle, within), expected(std::string_view(text).substr(0, within), needle)) << within;
    SearchPosition position;
    ASSERT_EQ(buffer.find(needle, position, within), expected(std::string_view(text).substr(0, within), needle));
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

TEST(Search, an_empty_needle_is_found_at_the_front) {
  EXPECT_EQ(Buffer().find(""), 0U);
  EXPECT_EQ(cut("text", 2).find(""), 0U);
}

// hazard: CH2
TEST(Search, a_resumed_search_is_right_after_a_drain) {
  Buffer buffer = cut("aaaaaaaaaa", 10);
  SearchPosition position;
  EXPECT_EQ(buffer.find("\n", position), std::nullopt);

  buffer.drop(8);
  buffer.append("bb\nccc");

  EXPECT_EQ(buffer.find("\n", position), 4U);
}

// hazard: CH3
TEST(Search, a_resumed_search_for_another_needle_begins_anew) {
  Buffer buffer = cut("abc;defghij", 4);
  SearchPosition position;
  EXPECT_EQ(buffer.find("\n", position), std::nullopt);

  EXPECT_EQ(buffer.find(";", position), 3U);
  EXPECT_EQ(buffer.find("c;d", position), 2U);
}

// hazard: CH4
TEST(Search, a_resumed_search_in_another_buffer_begins_anew) {
  Buffer first = cut(std::string(100, 'x'), 10);
  Buffer second = cut("abc;" + std::string(200, 'x'), 10);
  SearchPosition position;
  EXPECT_EQ(first.find(";", position), std::nullopt);
  EXPECT_EQ(second.find(";", position), 3U);

  EXPECT_EQ(first.find(";", position), std::nullopt);
  first = cut("abc;" + std::string(200, 'x'), 10);
  EXPECT_EQ(first.find(";", position), 3U) << "the content was replaced";

  EXPECT_EQ(first.find("!", position), std::nullopt);
  Buffer moved = std::move(first);
  moved.append("!");
  EXPECT_EQ(moved.find("!", position), 204U);
  first = cut("!" + std::string(300, 'x'), 10);
  EXPECT_EQ(first.find("!", position), 0U);
}

TEST(Search, a_buffer_where_another_was_is_searched_anew) {
  SearchPosition position;
  for (int round = 0; round < 3; ++round) {
    Buffer buffer;
    buffer.append(round == 0 ? std::string(50, 'x') : ";" + std::string(100, 'x'));
    EXPECT_EQ(buffer.find(";", position), round == 0 ? std::nullopt : std::optional<std::size_t>(0));
  }
}

TEST(Search, what_replaced_a_cut_off_end_is_searched) {
  Buffer buffer = cut(std::string(100, 'x'), 10);
  SearchPosition position;
  EXPECT_EQ(buffer.find(";", position), std::nullopt);

  const Buffer rest = buffer.split(50);
  buffer.append(";" + std::string(60, 'x'));

  EXPECT_EQ(buffer.find(";", position), 50U);
}

TEST(Search, a_resumed_search_stays_right_over_joins_and_splices) {
  Buffer buffer = cut("abcdefgh\r", 2);
  SearchPosition position;
  EXPECT_EQ(buffer.find("\r\n", position), std::nullopt);

  (void)buffer.contiguous(5);
  buffer.append(cut("\nrest", 1));

  EXPECT_EQ(buffer.find("\r\n", position), 8U);
  buffer.drop(4);
  EXPECT_EQ(buffer.find("\r\n", position), 4U) << "what was found is found again";
  buffer.drop(6);
  EXPECT_EQ(buffer.find("\r\n", position), std::nullopt);
}

TEST(Search, stays_right_without_memory_for_its_table) {
  const std::string needle = std::string(100, 'a') + "b";
  const Buffer buffer = cut(std::string(500, 'a') + "b", 7);
  std::optional<std::size_t> found;
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
