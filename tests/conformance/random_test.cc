// weir: plays scripts drawn by chance on Linux and on the simulated kernel: both must answer alike.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>

#include "tests/conformance/random_script.h"
#include "tests/conformance/scratch.h"
#include "weir/sys/sim_kernel/sim_kernel.h"

namespace weir::conformance {
namespace {

using namespace weir::literals;

constexpr int most_tries = 5;
constexpr int enough_plays = 6;         // that answer the same, to tell a difference from an accident
constexpr Duration short_time = 100us;  // for loopback to carry what was sent
constexpr Duration long_time = 2ms;     // however busy the machine is

/// The variable of the environment, if it is a number.
std::optional<std::uint64_t> wanted(const char* name) {
  const char* text = std::getenv(name);
  return text == nullptr ? std::nullopt : std::optional<std::uint64_t>(std::strtoull(text, nullptr, 10));
}

std::optional<Trace> play_on_linux(const Program& program, Duration settling_time) {
  const Scratch scratch;
  return play(program, scratch.places(), settling_time);
}

Trace play_simulated(const Program& program) {
  sys::SimKernel kernel(1);
  const sys::ScopedKernel installed(kernel);
  Trace trace = play(program, simulated_places(), short_time).value();
  EXPECT_EQ(kernel.local().open_descriptors(), 0U);
  return trace;
}

/// How both kernels differ; empty when they do not. Nothing when Linux does not answer the same each time: the machine is
/// busy, or the ports of connections that other programs have closed, this one's earlier ones among them, get into the way.
std::optional<std::string> compare(const Program& program) {
  const Trace simulated = play_simulated(program);
  for (int i = 0; i < most_tries; ++i) {
    const Duration settling_time = i == 0 ? short_time : long_time;
    const std::optional<Trace> on_linux = play_on_linux(program, settling_time);
    if (!on_linux) continue;
    if (*on_linux == simulated) return "";
    int plays = 1;
    while (plays < enough_plays && on_linux == play_on_linux(program, long_time)) ++plays;
    if (plays == enough_plays) return difference(*on_linux, simulated);
  }
  return std::nullopt;
}

class RandomScripts : public testing::Test {
 protected:
  void SetUp() override { previous_ = std::signal(SIGPIPE, SIG_IGN); }
  void TearDown() override { std::signal(SIGPIPE, previous_); }

 private:
  void (*previous_)(int) = SIG_DFL;
};

/// WEIR_SEEDS in the environment asks for more of them, and WEIR_FIRST_SEED for others.
TEST_F(RandomScripts, the_simulated_kernel_answers_like_linux) {
  if (!is_the_kernel_to_compare_with()) GTEST_SKIP() << "the model is Linux 6.1 and newer";
  const std::uint64_t first = wanted("WEIR_FIRST_SEED").value_or(1);
  const std::uint64_t count = wanted("WEIR_SEEDS").value_or(300);
  std::uint64_t unsteady = 0;

  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    const Program program = draw_program({.seed = seed, .has_ipv6 = has_ipv6()});
    const std::optional<std::string> differs = compare(program);
    if (!differs) ++unsteady;
    if (!differs || differs->empty()) continue;
    const Program shorter = shortened(program, [](const Program& one) { return !compare(one).value_or("").empty(); });
    const std::optional<std::string> in_short = compare(shorter);
    if (in_short.value_or("").empty()) {  // it was an accident, however often it happened
      ++unsteady;
      continue;
    }
    ADD_FAILURE() << "seed " << seed << ":\n"
                  << lines_of(shorter) << "- is what only Linux answers, + only the simulated kernel\n"
                  << *in_short;
  }

  EXPECT_LE(unsteady, 2 + count / 20) << "programs to which Linux gave no steady answer";
}

}  // namespace
}  // namespace weir::conformance
