// weir: tests of remarks that are not made too often.
// SPDX-License-Identifier: MIT
#include "weir/cli/seldom.h"

#include <gtest/gtest.h>

namespace weir::cli {
namespace {

using namespace weir::literals;

TEST(Seldom, tells_the_first_time_at_once_and_then_once_a_second_how_often_it_was) {
  const TimePoint start{5s};
  Seldom seldom;

  EXPECT_EQ(seldom.occurred(start), 1U);
  EXPECT_EQ(seldom.occurred(start), 0U);
  EXPECT_EQ(seldom.occurred(start + 999ms), 0U);
  EXPECT_EQ(seldom.occurred(start + 1s), 3U);
  EXPECT_EQ(seldom.occurred(start + 1s + 1ms), 0U);
  EXPECT_EQ(seldom.occurred(start + 1h), 2U);
}

TEST(Seldom, tells_the_first_time_also_when_the_clock_has_just_begun) {
  Seldom seldom;
  EXPECT_EQ(seldom.occurred(TimePoint{}), 1U);
}

}  // namespace
}  // namespace weir::cli
