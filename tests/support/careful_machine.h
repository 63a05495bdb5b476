// weir: a simulated machine for tests in which allocations fail.
// SPDX-License-Identifier: MIT
#pragma once

#include "tests/support/careful_kernel.h"
#include "tests/support/test_kernel.h"
#include "weir/sim/world.h"

namespace weir::testing_support {

/// A simulated machine whose kernel has memory of its own.
struct Machine {
  sim::World world;
  CarefulKernel kernel{*sys::installed_kernel};
  sys::ScopedKernel installed{kernel};
  AsTestKernel as_test_kernel;
};

}  // namespace weir::testing_support
