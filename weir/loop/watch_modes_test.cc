// weir: tests of how often watches tell, of several on a descriptor, of their timeouts and of activating them by hand.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/loop_fixture.h"
#include "tests/support/test_world.h"
#include "tests/support/throws.h"
#include "weir/loop/timer.h"
#include "weir/loop/watch.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;

/// A watch that notes what it is told.
struct Noted {
  Noted(EventLoop& loop, const sys::Descriptor& descriptor, WatchOptions options)
      : watch(*Watch::start(loop, descriptor.number(), options, [this](Readiness now) { told.push_back(now); })) {}
  Noted(const Noted&) = delete;
  Noted& operator=(const Noted&) = delete;

  std::vector<Readiness> told;
  Watch watch;
};

class WatchModes : public LoopTest {
 protected:
  void turns(int count) {
    for (int i = 0; i < count; ++i) ASSERT_TRUE(loop_.poll());
  }
};

TEST_F(WatchModes, an_edge_is_told_once_and_again_when_more_comes) {
  if (loop_.backend() == "poll") GTEST_SKIP() << "which has no edges";
  const Pair pair = unix_pair();
  const Noted edge(loop_, pair.near, {.interest = {.readable = true}, .mode = WatchMode::edge});
  turns(1);
  EXPECT_TRUE(edge.told.empty());

  EXPECT_EQ(write_some(pair.far, "a"), 1U);
  turns(3);
  EXPECT_EQ(edge.told.size(), 1U);
  EXPECT_EQ(write_some(pair.far, "b"), 1U);
  turns(3);

  ASSERT_EQ(edge.told.size(), 2U);
  EXPECT_TRUE(edge.told[1].readable);
}

TEST_F(WatchModes, one_shot_tells_once_leaves_the_loop_empty_and_can_be_armed_again) {
  const Pair pair = unix_pair();
  Noted once(loop_, pair.near, {.interest = {.readable = true}, .mode = WatchMode::one_shot});
  EXPECT_EQ(write_some(pair.far, "a"), 1U);

  EXPECT_EQ(*loop_.run(), RunEnd::empty);
  EXPECT_EQ(once.told.size(), 1U);
  ASSERT_TRUE(once.watch.set_interest({.readable = true}));
  EXPECT_EQ(*loop_.run(), RunEnd::empty);

  EXPECT_EQ(once.told.size(), 2U);
}

TEST_F(WatchModes, several_on_a_descriptor_are_each_told_what_they_asked_for) {
  const Pair pair = unix_pair();
  const Noted reader(loop_, pair.near, {.interest = {.readable = true}});
  const Noted once(loop_, pair.near, {.interest = {.readable = true}, .mode = WatchMode::one_shot});
  std::optional<Noted> writer;
  writer.emplace(loop_, pair.near, WatchOptions{.interest = {.writable = true}});
  turns(1);
  EXPECT_TRUE(reader.told.empty());
  ASSERT_EQ(writer->told.size(), 1U);
  EXPECT_FALSE(writer->told[0].readable);

  EXPECT_EQ(write_some(pair.far, "a"), 1U);
  turns(2);
  EXPECT_EQ(writer->told.size(), 3U);
  EXPECT_EQ(reader.told.size(), 2U);
  EXPECT_FALSE(reader.told[0].writable);
  EXPECT_EQ(once.told.size(), 1U);
  writer.reset();
  turns(1);

  EXPECT_EQ(reader.told.size(), 3U);
}

TEST_F(WatchModes, edge_and_level_do_not_go_together_on_a_descriptor) {
  if (loop_.backend() == "poll") GTEST_SKIP() << "which has no edges";
  const Pair pair = unix_pair();
  const Noted level(loop_, pair.near, {.interest = {.readable = true}});

  const auto edge = Watch::start(loop_, pair.near.number(), {.interest = {.readable = true}, .mode = WatchMode::edge},
                                 [](Readiness) {});

  ASSERT_FALSE(edge);
  EXPECT_EQ(edge.error(), std::errc::invalid_argument);
  EXPECT_EQ(write_some(pair.far, "a"), 1U);
  turns(1);
  EXPECT_EQ(level.told.size(), 1U);
}

// hazard: E10
TEST_F(WatchModes, one_that_a_sibling_on_the_same_descriptor_destroys_is_not_told_and_one_that_it_begins_is) {
  const Pair pair = unix_pair();
  int calls = 0;
  std::optional<Watch> first, second, third;
  const auto end_the_other = [&](std::optional<Watch>& other) {
    return [&](Readiness) {
      ++calls;
      other.reset();
      if (!third)
        third.emplace(*Watch::start(loop_, pair.near.number(), {.writable = true}, [&](Readiness) { ++calls; }));
    };
  };
  first.emplace(*Watch::start(loop_, pair.near.number(), {.writable = true}, end_the_other(second)));
  second.emplace(*Watch::start(loop_, pair.near.number(), {.writable = true}, end_the_other(first)));

  turns(1);
  EXPECT_EQ(calls, 1);
  turns(1);

  EXPECT_EQ(calls, 3);
}

TEST_F(WatchModes, the_rest_is_told_in_the_next_turn_when_one_has_thrown) {
  if (!can_throw()) GTEST_SKIP() << "needs exceptions";
  const Pair pair = unix_pair();
  int calls = 0;
  const auto thrower =
      Watch::start(loop_, pair.near.number(), {.writable = true}, [&](Readiness) { throw_something(); });
  const auto other = Watch::start(loop_, pair.near.number(), {.writable = true}, [&](Readiness) { ++calls; });

  EXPECT_TRUE(throws_something([&] { (void)loop_.run(); }));
  EXPECT_TRUE(throws_something([&] { (void)loop_.run(); }));

  EXPECT_GE(calls, 1);
}

// hazard: E2
TEST_F(WatchModes, a_number_that_was_closed_and_opened_anew_can_be_watched_though_the_old_watch_is_there) {
  const OnRealKernel real;
  EventLoop loop;
  Pair old = unix_pair();
  const int number = old.near.number();
  Noted forgotten(loop, old.near, {.interest = {.readable = true}});
  old.near.reset();
  Pair next = unix_pair();
  ASSERT_EQ(next.near.number(), number);

  Noted watching(loop, next.near, {.interest = {.readable = true}});
  EXPECT_EQ(write_some(next.far, "a"), 1U);
  ASSERT_TRUE(loop.poll());

  EXPECT_EQ(watching.told.size(), 1U);
}

TEST_F(WatchModes, a_timeout_counts_from_the_start_and_from_the_last_thing_told) {
  if (!is_simulated()) GTEST_SKIP() << "needs virtual time";
  const Pair pair = unix_pair();
  Noted watching(loop_, pair.near, {.interest = {.readable = true}, .timeout = 100ms});
  const TimePoint begin = loop_.now();
  Timer writer(loop_, [&](Timer&) { EXPECT_EQ(write_some(pair.far, "a"), 1U); });
  writer.start(60ms);

  ASSERT_TRUE(loop_.run_until([&] { return !watching.told.empty(); }));
  EXPECT_TRUE(watching.told[0].readable);
  EXPECT_EQ(read_some(pair.near), "a");
  ASSERT_TRUE(loop_.run_until([&] { return watching.told.size() == 3; }));

  EXPECT_TRUE(watching.told[1].timed_out && watching.told[2].timed_out);
  EXPECT_GE(loop_.now() - begin, 260ms);
  EXPECT_LE(loop_.now() - begin, 264ms);
  watching.watch.set_timeout(WatchOptions::no_timeout);
  turns(1);
  EXPECT_EQ(loop_.next_deadline(), TimePoint::max());
}

TEST_F(WatchModes, a_one_shot_that_has_timed_out_is_over) {
  const Pair pair = unix_pair();
  const Noted once(loop_, pair.near, {.interest = {.readable = true}, .mode = WatchMode::one_shot, .timeout = 5ms});

  EXPECT_EQ(*loop_.run(), RunEnd::empty);

  ASSERT_EQ(once.told.size(), 1U);
  EXPECT_TRUE(once.told[0].timed_out);
  EXPECT_FALSE(once.told[0].readable);
}

TEST_F(WatchModes, is_activated_by_hand_once_for_all_that_was_asked_in_a_turn) {
  const Pair pair = unix_pair();
  Noted watching(loop_, pair.near, {.interest = {.readable = true}});

  watching.watch.activate({.readable = true});
  watching.watch.activate({.writable = true});
  EXPECT_TRUE(watching.told.empty());
  turns(2);

  ASSERT_EQ(watching.told.size(), 1U);
  EXPECT_TRUE(watching.told[0].readable && watching.told[0].writable);
}

TEST_F(WatchModes, replaces_its_handler_while_that_runs_and_keeps_its_captures_till_the_end) {
  const Pair pair = unix_pair();
  std::string seen;
  std::optional<Watch> watching;
  watching.emplace(*Watch::start(loop_, pair.near.number(), {.writable = true},
                                 [&, name = std::string("a capture that is long enough")](Readiness) {
                                   watching->on_ready([&](Readiness) { seen += "second "; });
                                   seen += name + " ";
                                 }));

  turns(2);

  EXPECT_EQ(seen, "a capture that is long enough second ");
}

}  // namespace
}  // namespace weir
