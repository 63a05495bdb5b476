// weir: plays each scenario on Linux and on the simulated kernel: both must answer alike.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <csignal>
#include <string>
#include <vector>

#include "tests/conformance/scenarios.h"
#include "tests/conformance/scratch.h"
#include "tests/support/descriptor_check.h"
#include "weir/sys/sim_kernel/sim_kernel.h"

namespace weir::conformance {
namespace {

using namespace weir::literals;

struct Case {
  const char* subject;
  const Scenario* scenario;
};

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const Subject& subject : all_scenarios()) {
    for (const Scenario& scenario : subject.scenarios) cases.push_back({subject.name, &scenario});
  }
  return cases;
}

Trace play(const Scenario& scenario, const Places& places) {
  Script script(places);
  scenario.play(script);
  return script.trace();
}

Trace play_on_linux(const Scenario& scenario) {
  const Scratch scratch;
  Trace trace = play(scenario, scratch.places());
  EXPECT_TRUE(scratch.is_empty()) << "the scenario leaves files behind";
  return trace;
}

/// With `latency`, loopback takes time, so that what is under way meets what happens meanwhile.
Trace play_simulated(const Scenario& scenario, Duration latency) {
  sys::SimKernel kernel(1);
  kernel.network().link(kernel.local(), kernel.local()).latency = latency;
  const sys::ScopedKernel installed(kernel);
  Trace trace = play(scenario, simulated_places());
  EXPECT_EQ(kernel.local().open_descriptors(), 0U) << "the scenario leaves descriptors open";
  EXPECT_TRUE(kernel.local().files.empty()) << "the scenario leaves files behind";
  return trace;
}

bool mentions_ipv6(const Trace& trace) {
  for (const std::string& line : trace) {
    if (line.find("[::") != std::string::npos || line.find(" tcp6") != std::string::npos) return true;
  }
  return false;
}

class Conformance : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override { previous_ = std::signal(SIGPIPE, SIG_IGN); }  // write(2) to a broken pipe raises it
  void TearDown() override { std::signal(SIGPIPE, previous_); }

 private:
  void (*previous_)(int) = SIG_DFL;
};

TEST_P(Conformance, the_simulated_kernel_answers_like_linux) {
  if (!is_the_kernel_to_compare_with()) GTEST_SKIP() << "the model is Linux 6.1 and newer";
  const Scenario& scenario = *GetParam().scenario;

  const Trace on_linux = play_on_linux(scenario);
  if (!has_ipv6() && mentions_ipv6(on_linux)) GTEST_SKIP() << "this machine has no IPv6 loopback";
  const std::string meaning = "- is what only Linux answers, + only the simulated kernel";

  EXPECT_EQ(difference(on_linux, play_simulated(scenario, 0us)), "") << meaning;
  EXPECT_EQ(difference(on_linux, play_simulated(scenario, 100us)), "") << meaning << ", with 100 µs of latency";
}

INSTANTIATE_TEST_SUITE_P(, Conformance, testing::ValuesIn(all_cases()), [](const auto& one) {
  return std::string(one.param.subject) + "_" + one.param.scenario->name;
});

}  // namespace
}  // namespace weir::conformance
