// weir: tests of classes of priority and their quotas.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/loop_fixture.h"
#include "tests/support/throws.h"
#include "weir/loop/watch.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;

/// Watches of sockets that are always readable, each of which notes a letter when it is told so.
class Priorities : public testing::Test {
 protected:
  void make(std::vector<std::size_t> quotas) { loop = *EventLoop::create({.quotas = std::move(quotas)}); }

  void watch(char letter, std::uint8_t priority, int count = 1) {
    for (; count > 0; --count) {
      pairs.push_back(unix_pair());
      EXPECT_EQ(write_some(pairs.back().far, "x"), 1U);
      watches.push_back(*Watch::start(*loop, pairs.back().near.number(),
                                      {.interest = {.readable = true}, .priority = priority},
                                      [this, letter](Readiness) {
                                        order += letter;
                                        if (letter == on_letter) act();
                                      }));
    }
  }

  /// What one turn notes.
  std::string turn() {
    order.clear();
    EXPECT_TRUE(loop->poll());
    return order;
  }

  std::unique_ptr<EventLoop> loop;
  std::vector<Pair> pairs;
  std::vector<Watch> watches;
  std::string order;
  char on_letter = 0;
  Callback<void()> act;

  ~Priorities() override { watches.clear(); }
};

TEST_F(Priorities, the_most_urgent_are_served_first_whatever_the_order_of_their_events) {
  make({unlimited, unlimited, unlimited});
  watch('c', 2, 3);
  watch('a', 0, 2);
  watch('b', 1, 2);

  EXPECT_EQ(turn(), "aabbccc");
  EXPECT_EQ(turn(), "aabbccc");
}

TEST_F(Priorities, a_quota_leaves_the_rest_for_the_next_turn_in_its_order) {
  make({unlimited, 2});
  watch('a', 0);
  for (const char letter : {'1', '2', '3', '4', '5'}) watch(letter, 1);

  std::string all;
  for (int i = 0; i < 10; ++i) {
    const std::string now = turn();
    ASSERT_EQ(now.size(), 3U);
    EXPECT_EQ(now[0], 'a');
    all += now.substr(1);
  }
  for (const char letter : {'1', '2', '3', '4', '5'}) {
    const auto count = std::count(all.begin(), all.end(), letter);
    EXPECT_TRUE(count >= 3 && count <= 5) << letter << " has waited its turn, give or take one: " << all;
  }
}

TEST_F(Priorities, a_class_without_a_quota_waits_until_nothing_more_urgent_is_left) {
  make({1, 0});
  watch('b', 1, 2);
  watch('a', 0, 3);

  for (int i = 0; i < 10; ++i) EXPECT_EQ(turn(), "a") << "always ready, one a turn";
  watches.erase(watches.begin() + 2, watches.end());
  EXPECT_EQ(turn(), "bb");
}

TEST_F(Priorities, a_quota_of_a_single_class_holds_too) {
  make({2});
  watch('a', 0, 5);

  EXPECT_EQ(turn(), "aa");
}

TEST_F(Priorities, classes_that_the_loop_does_not_have_are_its_last) {
  make({unlimited, unlimited});
  watch('z', 200);
  watch('a', 0);
  EXPECT_EQ(turn(), "az");

  watches.clear();
  make({});
  watch('z', 200);
  watch('a', 0);
  std::string both = turn();
  std::sort(both.begin(), both.end());
  EXPECT_EQ(both, "az");
}

TEST_F(Priorities, what_stands_in_a_queue_may_be_destroyed) {
  make({unlimited, 1});
  watch('a', 0);
  watch('b', 1, 5);
  EXPECT_EQ(turn(), "ab");
  on_letter = 'a';
  act = [&] { watches.erase(watches.begin() + 1, watches.end()); };

  EXPECT_EQ(turn(), "a");
  EXPECT_EQ(turn(), "a");
}

TEST_F(Priorities, a_watch_that_had_to_wait_is_told_only_what_still_holds) {
  make({1});
  watch('a', 0);
  watch('b', 0);
  EXPECT_EQ(turn(), "a");
  EXPECT_EQ(read_some(pairs[1].near), "x");  // somebody else was faster

  for (int i = 0; i < 4; ++i) EXPECT_EQ(turn().find('b'), std::string::npos) << "there is nothing to read";
  EXPECT_EQ(write_some(pairs[1].far, "y"), 1U);

  std::string later;
  for (int i = 0; i < 4; ++i) later += turn();
  EXPECT_NE(later.find('b'), std::string::npos) << "it is watched as before";
}

TEST_F(Priorities, what_an_edge_told_is_looked_at_again_when_it_had_to_wait) {
  if (is_on_poll()) GTEST_SKIP() << "poll knows no edges";
  make({1});
  watch('a', 0);
  pairs.push_back(unix_pair());
  EXPECT_EQ(write_some(pairs.back().far, "x"), 1U);
  std::vector<Readiness> told;
  watches.push_back(*Watch::start(*loop, pairs.back().near.number(),
                                  {.interest = {.readable = true, .writable = true}, .mode = WatchMode::edge},
                                  [&](Readiness now) { told.push_back(now); }));
  EXPECT_EQ(turn(), "a");
  EXPECT_EQ(read_some(pairs[1].near), "x");

  for (int i = 0; i < 4; ++i) (void)turn();

  ASSERT_EQ(told.size(), 1U);
  EXPECT_TRUE(told[0].writable);
  EXPECT_FALSE(told[0].readable);
}

TEST_F(Priorities, a_hang_up_is_told_however_long_it_had_to_wait) {
  make({1});
  watch('a', 0);
  watch('b', 0);
  EXPECT_EQ(turn(), "a");
  EXPECT_EQ(read_some(pairs[1].near), "x");
  pairs[1].far.reset();

  std::string later;
  for (int i = 0; i < 3; ++i) later += turn();

  EXPECT_NE(later.find('b'), std::string::npos);
}

TEST_F(Priorities, a_turn_that_is_cut_short_goes_on_with_the_rest) {
  make({unlimited, unlimited});
  watch('a', 0);
  watch('b', 1, 3);
  on_letter = 'a';
  act = [&] { loop->break_now(); };

  order.clear();
  EXPECT_EQ(*loop->run(), RunEnd::stopped);
  EXPECT_EQ(order, "a");
  on_letter = 0;
  EXPECT_EQ(turn(), "bbb");
}

TEST_F(Priorities, urgent_events_that_come_meanwhile_are_served_before_what_was_left) {
  make({unlimited, unlimited});
  watch('b', 1, 3);
  on_letter = 'b';
  act = [&] {
    on_letter = 0;
    watch('a', 0);
    loop->continue_now();
  };

  EXPECT_EQ(turn(), "b");
  const std::string next = turn();
  EXPECT_EQ(next.substr(0, 3), "abb");
}

TEST_F(Priorities, what_is_left_is_served_after_a_callback_has_thrown) {
  if (!can_throw()) GTEST_SKIP() << "needs exceptions";
  make({unlimited, unlimited});
  watch('a', 0);
  watch('b', 1, 2);
  on_letter = 'a';
  act = [&] {
    on_letter = 0;
    throw_something();
  };

  order.clear();
  EXPECT_TRUE(throws_something([&] { (void)loop->poll(); }));
  EXPECT_EQ(order, "a");
  (void)loop->poll();
  (void)loop->poll();

  EXPECT_EQ(order.substr(0, 4), "aabb") << "the rest is not lost, and waits for what is more urgent";
}

TEST_F(Priorities, bulk_streams_do_not_hold_up_a_request) {
  make({unlimited, 2});
  std::vector<Pair> bulk;
  std::vector<Handle<ByteProbe>> probes;
  const std::string much = numbered_bytes(100'000);
  for (int i = 0; i < 10; ++i) {
    bulk.push_back(unix_pair());
    (void)write_some(bulk.back().far, much);
    probes.push_back(ByteProbe::reading(*loop, std::move(bulk.back().near)));
    probes.back()->set_priority(1);
  }
  Pair pair = unix_pair();
  auto urgent = ByteProbe::reading(*loop, std::move(pair.near));
  EXPECT_EQ(write_some(pair.far, "now"), 3U);

  ASSERT_TRUE(loop->poll());

  EXPECT_EQ(urgent->text, "now");
  const auto served =
      std::count_if(probes.begin(), probes.end(), [](const auto& probe) { return !probe->text.empty(); });
  EXPECT_EQ(served, 2);
  EXPECT_TRUE(run_until(*loop, [&] {
    return std::all_of(probes.begin(), probes.end(), [](const auto& probe) { return !probe->text.empty(); });
  }));
}

}  // namespace
}  // namespace weir
