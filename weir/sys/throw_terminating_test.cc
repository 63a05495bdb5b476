// weir: tests of what stands for throws in a build without exceptions.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <exception>

#include "weir/base/error.h"

namespace weir {
namespace {

TEST(ThrowDeathTest, says_in_one_line_why_the_process_ends) {
  EXPECT_DEATH(throw_bad_alloc(), "^weir: out of memory[^\n]*; without exceptions the process ends here\n");
  EXPECT_DEATH(throw_error(system_error(EMFILE)), "^weir: Too many open files; without exceptions");
}

TEST(ThrowDeathTest, leaves_the_end_to_the_terminate_handler) {
  const auto end_in_a_way_of_its_own = [] { ::_exit(5); };

  EXPECT_EXIT((std::set_terminate(end_in_a_way_of_its_own), throw_bad_alloc()), testing::ExitedWithCode(5), "");
}

}  // namespace
}  // namespace weir
