// weir: tests of how a pump ends when its streams' owners put an end to them.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/stream_kinds.h"
#include "weir/loop/event_loop.h"
#include "weir/stream/pump.h"
#include "weir/stream/stream.h"

namespace weir {
namespace {

using namespace weir::testing_support;

/// left.near ↔ (left.far ⇄ pump ⇄ right.near) ↔ right.far
class PumpOwners : public testing::TestWithParam<StreamKind> {
 protected:
  void open() {
    left = open_ends(loop, GetParam());
    right = open_ends(loop, GetParam());
    for (Stream* end : {left.near.get(), right.far.get()}) {
      end->on_data([](Stream& s) { s.input().clear(); });
      end->on_end([](Stream&) {});
    }
    pump(*left.far, *right.near, [this](const PumpEnd& end) { done.push_back(end); });
  }

  EventLoop loop;
  Ends left;
  Ends right;
  std::vector<PumpEnd> done;
};

TEST_P(PumpOwners, hear_once_when_one_is_aborted_or_destroyed_in_the_turn_in_which_the_other_closes) {
  for (const bool destroys : {false, true}) {
    for (int turns = 0; turns < 4; ++turns) {
      SCOPED_TRACE(std::string(destroys ? "destroyed" : "aborted") + " after " + std::to_string(turns) + " turns");
      open();
      done.clear();
      left.near->write("hello");
      left.near->finish_writing();
      settle(loop);
      right.far->finish_writing();  // with that the second has seen both ends
      settle(loop, turns);
      const bool was_over = !left.far->is_open();
      const bool was_last = !was_over && !right.near->is_open();

      if (destroys) {
        left.far.reset();
      } else {
        left.far->abort();
      }
      settle(loop);

      ASSERT_FALSE(right.near->is_open());
      ASSERT_EQ(done.size(), was_last ? 0U : 1U);
      if (!was_last) {
        EXPECT_EQ(done[0].error, was_over ? std::error_code() : errc::canceled);
      }
      left = {};
      right = {};
      settle(loop);
    }
  }
}

TEST_P(PumpOwners, hear_nothing_when_both_are_destroyed) {
  open();
  left.far.reset();
  right.near.reset();
  settle(loop);
  left = {};
  right = {};
  EXPECT_TRUE(spin_until(loop, [&] { return loop.snapshot().objects.size() == 1; }));

  EXPECT_TRUE(done.empty());
}

INSTANTIATE_TEST_SUITE_P(, PumpOwners, testing::Values(kinds::tcp, kinds::unix_socket, kinds::pipes, kinds::pair),
                         [](const auto& kind) { return std::string(kind.param.name); });

}  // namespace
}  // namespace weir
