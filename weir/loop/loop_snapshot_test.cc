// weir: tests of names, and of what a snapshot tells of a loop's own objects.
// SPDX-License-Identifier: MIT
#include "weir/loop/loop_snapshot.h"

#include <gtest/gtest.h>

#include <csignal>
#include <optional>
#include <string>

#include "tests/support/test_sockets.h"
#include "tests/support/test_world.h"
#include "weir/base/bytes.h"
#include "weir/loop/deferred_call.h"
#include "weir/loop/event_loop.h"
#include "weir/loop/hook.h"
#include "weir/loop/signal.h"
#include "weir/loop/timer.h"
#include "weir/loop/watch.h"
#include "weir/sys/calls.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;

/// The first object of that kind.
std::optional<ObjectState> find(const EventLoop& loop, ObjectKind kind) {
  for (const ObjectState& object : loop.snapshot().objects) {
    if (object.kind == kind) return object;
  }
  return std::nullopt;
}

TEST(LoopSnapshot, of_a_loop_with_nothing_on_it_is_empty) {
  EventLoop loop(EventLoop::Options{.backend = BackendChoice::epoll});

  const LoopSnapshot snapshot = loop.snapshot();

  EXPECT_TRUE(snapshot.objects.empty());
  EXPECT_EQ(snapshot.to_string(), "0 objects, on epoll\n");
}

class LoopSnapshotTest : public SimulatedTest {
 protected:
  EventLoop loop_;
};

TEST_F(LoopSnapshotTest, shows_a_timer_with_its_age_and_its_deadline) {
  Timer timer(loop_, {.precise = true}, [](Timer&) {});
  timer.set_name("reports");
  world().run_for(3s);
  EXPECT_EQ(find(loop_, ObjectKind::timer)->phase, "idle");
  EXPECT_EQ(find(loop_, ObjectKind::timer)->deadline, TimePoint::max());

  timer.start(90s);
  world().run_for(1500ms);
  const LoopSnapshot snapshot = loop_.snapshot();

  ASSERT_EQ(snapshot.objects.size(), 1U);
  const ObjectState& state = snapshot.objects[0];
  EXPECT_EQ(state.kind, ObjectKind::timer);
  EXPECT_EQ(state.name, "reports");
  EXPECT_EQ(state.phase, "armed");
  EXPECT_EQ(state.age, 4500ms);
  EXPECT_EQ(state.deadline - snapshot.taken, 88500ms);
  EXPECT_EQ(to_string(state, snapshot.taken), "timer \"reports\"  armed  age 4.5 s  fires in 88.5 s");
}

TEST_F(LoopSnapshotTest, shows_a_watch_with_its_descriptor_and_timeout) {
  const Pair pair = unix_pair();
  auto watch = Watch::start(
      loop_, pair.near.number(),
      {.interest = {.readable = true}, .mode = WatchMode::one_shot, .timeout = 10s, .priority = 2}, [&](Readiness) {});
  ASSERT_TRUE(watch);
  watch->set_name("control");
  ASSERT_EQ(loop_.snapshot().objects.size(), 1U) << "what watches of a descriptor share is no object";

  const ObjectState before = *find(loop_, ObjectKind::watch);
  ASSERT_TRUE(sys::send(pair.far.number(), as_bytes("x")));
  ASSERT_TRUE(loop_.run_once());
  const ObjectState after = *find(loop_, ObjectKind::watch);

  EXPECT_EQ(before.name, "control");
  EXPECT_EQ(before.phase, "armed");
  EXPECT_EQ(before.descriptor, pair.near.number());
  EXPECT_LE(before.deadline - world().now(), 10s + 1ms);
  EXPECT_EQ(after.phase, "told");
  EXPECT_EQ(after.deadline, TimePoint::max());
}

TEST_F(LoopSnapshotTest, shows_deferred_calls_and_hooks) {
  DeferredCall call(loop_, [] {});
  call.set_name("flush");
  Hook hook(loop_, HookPoint::after_wait, [] {});
  hook.set_name("feed");
  EXPECT_EQ(find(loop_, ObjectKind::deferred_call)->phase, "idle");

  call.schedule();

  EXPECT_EQ(find(loop_, ObjectKind::deferred_call)->phase, "scheduled");
  EXPECT_EQ(find(loop_, ObjectKind::deferred_call)->name, "flush");
  EXPECT_EQ(find(loop_, ObjectKind::hook)->name, "feed");
}

TEST(LoopSnapshotSignal, shows_a_signal_by_its_name) {
  const OnRealKernel real;
  EventLoop loop;
  auto signal = Signal::subscribe(loop, SIGUSR2, [](int) {});
  ASSERT_TRUE(signal);
  signal->set_name("reload");

  EXPECT_EQ(find(loop, ObjectKind::signal)->name, "reload");
  EXPECT_EQ(find(loop, ObjectKind::signal)->phase, "subscribed");
}

TEST_F(LoopSnapshotTest, shows_names_that_came_with_options) {
  const Pair pair = unix_pair();
  const Timer coarse(loop_, {.name = "reports"}, [](Timer&) {});
  auto watch =
      Watch::start(loop_, pair.near.number(), {.interest = {.readable = true}, .name = "control"}, [](Readiness) {});
  ASSERT_TRUE(watch);

  EXPECT_EQ(find(loop_, ObjectKind::timer)->name, "reports");
  EXPECT_EQ(find(loop_, ObjectKind::watch)->name, "control");
}

TEST_F(LoopSnapshotTest, a_name_can_be_replaced_and_removed) {
  Timer timer(loop_, [](Timer&) {});
  EXPECT_EQ(find(loop_, ObjectKind::timer)->name, "");
  timer.set_name("one");
  timer.set_name("two");
  EXPECT_EQ(find(loop_, ObjectKind::timer)->name, "two");

  timer.set_name("");

  EXPECT_EQ(find(loop_, ObjectKind::timer)->name, "");
}

TEST_F(LoopSnapshotTest, a_name_and_an_age_go_with_their_object) {
  auto old = std::make_optional<DeferredCall>(loop_, [] {});
  old->set_name("old");
  world().run_for(5s);
  old.reset();

  Timer next(loop_, [](Timer&) {});  // at the same place in the loop's table

  EXPECT_EQ(find(loop_, ObjectKind::timer)->name, "");
  EXPECT_EQ(find(loop_, ObjectKind::timer)->age, 0s);
}

TEST(ReadingSuspendedText, names_every_reason) {
  EXPECT_EQ(to_string(ReadingSuspended{}), "");
  EXPECT_EQ(to_string(ReadingSuspended{.by_user = true, .output_full = true}), "user, output full");
  EXPECT_EQ(to_string(ReadingSuspended{.input_full = true, .connecting = true, .ended = true, .memory = true}),
            "input full, connecting, ended, memory");
  EXPECT_EQ(to_string(ReadingSuspended{.rate = true, .held = true}), "rate, held");
  EXPECT_EQ(to_string(WritingSuspended{.by_user = true, .rate = true, .connecting = true, .held = true}),
            "user, rate, connecting, held");
}

TEST(ObjectText, tells_a_deadline_that_is_over) {
  const ObjectState state{.kind = ObjectKind::stream,
                          .phase = "open",
                          .descriptor = 7,
                          .priority = 1,
                          .input_bytes = 10,
                          .output_bytes = 20,
                          .suspended = {.input_full = true},
                          .writing_suspended = {.rate = true},
                          .is_stalled = true,
                          .age = 61s,
                          .idle = 250ms,
                          .deadline = TimePoint{} + 950ms};

  EXPECT_EQ(to_string(state, TimePoint{} + 1s),
            "stream  fd 7  open  in 10  out 20  not reading: input full  stalled  not writing: rate  priority 1  age "
            "61.0 s  idle 0.2 s  "
            "limit in "
            "-0.1 s");
}

}  // namespace
}  // namespace weir
