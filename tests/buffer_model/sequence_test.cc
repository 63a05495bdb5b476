// weir: tests of what the model test is built on: choices, text, and the search for shorter sequences.
// SPDX-License-Identifier: MIT
#include "tests/buffer_model/sequence.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "tests/buffer_model/machine.h"

namespace weir::buffer_model {
namespace {

constexpr std::array<std::string_view, 3> names{"begin", "add", "remove"};

TEST(Choices, the_same_seed_gives_the_same_choices) {
  Choices one = Choices::from_seed(7);
  Choices other = Choices::from_seed(7);

  for (std::uint64_t limit = 1; limit < 1000; ++limit) EXPECT_EQ(one.below(limit), other.below(limit));
}

TEST(Choices, what_was_recorded_is_chosen_again) {
  Choices chance = Choices::from_seed(3);
  chance.begin_step(1);
  const std::array drawn{chance.below(10), chance.below(1), chance.below(0), chance.below(unlimited)};

  Choices again = Choices::from_lists();
  again.replay(chance.values_of(0));

  EXPECT_EQ((std::array{again.below(10), again.below(1), again.below(0), again.below(unlimited)}), drawn);
}

TEST(Choices, bytes_that_are_used_up_give_zeros) {
  constexpr std::array bytes{std::byte{5}, std::byte{1}, std::byte{2}};
  Choices choices = Choices::from_bytes(bytes);

  EXPECT_EQ(choices.below(100), 5U);
  EXPECT_FALSE(choices.is_exhausted());
  EXPECT_EQ(choices.below(1000), 0x201U % 1000);
  EXPECT_TRUE(choices.is_exhausted());
  EXPECT_EQ(choices.below(100), 0U);
  EXPECT_FALSE(choices.coin());
}

TEST(Sequence, text_is_parsed_back) {
  const Sequence sequence{{0, {4}}, {1, {}}, {2, {0, 17, unlimited}}};

  const std::string text = to_text(sequence, names);
  std::string error;

  EXPECT_EQ(text, "begin 4\nadd\nremove 0 17 18446744073709551615\n");
  EXPECT_EQ(parse("# why\n\n" + text, names, &error), sequence);
}

TEST(Sequence, text_with_an_unknown_word_is_no_sequence) {
  for (const std::string_view text : {"frob 1", "add x", "add -1", "add 1x", "add 18446744073709551616"}) {
    std::string error;
    EXPECT_EQ(parse(text, names, &error), std::nullopt) << text;
    EXPECT_NE(error.find(text), std::string::npos);
  }
}

TEST(Sequence, the_shortest_that_fails_is_found) {
  Sequence sequence(100, Step{1, {9, 9}});
  sequence[17] = {2, {50, 3}};
  sequence[60] = {2, {1000, 0}};

  // Fails with two removals, of which the second has a first choice of at least 100.
  const Sequence shortest = minimised(sequence, [](const Sequence& candidate) {
    std::vector<Step> removals;
    std::ranges::copy_if(candidate, std::back_inserter(removals), [](const Step& step) { return step.operation == 2; });
    return removals.size() >= 2 && !removals[1].choices.empty() && removals[1].choices[0] >= 100;
  });

  EXPECT_EQ(to_text(shortest, names), "remove\nremove 100\n");
}

TEST(Rig, a_sequence_of_the_model_is_told_and_played_again) {
  Choices choices = Choices::from_seed(1);
  ASSERT_EQ(play(machine_alphabet(), choices, 500).failure, "");

  const std::string text = to_text(recorded(choices), machine_alphabet().names);
  std::string error;
  const std::optional<Sequence> sequence = parse(text, machine_alphabet().names, &error);

  ASSERT_TRUE(sequence.has_value()) << error;
  EXPECT_EQ(*sequence, recorded(choices));
  EXPECT_EQ(replay(machine_alphabet(), *sequence).failure, "");
}

}  // namespace
}  // namespace weir::buffer_model
