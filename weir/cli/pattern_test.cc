// weir: tests of the bytes that load is made of.
// SPDX-License-Identifier: MIT
#include "weir/cli/pattern.h"

#include <gtest/gtest.h>

namespace weir::cli {
namespace {

std::vector<std::byte> collect(const Pattern& pattern, std::uint64_t position, std::size_t count) {
  std::vector<std::byte> all;
  while (all.size() < count) {
    const Bytes piece = pattern.at(position + all.size(), count - all.size());
    all.insert(all.end(), piece.begin(), piece.end());
  }
  return all;
}

TEST(Pattern, recognises_itself_at_any_position_and_size) {
  const Pattern pattern;
  for (const std::uint64_t position : {0UL, 1UL, 65520UL, 65521UL, 65522UL, 196562UL, 196563UL, 1UL << 40}) {
    for (const std::size_t size : {0UL, 1UL, 64UL, 65521UL, 65536UL, 1000000UL}) {
      EXPECT_TRUE(pattern.has(position, collect(pattern, position, size))) << position << " " << size;
    }
  }
}

TEST(Pattern, is_another_one_at_a_neighbouring_position) {
  const Pattern pattern;
  const std::vector<std::byte> bytes = collect(pattern, 100, 64);

  EXPECT_FALSE(pattern.has(99, bytes));
  EXPECT_FALSE(pattern.has(101, bytes));
  EXPECT_FALSE(pattern.has(100 + 65536, bytes));
}

TEST(Pattern, sees_one_changed_byte) {
  const Pattern pattern;
  for (const std::size_t changed : {0UL, 65535UL, 299999UL}) {
    std::vector<std::byte> bytes = collect(pattern, 5, 300000);
    bytes[changed] ^= std::byte{1};

    EXPECT_FALSE(pattern.has(5, bytes)) << changed;
  }
}

}  // namespace
}  // namespace weir::cli
