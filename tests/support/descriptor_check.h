// weir: fails every test that leaves a descriptor open, or closes one that was not its own.
// SPDX-License-Identifier: MIT
#pragma once

#include <dirent.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <set>

namespace weir::testing_support {

/// The numbers of all open descriptors of the process.
inline std::set<int> open_descriptors() {
  std::set<int> numbers;
  DIR* directory = ::opendir("/proc/self/fd");
  if (directory == nullptr) return numbers;
  while (const dirent* entry = ::readdir(directory)) {
    if (entry->d_name[0] == '.') continue;
    const int number = std::atoi(entry->d_name);  // NOLINT(cert-err34-c): the kernel writes decimal numbers here
    if (number != ::dirfd(directory)) numbers.insert(number);
  }
  ::closedir(directory);
  return numbers;
}

/// Compares the open descriptors before and after each test. Including this header is all that a program needs.
class DescriptorCheck final : public ::testing::EmptyTestEventListener {
  void OnTestStart(const ::testing::TestInfo&) override { before_ = open_descriptors(); }

  void OnTestEnd(const ::testing::TestInfo&) override {
    const std::set<int> after = open_descriptors();
    for (const int number : after) {
      EXPECT_TRUE(before_.contains(number)) << "descriptor " << number << " was left open by the test";
    }
    for (const int number : before_) {
      EXPECT_TRUE(after.contains(number)) << "descriptor " << number << " was closed, and was not the test's own";
    }
  }

  std::set<int> before_;
};

inline const bool descriptor_check_is_installed = [] {
  ::testing::UnitTest::GetInstance()->listeners().Append(new DescriptorCheck);
  return true;
}();

}  // namespace weir::testing_support
