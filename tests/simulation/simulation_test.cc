// weir: scenarios on the simulated kernel, under troubles that chance decides.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "tests/simulation/scenario.h"

namespace weir::testing_support {
namespace {

/// How many seeds each scenario gets: WEIR_SEEDS in the environment, else what the normal suite has time for.
std::uint64_t seeds(std::uint64_t usual) {
  const char* wanted = std::getenv("WEIR_SEEDS");
  return wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : usual;
}

void pass(sim::Swarm swarm, std::uint64_t usual) {
  const sim::SwarmReport report = swarm.run(1, seeds(usual));

  EXPECT_TRUE(report.failure.empty()) << report.failure;
  std::printf(
      "%s: %llu seeds, %llu events, %llu virtual seconds\n", swarm.options().code.c_str(),
      static_cast<unsigned long long>(report.runs), static_cast<unsigned long long>(report.events),
      static_cast<unsigned long long>(std::chrono::duration_cast<std::chrono::seconds>(report.elapsed).count()));
  for (const auto& [name, count] : report.probes) {
    std::printf("  %8llu  %s\n", static_cast<unsigned long long>(count), name.c_str());
  }
}

TEST(Simulation, echo) { pass(echo_swarm(), 400); }
TEST(Simulation, lines) { pass(lines_swarm(), 400); }
TEST(Simulation, stop) { pass(stop_swarm(), 400); }
TEST(Simulation, timers) { pass(timers_swarm(), 400); }
TEST(Simulation, posts) { pass(posts_swarm(), 400); }
TEST(Simulation, server) { pass(server_swarm(), 400); }
TEST(Simulation, connecting) { pass(refused_swarm(), 400); }
TEST(Simulation, half_closes) { pass(half_close_swarm(), 400); }
// hazard: S1, S3, S5
TEST(Simulation, proxies) { pass(proxy_swarm(), 400); }

}  // namespace
}  // namespace weir::testing_support
