// weir: tests of what callbacks that throw every time must not hold up.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <csignal>
#include <functional>
#include <string>
#include <utility>

#include "tests/support/loop_fixture.h"
#include "tests/support/test_world.h"
#include "weir/loop/event_loop.h"
#include "weir/loop/signal.h"
#include "weir/loop/timer.h"
#include "weir/sys/fault_kernel.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;
using sys::Call;
using sys::FaultKernel;
using sys::FaultPlan;

struct Thrown {};

/// Makes one turn; true when something was thrown out of it.
bool throws(EventLoop& loop) {
  try {
    EXPECT_TRUE(loop.poll());
    return false;
  } catch (const Thrown&) {
    return true;
  }
}

TEST(Throwing, events_that_always_throw_starve_neither_timers_nor_posts_nor_what_was_deferred) {
  if (!is_simulated()) GTEST_SKIP() << "needs virtual time";
  FaultKernel kernel(FaultPlan::from_nth(1, {.at_most = 1}, {Call::receive}));  // a throw for each byte
  const sys::ScopedKernel installed(kernel);
  EventLoop loop;
  Pair pair = unix_pair();
  auto probe = ByteProbe::reading(loop, std::move(pair.near));
  probe->on_received = [](ByteProbe&) { throw Thrown(); };
  bool has_fired = false, has_run = false, was_told = false;
  Timer timer(loop, [&](Timer&) { has_fired = true; });
  Result<Signal> signal = Signal::subscribe(loop, SIGUSR1, [&](int) { was_told = true; });  // told by deferred work
  ASSERT_TRUE(signal);
  ASSERT_EQ(write_some(pair.far, std::string(1000, 'x')), 1000U);

  ASSERT_TRUE(throws(loop));
  timer.start(1ms);
  world().run_for(2ms);
  loop.post([&] { has_run = true; });
  ::raise(SIGUSR1);
  int thrown = 0;
  for (int turns = 0; turns < 4; ++turns) thrown += throws(loop) ? 1 : 0;

  EXPECT_GE(thrown, 1) << "there was enough to throw about all the time";
  EXPECT_TRUE(has_fired);
  EXPECT_TRUE(has_run);
  EXPECT_TRUE(was_told);
}

TEST(Throwing, timers_and_posts_that_always_throw_do_not_starve_events) {
  if (!is_simulated()) GTEST_SKIP() << "needs virtual time";
  EventLoop loop;
  Pair pair = unix_pair();
  auto probe = ByteProbe::reading(loop, std::move(pair.near));
  Timer timer(loop, [](Timer& t) {
    t.start(0ms);
    throw Thrown();
  });
  timer.start(0ms);
  std::function<void()> again = [&] {
    loop.post([&] { again(); });
    throw Thrown();
  };
  loop.post([&] { again(); });
  for (int turns = 0; turns < 4; ++turns) {
    world().run_for(1ms);
    (void)throws(loop);
  }

  ASSERT_EQ(write_some(pair.far, "heard"), 5U);
  for (int turns = 0; turns < 4 && probe->text.empty(); ++turns) {
    world().run_for(1ms);
    (void)throws(loop);
  }

  EXPECT_EQ(probe->text, "heard");
}

}  // namespace
}  // namespace weir
