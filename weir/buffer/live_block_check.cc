// weir: fails every test that leaves a block of the default pool alive. Linked into a test program, it needs no more.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "weir/buffer/pool.h"

namespace weir {
namespace {

class LiveBlockCheck : public testing::EmptyTestEventListener {
  void OnTestEnd(const testing::TestInfo&) override {
    const PoolStats stats = Pool::default_pool().stats();
    EXPECT_EQ(stats.blocks, 0U) << "the test left blocks of the default pool alive";
    EXPECT_EQ(stats.in_use, 0U);
  }
};

[[maybe_unused]] const bool is_installed = [] {
  testing::UnitTest::GetInstance()->listeners().Append(new LiveBlockCheck);
  return true;
}();

}  // namespace
}  // namespace weir
