// weir: tests of callbacks at the end of a turn.
// SPDX-License-Identifier: MIT
#include "weir/loop/deferred_call.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>

#include "tests/support/loop_fixture.h"
#include "weir/loop/timer.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;

TEST(DeferredCall, comes_once_at_the_end_of_the_turn_in_the_order_of_scheduling) {
  EventLoop loop;
  std::string order;
  DeferredCall first(loop, [&] { order += '1'; });
  DeferredCall second(loop, [&] { order += '2'; });
  loop.post([&] {
    order += 'p';
    second.schedule();
    first.schedule();
    second.schedule();
    EXPECT_TRUE(second.is_scheduled());
  });
  loop.post([&] { order += 'q'; });

  EXPECT_EQ(*loop.run_once(), RunEnd::turn);
  EXPECT_EQ(order, "pq21");
  EXPECT_FALSE(second.is_scheduled());
  EXPECT_EQ(*loop.run_once(), RunEnd::empty);
}

TEST(DeferredCall, scheduled_in_itself_comes_in_the_next_turn_which_does_not_wait) {
  EventLoop loop;
  int calls = 0;
  std::optional<DeferredCall> call;
  call.emplace(loop, [&] {
    if (++calls < 100) call->schedule();
  });
  Timer later(loop, [](Timer&) {});
  later.start(1h);

  call->schedule();
  EXPECT_EQ(*loop.run_once(), RunEnd::turn);
  EXPECT_EQ(calls, 1);
  for (int i = 1; i < 100; ++i) ASSERT_TRUE(loop.run_once());

  EXPECT_EQ(calls, 100);
}

TEST(DeferredCall, that_was_taken_back_or_destroyed_does_not_come) {
  EventLoop loop;
  std::string order;
  DeferredCall canceled(loop, [&] { order += 'c'; });
  auto destroyed = std::make_unique<DeferredCall>(loop, [&] { order += 'd'; });
  auto victim = std::make_unique<DeferredCall>(loop, [&] { order += 'v'; });
  DeferredCall killer(loop, [&] {
    order += 'k';
    victim.reset();
  });
  canceled.schedule();
  destroyed->schedule();
  killer.schedule();
  victim->schedule();
  canceled.cancel();
  destroyed.reset();

  ASSERT_TRUE(loop.run());

  EXPECT_EQ(order, "k");
}

TEST(DeferredCall, may_destroy_or_replace_itself) {
  EventLoop loop;
  std::string order;
  std::optional<DeferredCall> itself;
  itself.emplace(loop, [&, marked = std::make_shared<std::string>("alive")] {
    itself.reset();
    order += *marked;
  });
  DeferredCall changing(loop, [] {});
  changing.on_call([&] {
    changing.on_call([&] { order += '2'; });
    changing.schedule();
    order += '1';
  });
  itself->schedule();
  changing.schedule();

  ASSERT_TRUE(loop.run());

  EXPECT_EQ(order, "alive12");
}

}  // namespace
}  // namespace weir
