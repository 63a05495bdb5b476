// weir: a simulated network for each test of a program.
// SPDX-License-Identifier: MIT
#include "tests/support/test_world.h"

#include <cstdlib>
#include <optional>
#include <string_view>

#include "tests/support/descriptor_check.h"

namespace weir::testing_support {
namespace {

sim::World* current = nullptr;

bool wants_real_kernel() {
  const char* wanted = std::getenv("WEIR_TEST_KERNEL");
  return wanted != nullptr && std::string_view(wanted) == "real";
}

/// Puts each test into a world of its own.
class WorldForEachTest final : public testing::EmptyTestEventListener {
  void OnTestStart(const testing::TestInfo&) override {
    if (wants_real_kernel()) return;
    world_.emplace(sim::WorldOptions{.local = {.largest_buffer = 4 << 20}});  // what a server would be set to
    as_test_kernel_.emplace();
    current = &*world_;
  }

  void OnTestEnd(const testing::TestInfo&) override {
    if (!world_) return;
    EXPECT_EQ(world_->local().open_descriptors(), 0U) << "left open by the test\n" << world_->trace();
    current = nullptr;
    as_test_kernel_.reset();
    world_.reset();
  }

  std::optional<sim::World> world_;
  std::optional<AsTestKernel> as_test_kernel_;
};

const bool is_installed = [] {
  testing::UnitTest::GetInstance()->listeners().Append(new WorldForEachTest);
  return true;
}();

}  // namespace

sim::World& world() { return *current; }

std::size_t count_descriptors() {
  return is_simulated() ? world().local().open_descriptors() : open_descriptors().size();
}

}  // namespace weir::testing_support
