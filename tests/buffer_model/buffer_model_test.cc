// weir: random operations on buffers that share memory, against a plain model; and those that once went wrong.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "tests/buffer_model/machine.h"
#include "tests/buffer_model/regressions.h"

namespace weir::buffer_model {
namespace {

constexpr std::uint64_t first_seed = 1;

/// So many in all that the suite stays quick: a million where the machine is fast.
#if defined(WEIR_SANITIZED)
constexpr std::size_t operations = 100'000;
#elif defined(NDEBUG)
constexpr std::size_t operations = 1'000'000;
#else
constexpr std::size_t operations = 300'000;
#endif

/// Sequences of a length each, one seed after the other, until `total` operations are done.
void run_sequences(std::uint64_t seed, std::size_t length, std::size_t total) {
  for (std::size_t done = 0; done < total; ++seed) {
    Choices choices = Choices::from_seed(seed);
    const Outcome outcome = play(machine_alphabet(), choices, length);
    done += outcome.operations;
    if (!outcome.has_failed()) continue;
    FAIL() << "seed " << seed << ", " << length << " operations\n"
           << report(machine_alphabet(), outcome, recorded(choices));
  }
}

TEST(BufferModel, random_operations_do_what_the_model_does) { run_sequences(first_seed, 1000, operations); }

TEST(BufferModel, short_sequences_end_in_any_state) { run_sequences(first_seed, 20, operations / 20); }

TEST(BufferModel, a_long_sequence_stays_in_step) { run_sequences(first_seed, operations / 10, operations / 10); }

TEST(BufferModel, sequences_that_went_wrong_once_go_well) {
  const std::vector<Regression> regressions = read_regressions(WEIR_REGRESSIONS);

  EXPECT_FALSE(regressions.empty());
  for (const Regression& regression : regressions) {
    std::string error;
    const std::optional<Sequence> sequence = parse(regression.text, machine_alphabet().names, &error);
    ASSERT_TRUE(sequence.has_value()) << regression.name << ": " << error;
    EXPECT_EQ(replay(machine_alphabet(), *sequence).failure, "") << regression.name;
  }
}

}  // namespace
}  // namespace weir::buffer_model
