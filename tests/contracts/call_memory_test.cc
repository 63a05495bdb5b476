// weir: tests of calls between loops for which there is no memory.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <cstddef>
#include <memory>

#include "tests/support/throws.h"
#include "weir/buffer/allocation_plan.h"
#include "weir/loop/call.h"
#include "weir/loop/event_loop.h"

namespace weir {
namespace {

using testing_support::throws_bad_alloc;

/// Makes a call whose k-th allocation fails, for every k, by `make(loop, other, work, then)`.
template <class Make>
void expects_no_trace(Make make) {
  EventLoop loop;
  EventLoop other;
  for (std::size_t k = 1;; ++k) {
    const auto marked = std::make_shared<int>(0);
    bool is_done = false;
    {
      const AllocationPlan plan(k);
      is_done = !throws_bad_alloc([&] {
        make(
            loop, other, [marked] { ++*marked; }, [marked](Result<void>) { ++*marked; });
      });
    }
    if (is_done) {
      EXPECT_GT(k, 2U) << "nothing has failed: the test proves nothing";
      while (*marked < 2) (void)other.poll(), (void)loop.poll();
      return;
    }
    EXPECT_EQ(*other.poll(), RunEnd::empty) << k;
    EXPECT_EQ(*loop.poll(), RunEnd::empty) << k;
    EXPECT_EQ(*marked, 0) << k;
    EXPECT_EQ(marked.use_count(), 1) << k;
  }
}

TEST(CallMemory, a_call_that_finds_none_leaves_no_trace) {
  expects_no_trace([](EventLoop& loop, EventLoop& other, auto work, auto then) { call(loop, other, work, then); });
}

TEST(CallMemory, work_to_be_offloaded_that_finds_none_leaves_no_trace) {
  expects_no_trace([](EventLoop& loop, EventLoop&, auto work, auto then) { EXPECT_TRUE(offload(loop, work, then)); });
}

}  // namespace
}  // namespace weir
