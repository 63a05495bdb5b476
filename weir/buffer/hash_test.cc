// weir: tests of hashes.
// SPDX-License-Identifier: MIT
#include "weir/buffer/hash.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <random>
#include <string>
#include <unordered_set>
#include <vector>

#include "weir/buffer/pool.h"

namespace weir {
namespace {

/// `text` in slices of at most `step` bytes that do not merge.
Buffer cut(std::string_view text, std::size_t step) {
  Buffer buffer;
  for (; !text.empty(); text.remove_prefix(std::min(step, text.size()))) {
    buffer.append(Slice::adopt(std::string(text.substr(0, step)) + '\0').subslice(0, std::min(step, text.size())));
  }
  return buffer;
}

std::string random_text(std::size_t size, std::mt19937& random) {
  std::string text(size, '\0');
  for (char& byte : text) byte = static_cast<char>(random());
  return text;
}

TEST(Hash, is_the_same_however_the_bytes_are_cut) {
  std::mt19937 random(1);
  for (std::size_t size = 0; size < 100; ++size) {
    const std::string text = random_text(size, random);
    const std::uint64_t whole = hash(as_bytes(text), 7);
    for (std::size_t step = 1; step <= size + 1; ++step) ASSERT_EQ(cut(text, step).hash(7), whole) << size;
    for (std::size_t first = 0; first <= size; ++first) {
      ContentHash two(7);
      two.add(as_bytes(text).first(first));
      (void)two.value();  // may be asked for in between
      two.add({});
      two.add(as_bytes(text).subspan(first));
      ASSERT_EQ(two.value(), whole) << first << " of " << size;
    }
  }
}

TEST(Hash, of_equal_slices_and_buffers_is_equal_in_tables) {
  const Slice slice = Slice::adopt(std::string("some text"));
  EXPECT_EQ(slice, Slice::copy_of(as_bytes("some text"), Pool::default_pool()));
  EXPECT_NE(slice, Slice());
  EXPECT_EQ(std::hash<Slice>()(slice), std::hash<Buffer>()(cut("some text", 2)));
  EXPECT_EQ(Buffer().hash(), hash(Bytes()));
  EXPECT_NE(Buffer().hash(1), Buffer().hash(2));

  std::unordered_set<Buffer> set;
  set.insert(cut("one", 1));
  EXPECT_TRUE(set.contains(cut("one", 2)));
  EXPECT_FALSE(set.contains(cut("two", 2)));
}

TEST(Hash, zeros_count) {
  std::unordered_set<std::uint64_t> seen;
  for (std::size_t size = 0; size < 200; ++size) {
    EXPECT_TRUE(seen.insert(hash(as_bytes(std::string(size, '\0')))).second) << size;
  }
}

TEST(Hash, each_bit_of_the_bytes_and_of_the_seed_changes_half_of_the_bits) {
  std::mt19937 random(2);
  for (const std::size_t size : {1U, 7U, 8U, 15U, 16U, 17U, 33U}) {
    constexpr int rounds = 400;
    std::vector<std::array<int, 64>> flips(size * 8 + 64);
    for (int round = 0; round < rounds; ++round) {
      std::string text = random_text(size, random);
      const std::uint64_t seed = std::uint64_t{random()} << 32 | random();
      const std::uint64_t before = hash(as_bytes(text), seed);
      for (std::size_t bit = 0; bit < flips.size(); ++bit) {
        const bool is_of_seed = bit >= size * 8;
        const std::uint64_t changed_seed = is_of_seed ? seed ^ std::uint64_t{1} << (bit - size * 8) : seed;
        if (!is_of_seed) text[bit / 8] = static_cast<char>(text[bit / 8] ^ 1 << bit % 8);
        const std::uint64_t difference = before ^ hash(as_bytes(text), changed_seed);
        if (!is_of_seed) text[bit / 8] = static_cast<char>(text[bit / 8] ^ 1 << bit % 8);
        for (std::size_t i = 0; i < 64; ++i) flips[bit][i] += static_cast<int>(difference >> i & 1);
      }
    }
    // 400 throws of a coin: 200, with a deviation of 10. Of all the pairs none is off by more than six of them.
    for (std::size_t bit = 0; bit < flips.size(); ++bit) {
      for (std::size_t i = 0; i < 64; ++i) {
        ASSERT_NEAR(flips[bit][i], rounds / 2, 60) << "bit " << bit << " of " << size << " bytes, output " << i;
      }
    }
  }
}

/// The most that fall into one of 4096 places, of 64 for each on average.
template <class Text>
int fullest_place(Text text) {
  std::array<int, 4096> low{};
  std::array<int, 4096> high{};
  for (std::uint64_t i = 0; i < 4096 * 64; ++i) {
    const std::uint64_t value = hash(as_bytes(std::string_view(text(i))));
    ++low[value % 4096];
    ++high[value >> 52];
  }
  return std::max(*std::max_element(low.begin(), low.end()), *std::max_element(high.begin(), high.end()));
}

TEST(Hash, keys_that_count_up_spread_evenly) {
  const auto padded = [](std::uint64_t i, std::size_t size, std::size_t at) {
    std::string text(size, '\0');
    for (std::size_t k = 0; k < 8 && at + k < size; ++k) text[at + k] = static_cast<char>(i >> 8 * k);
    return text;
  };
  // The fullest of 4096 places with 64 each, when chance alone rules, is seldom above 64 + 6 * 8.
  EXPECT_LT(fullest_place([](std::uint64_t i) { return std::to_string(i); }), 115);
  EXPECT_LT(fullest_place([&](std::uint64_t i) { return padded(i, 8, 0); }), 115);
  EXPECT_LT(fullest_place([&](std::uint64_t i) { return padded(i << 32, 16, 0); }), 115);
  EXPECT_LT(fullest_place([&](std::uint64_t i) { return padded(i, 16, 8); }), 115);
  EXPECT_LT(fullest_place([&](std::uint64_t i) { return padded(i, 64, 20); }), 115);
}

TEST(Hash, no_two_of_a_million_short_keys_collide) {
  std::vector<std::uint64_t> values;
  for (std::uint32_t i = 0; i < 1'000'000; ++i) values.push_back(hash(std::as_bytes(std::span(&i, 1))));
  std::sort(values.begin(), values.end());

  EXPECT_EQ(std::adjacent_find(values.begin(), values.end()), values.end());
}

}  // namespace
}  // namespace weir
