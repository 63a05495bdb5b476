// weir: a simulated network for each test of a program.
// SPDX-License-Identifier: MIT
#pragma once

#include <gtest/gtest.h>

#include <cstddef>

#include "tests/support/test_kernel.h"
#include "weir/sim/world.h"

namespace weir::testing_support {

/// The network of the running test. Each test begins with a fresh one, and fails when it leaves a descriptor open there.
///
/// A program has this by linking test_world.cc; ctest runs it twice then, the second time on the real kernel, where there
/// is no world. Tests that need one, because hours pass in them say, are skipped there: see SimulatedTest.
sim::World& world();

/// The base of tests that cannot do without virtual time.
class SimulatedTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!is_simulated()) GTEST_SKIP() << "needs virtual time";
  }
};

/// How many descriptors are open on the test's kernel.
std::size_t count_descriptors();

}  // namespace weir::testing_support
