// weir: tests of rates as people write them.
// SPDX-License-Identifier: MIT
#include "weir/cli/rate_text.h"

#include <gtest/gtest.h>

namespace weir::cli {
namespace {

TEST(RateText, units_are_powers_of_1000_and_with_an_i_of_1024) {
  EXPECT_EQ(parse_rate("100000"), 100'000U);
  EXPECT_EQ(parse_rate("512k"), 512'000U);
  EXPECT_EQ(parse_rate("512K"), 512'000U);
  EXPECT_EQ(parse_rate("10M"), 10'000'000U);
  EXPECT_EQ(parse_rate("1G"), 1'000'000'000U);
  EXPECT_EQ(parse_rate("2T"), 2'000'000'000'000U);
  EXPECT_EQ(parse_rate("1Ki"), 1024U);
  EXPECT_EQ(parse_rate("1KiB"), 1024U);
  EXPECT_EQ(parse_rate("1kiB"), 1024U);
  EXPECT_EQ(parse_rate("3MiB"), 3U << 20);
  EXPECT_EQ(parse_rate("1GiB"), 1U << 30);
  EXPECT_EQ(parse_rate("10MB"), 10'000'000U);
  EXPECT_EQ(parse_rate("10B"), 10U);
}

TEST(RateText, fractions_are_cut_to_whole_bytes) {
  EXPECT_EQ(parse_rate("1.5M"), 1'500'000U);
  EXPECT_EQ(parse_rate("0.5k"), 500U);
  EXPECT_EQ(parse_rate("1.0001k"), 1000U);
  EXPECT_EQ(parse_rate("2.5"), 2U);
}

TEST(RateText, the_least_is_a_byte_and_the_most_a_petabyte) {
  EXPECT_EQ(parse_rate("0"), std::nullopt);
  EXPECT_EQ(parse_rate("0.9"), std::nullopt);
  EXPECT_EQ(parse_rate("1"), 1U);
  EXPECT_EQ(parse_rate("1000T"), 1'000'000'000'000'000U);
  EXPECT_EQ(parse_rate("1000.1T"), std::nullopt);
  EXPECT_EQ(parse_rate("99999999999999999999999999999"), std::nullopt);
}

TEST(RateText, nonsense_is_no_rate) {
  for (const char* text :
       {"",     "M",   "k10", "-1",   "+1",  " 1",   "1 ",    "1 M", "10m",  "10Mbit", "10M/s", "10MM", "1e6",
        "0x10", "inf", "nan", "10iB", "10i", "10BB", "1.2.3", ".5",  "10kM", "1,5M",   "ten",   "10kk"}) {
    EXPECT_EQ(parse_rate(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace weir::cli
