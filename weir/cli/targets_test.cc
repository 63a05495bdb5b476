// weir: tests of how a proxy chooses among its targets.
// SPDX-License-Identifier: MIT
#include "weir/cli/targets.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

namespace weir::cli {
namespace {

using namespace weir::literals;

/// Three targets, and the time that they are asked at.
class TargetsTest : public testing::Test {
 protected:
  static std::vector<Address> addresses(std::size_t count) {
    std::vector<Address> all;
    for (std::size_t i = 1; i <= count; ++i) all.push_back(*Address::parse("127.0.0." + std::to_string(i) + ":80"));
    return all;
  }

  Targets::Use choose(std::vector<std::size_t> tried = {}) {
    std::optional<Targets::Use> use = targets.choose(tried, now);
    EXPECT_TRUE(use);
    return *std::move(use);
  }

  /// Connects to all targets but this one in vain, so that it is the one that is chosen.
  Targets::Use use_of(std::size_t index) {
    std::vector<std::size_t> others{0, 1, 2};
    others.erase(others.begin() + static_cast<std::ptrdiff_t>(index));
    return choose(others);
  }

  Targets targets{addresses(3)};
  TimePoint now{100s};
};

TEST_F(TargetsTest, equal_ones_take_turns) {
  for (const std::size_t expected : {0U, 1U, 2U, 0U, 1U}) {
    EXPECT_EQ(choose().index(), expected);  // and goes at once
  }
}

TEST_F(TargetsTest, the_one_with_the_fewest_connections_is_next) {
  std::array uses{choose(), choose(), choose(), choose()};
  EXPECT_EQ(uses[3].index(), 0U);
  { const Targets::Use gone = std::move(uses[1]); }

  EXPECT_EQ(targets.figures()[1].connections, 0U);
  EXPECT_EQ(choose().index(), 1U);
}

TEST_F(TargetsTest, those_that_were_tried_are_left_out_until_none_is_left) {
  EXPECT_EQ(choose({0}).index(), 1U);
  EXPECT_EQ(choose({0, 2}).index(), 1U);
  EXPECT_FALSE(targets.choose(std::array<std::size_t, 3>{2, 0, 1}, now));
}

TEST_F(TargetsTest, one_that_failed_is_set_aside_for_a_second) {
  EXPECT_EQ(use_of(1).failed(now), 1s);
  EXPECT_TRUE(targets.figures()[1].is_aside);
  for (int i = 0; i < 6; ++i) EXPECT_NE(choose().index(), 1U);

  now += 1s - 1ns;
  for (int i = 0; i < 3; ++i) EXPECT_NE(choose().index(), 1U);
  now += 1ns;
  std::array uses{choose(), choose(), choose()};

  EXPECT_EQ(std::count_if(uses.begin(), uses.end(), [](const Targets::Use& use) { return use.index() == 1; }), 1);
}

TEST_F(TargetsTest, the_time_aside_doubles_up_to_half_a_minute) {
  for (const Duration expected : {1s, 2s, 4s, 8s, 16s, 30s, 30s}) {
    Targets::Use use = use_of(0);
    EXPECT_EQ(use.failed(now), expected);
    now += expected;
  }
}

TEST_F(TargetsTest, one_that_works_again_is_good_and_begins_with_a_second_when_it_fails_next) {
  EXPECT_EQ(use_of(0).failed(now), 1s);
  now += 1s;
  EXPECT_EQ(use_of(0).failed(now), 2s);
  now += 2s;
  use_of(0).connected();

  EXPECT_FALSE(targets.figures()[0].is_aside);
  EXPECT_EQ(use_of(0).failed(now), 1s);
}

TEST_F(TargetsTest, failures_of_attempts_that_were_under_way_prolong_nothing) {
  std::array uses{use_of(2), use_of(2), use_of(2)};

  EXPECT_EQ(uses[0].failed(now), 1s);
  EXPECT_EQ(uses[1].failed(now), std::nullopt);
  now += 1s;
  EXPECT_EQ(uses[2].failed(now), 2s) << "it has failed again when it should have worked";
  EXPECT_EQ(targets.figures()[2].failures, 3U);
}

TEST_F(TargetsTest, when_the_time_is_over_one_connection_tries_and_others_wait_for_what_comes_of_it) {
  (void)use_of(1).failed(now);
  now += 1s;
  std::vector<Targets::Use> others;
  others.push_back(use_of(0));
  others.push_back(use_of(2));
  Targets::Use trial = choose();
  ASSERT_EQ(trial.index(), 1U);
  for (int i = 0; i < 4; ++i) {
    others.push_back(choose());
    EXPECT_NE(others.back().index(), 1U) << "though it has the fewest";
  }

  trial.connected();

  EXPECT_EQ(choose().index(), 1U);
}

TEST_F(TargetsTest, a_trial_that_is_given_up_leaves_the_next_one_to_try) {
  (void)use_of(1).failed(now);
  now += 1s;
  const std::array others{use_of(0), use_of(2)};
  {
    const Targets::Use trial = choose();
    ASSERT_EQ(trial.index(), 1U);
  }

  EXPECT_TRUE(targets.figures()[1].is_aside);
  EXPECT_EQ(choose().index(), 1U);
}

TEST_F(TargetsTest, when_no_other_is_left_those_aside_are_tried_the_one_due_first_before_the_others) {
  (void)use_of(0).failed(now);
  now += 1s;
  (void)use_of(0).failed(now);  // for two seconds
  (void)use_of(1).failed(now);  // for one
  EXPECT_EQ(choose().index(), 2U);

  EXPECT_EQ(choose({2}).index(), 1U);
  EXPECT_EQ(choose({2, 1}).index(), 0U);
  use_of(0).connected();

  EXPECT_FALSE(targets.figures()[0].is_aside) << "it works, whatever was thought of it";
}

TEST_F(TargetsTest, figures_tell_connections_totals_and_failures) {
  Targets::Use first = use_of(0);
  first.connected();
  Targets::Use second = use_of(0);
  (void)use_of(1).failed(now);

  const std::vector<Targets::Figures> figures = targets.figures();

  EXPECT_EQ(figures[0].connections, 2U);
  EXPECT_EQ(figures[0].total, 1U);
  EXPECT_EQ(figures[0].failures, 0U);
  EXPECT_EQ(figures[1].connections, 0U);
  EXPECT_EQ(figures[1].failures, 1U);
  EXPECT_EQ(figures[2].total, 0U);
}

TEST_F(TargetsTest, a_use_that_is_moved_counts_once) {
  Targets::Use first = use_of(0);
  Targets::Use second = std::move(first);
  EXPECT_EQ(targets.figures()[0].connections, 1U);

  second = use_of(1);

  EXPECT_EQ(targets.figures()[0].connections, 0U);
  EXPECT_EQ(targets.figures()[1].connections, 1U);
}

}  // namespace
}  // namespace weir::cli
