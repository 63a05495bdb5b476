// weir: reads options of sockets back, for tests.
// SPDX-License-Identifier: MIT
#pragma once

#include <gtest/gtest.h>

#include "tests/support/test_kernel.h"
#include "weir/sys/calls.h"

namespace weir::testing_support {

/// What getsockopt(2) tells of a number, on the kernel of the test.
inline int option_value(int socket, int level, int option) {
  const Undisturbed undisturbed;
  int value = -1;
  EXPECT_TRUE(sys::get_option(socket, level, option, value));
  return value;
}

}  // namespace weir::testing_support
