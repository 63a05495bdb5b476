// weir: tests of searches that go on where an earlier one ended.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "weir/buffer/buffer.h"
#include "weir/buffer/draft.h"
#include "weir/buffer/pool.h"
#include "weir/buffer/search.h"

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

// hazard: CH2
TEST(Search, a_resumed_search_is_right_after_a_drain) {
  for (const std::string_view next : {"bb\nccc", "bb\nccccccccccc"}) {  // fewer bytes than were dropped, and more
    Buffer buffer = cut("aaaaaaaaaa", 10);
    SearchPosition position;
    EXPECT_EQ(buffer.find("\n", position), std::nullopt);

    buffer.drop(8);
    buffer.append(next);

    EXPECT_EQ(buffer.find("\n", position), 4U);
  }
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

/// Pages full of 'x' that a buffer is given one after the other. Those that were searched are taken out of reach: to look at
/// a byte of them again is a crash.
class SearchedPages {
 public:
  static constexpr std::size_t page = 4096;
  static constexpr std::size_t count = 8;

  SearchedPages() : memory_(mmap(nullptr, page * count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {
    std::memset(memory_, 'x', page * count);
  }
  ~SearchedPages() { munmap(memory_, page * count); }
  SearchedPages(const SearchedPages&) = delete;
  SearchedPages& operator=(const SearchedPages&) = delete;

  /// The next page, in slices of `step` bytes that do not merge, with `end` as its last bytes.
  void append_next(Buffer& buffer, std::size_t step, std::string_view end) {
    char* begin = static_cast<char*>(memory_) + page * appended_++;
    std::memcpy(begin + page - end.size(), end.data(), end.size());
    for (std::size_t i = 0; i < page; i += step) {
      buffer.append(Slice::foreign(as_bytes(std::string_view(begin + i, std::min(step, page - i))), [] {}));
    }
  }
  void hide() { mprotect(memory_, page * appended_, PROT_NONE); }

 private:
  void* memory_;
  std::size_t appended_ = 0;
};

/// Searches page after page, and finds at the end of the last one.
template <class Find>
void expect_each_byte_is_looked_at_once(std::string_view end, Find find) {
  for (const std::size_t step : {std::size_t{1000}, SearchedPages::page}) {
    SearchedPages pages;
    Buffer buffer;
    for (std::size_t i = 1; i < SearchedPages::count; ++i) {
      pages.append_next(buffer, step, "");
      ASSERT_EQ(find(buffer), std::nullopt);
      pages.hide();
      if (i == 3) buffer.drop(5000);
    }
    pages.append_next(buffer, step, end);

    EXPECT_EQ(find(buffer), buffer.size() - end.size());
  }
}

TEST(Search, a_resumed_search_looks_at_each_byte_once) {
  SearchPosition position;
  for (const std::string_view needle : {"\n", "\r\n", "needle"}) {
    expect_each_byte_is_looked_at_once(needle, [&](Buffer& buffer) { return buffer.find(needle, position); });
  }
  for (const LineEnd style : {LineEnd::crlf, LineEnd::crlf_strict, LineEnd::any}) {
    expect_each_byte_is_looked_at_once("\r\n", [&](Buffer& buffer) { return buffer.find_line_end(style, position); });
  }
  expect_each_byte_is_looked_at_once("\n", [&](Buffer& buffer) { return buffer.find_line_end(LineEnd::lf, position); });
  expect_each_byte_is_looked_at_once("\t", [&](Buffer& buffer) { return buffer.find_any("\t;", position); });
  expect_each_byte_is_looked_at_once("\n", [&](Buffer& buffer) {
    return buffer.find("\n", position, {.from = std::min<std::size_t>(10, buffer.size())});
  });
}

TEST(Search, only_what_may_begin_an_occurrence_is_looked_at_again) {
  SearchedPages pages;
  Buffer buffer;
  SearchPosition position;
  pages.append_next(buffer, SearchedPages::page, "");
  ASSERT_EQ(buffer.find("needle", position), std::nullopt);
  pages.hide();
  pages.append_next(buffer, SearchedPages::page, "nee");
  ASSERT_EQ(buffer.find("needle", position), std::nullopt);

  buffer.append("dle");

  EXPECT_EQ(buffer.find("needle", position), 2 * SearchedPages::page - 3);
}

// hazard: CH4
TEST(Search, a_resumed_search_agrees_with_a_fresh_one_after_whatever_was_done) {
  const std::string alphabet = "\r\naab";
  const std::vector<std::string> needles = {"a", "ab", "aab", "aaab", "\r\n", "abaabab", ""};
  for (unsigned seed = 0; seed < 150; ++seed) {
    std::mt19937 random(seed);
    const auto text = [&] {
      std::string result(random() % 12, ' ');
      for (char& byte : result) byte = alphabet[random() % alphabet.size()];
      return result;
    };
    Buffer buffer = cut(text(), 3);
    SearchPosition position;  // one for all: it must notice that something else is searched for
    std::vector<SearchPosition> positions(needles.size() + 6);
    for (int step = 0; step < 150; ++step) {
      const std::size_t count = random() % (buffer.size() + 1);
      switch (random() % 9) {
        case 0: buffer.append(text()); break;
        case 1: buffer.append(cut(text(), 1 + random() % 4)); break;
        case 2: buffer.drop(count); break;
        case 3: (void)buffer.take(count); break;
        case 4: (void)buffer.split(count); break;
        case 5: buffer.truncate(count); break;
        case 6: (void)buffer.contiguous(count); break;
        case 7: {
          Draft draft(buffer);
          draft.append(text());
          draft.commit();
          break;
        }
        default: break;
      }
      SearchRange range;
      if (random() % 3 == 0) range = {.from = random() % 5, .within = 4 + random() % 40};
      for (std::size_t i = 0; i < needles.size(); ++i) {
        SearchPosition& resume = random() % 4 == 0 ? position : positions[i];
        ASSERT_EQ(buffer.find(needles[i], resume, range), buffer.find(needles[i], range)) << "seed " << seed;
      }
      for (const LineEnd style : {LineEnd::crlf, LineEnd::crlf_strict, LineEnd::lf, LineEnd::nul, LineEnd::any}) {
        SearchPosition& resume =
            random() % 4 == 0 ? position : positions[needles.size() + static_cast<std::size_t>(style)];
        ASSERT_EQ(buffer.find_line_end(style, resume, range), buffer.find_line_end(style, range)) << "seed " << seed;
      }
      SearchPosition& resume = random() % 4 == 0 ? position : positions.back();
      ASSERT_EQ(buffer.find_any("b\r", resume, range), buffer.find_any("b\r", range)) << "seed " << seed;
    }
  }
}

}  // namespace
}  // namespace weir
