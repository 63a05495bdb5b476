// weir: tests of rate limits: of single streams of every kind, of groups, and of loops together.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/rate_support.h"
#include "tests/support/stream_kinds.h"
#include "tests/support/test_world.h"
#include "weir/loop/event_loop.h"
#include "weir/loop/timer.h"
#include "weir/stream/rate_limit.h"
#include "weir/stream/stream.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;

/// Writes whenever the stream takes something.
void write_always(Stream& stream) {
  const auto fill = [](Stream& s) {
    static const std::string piece = pattern(50'000);
    while (s.write(piece) == Accepted::yes) {}
  };
  stream.on_drained(fill);
  fill(stream);
}

/// How much came in `length`, of virtual time.
std::uint64_t measured(EventLoop& loop, const std::uint64_t& counter, Duration length) {
  const std::uint64_t before = counter;
  run_for(loop, length);
  return counter - before;
}

/// Unlimited writers move any amount while no time passes.
void expect_unlimited(EventLoop& loop, const std::uint64_t& counter) {
  const TimePoint begin = world().now();
  const std::uint64_t before = counter;
  EXPECT_TRUE(loop.run_until([&] { return counter >= before + 5'000'000; }));
  EXPECT_LE(world().now() - begin, 20ms);
}

class StreamRate : public EveryKind {
 protected:
  void SetUp() override {
    if (!is_simulated()) GTEST_SKIP() << "needs virtual time";
  }
  /// Within 2 % of what `rate` brings in ten seconds, or a fast one in two.
  void expect_rate(std::uint64_t rate) {
    const auto length = rate < 1'000'000 ? 10s : 2s;
    std::uint64_t& counter = came;
    run_for(loop, 1s);  // what lies between the two
    const double bytes = static_cast<double>(measured(loop, counter, length));
    const double wanted = static_cast<double>(rate) * static_cast<double>(length.count());
    EXPECT_NEAR(bytes / wanted, 1.0, 0.02) << bytes << " of " << wanted;
  }

  std::uint64_t came = 0;
};

TEST_P(StreamRate, writing_keeps_to_its_rate) {
  for (const std::uint64_t rate : {20'000U, 300'000U, 20'000'000U}) {
    open({.write_marks = {.low = 4096, .high = 16384}});
    near().set_rate_limits({.write = {rate}});
    count_input(far(), came);
    write_always(near());

    expect_rate(rate);
    ends.near->abort();
  }
}

TEST_P(StreamRate, reading_keeps_to_its_rate_and_holds_up_the_writer) {
  for (const std::uint64_t rate : {300'000U, 20'000'000U}) {
    open();
    far().set_rate_limits({.read = {rate}});
    count_input(far(), came);
    write_always(near());

    expect_rate(rate);
    EXPECT_GT(near().output().size(), 0U);
    ends.near->abort();
  }
}

TEST_P(StreamRate, a_burst_passes_at_once_after_a_pause_and_not_more) {
  open();
  near().set_rate_limits({.write = {.bytes_per_second = 10'000, .burst = 50'000}});
  count_input(far(), came);
  run_for(loop, 10s);  // the bucket fills

  near().write(pattern(200'000));
  run_for(loop, 100ms);

  EXPECT_GE(came, 50'000U);
  EXPECT_LE(came, 52'000U);
}

TEST_P(StreamRate, a_limit_that_is_changed_or_lifted_takes_effect_at_once) {
  open();
  near().set_rate_limits({.write = {1'000}});
  count_input(far(), came);
  write_always(near());
  run_for(loop, 1s);
  near().set_rate_limits({.write = {500'000}});
  expect_rate(500'000);

  near().set_rate_limits({});
  expect_unlimited(loop, came);
}

TEST_P(StreamRate, a_slow_rate_is_no_lateness) {
  open({.time_limits = {.write = 100ms, .read = 100ms}});
  near().set_rate_limits({.read = {1000}, .write = {2000}});
  near().write(pattern(10'000));
  far().write(pattern(10'000));
  std::uint64_t came_back = 0;
  count_input(near(), came_back);
  count_input(far(), came);
  run_for(loop, 3s);

  EXPECT_NEAR(static_cast<double>(came), 6000, 1000);
  EXPECT_NEAR(static_cast<double>(came_back), 3000, 1000);
  EXPECT_TRUE(near().is_open());
}

TEST_P(StreamRate, what_is_held_by_a_rate_still_ends_in_order) {
  open();
  Record told;
  record(far(), told, false);
  near().set_rate_limits({.write = {100'000}});
  far().set_rate_limits({.read = {50'000}});
  near().write(pattern(200'000));
  near().finish();

  ASSERT_TRUE(spin_until(loop, [&] { return told.closed == 1; }));

  EXPECT_TRUE(told.data == pattern(200'000));
  EXPECT_FALSE(told.error);
}

WEIR_EVERY_KIND(StreamRate);

// --- groups ---

class RateGroups : public SimulatedTest {
 protected:
  struct Flow {
    Ends ends;
    std::uint64_t came = 0;
  };

  /// A stream that always has something to write, and what of it has come.
  Flow& begin(RateGroup* group, Rate own = {}) {
    flows.push_back(std::make_unique<Flow>());
    Flow& flow = *flows.back();
    flow.ends = open_ends(loop, kinds::unix_socket, {.write_marks = {.low = 4096, .high = 16384}});
    if (group != nullptr) flow.ends.near->set_rate_group(group);
    if (own.is_limited()) flow.ends.near->set_rate_limits({.write = own});
    count_input(*flow.ends.far, flow.came);
    write_always(*flow.ends.near);
    return flow;
  }
  std::vector<double> rates(Duration length) {
    run_for(loop, 1s);
    std::vector<std::uint64_t> before;
    for (const auto& flow : flows) before.push_back(flow->came);
    run_for(loop, length);
    std::vector<double> result;
    for (std::size_t i = 0; i < flows.size(); ++i) {
      result.push_back(static_cast<double>(flows[i]->came - before[i]) / std::chrono::duration<double>(length).count());
    }
    return result;
  }
  static double sum(const std::vector<double>& all) {
    double total = 0;
    for (const double each : all) total += each;
    return total;
  }

  EventLoop loop;
  std::vector<std::unique_ptr<Flow>> flows;
};

TEST_F(RateGroups, streams_of_a_group_share_its_rate_evenly) {
  RateGroup group(loop, {.write = {1'000'000}});
  for (int i = 0; i < 10; ++i) begin(&group);

  const std::vector<double> each = rates(10s);

  EXPECT_NEAR(sum(each), 1'000'000, 20'000);
  for (const double rate : each) EXPECT_NEAR(rate, 100'000, 10'000);
  EXPECT_NEAR(static_cast<double>(group.totals().written), 11'000'000, 400'000);
}

TEST_F(RateGroups, a_stream_that_may_not_use_its_share_leaves_it_to_the_others) {
  RateGroup group(loop, {.write = {1'000'000}});
  begin(&group, {50'000});
  begin(&group);
  begin(&group);

  const std::vector<double> each = rates(10s);

  EXPECT_NEAR(each[0], 50'000, 1'500);
  EXPECT_NEAR(sum(each), 1'000'000, 20'000);
  EXPECT_NEAR(each[1], 475'000, 50'000);
  EXPECT_NEAR(each[2], 475'000, 50'000);
}

TEST_F(RateGroups, a_tree_keeps_every_limit_on_the_way_up) {
  RateGroup all(loop, {.write = {1'000'000}});
  RateGroup slow(all, {.write = {200'000}});
  RateGroup fast(all, {.write = {5'000'000}});
  begin(&slow);
  begin(&slow);
  begin(&fast);

  const std::vector<double> each = rates(10s);

  EXPECT_NEAR(each[0] + each[1], 200'000, 4'000);
  EXPECT_NEAR(sum(each), 1'000'000, 20'000);
}

TEST_F(RateGroups, more_streams_than_minimum_shares_all_get_on) {
  RateGroup group(loop, {.write = {100'000}});
  group.set_minimum_share(2000);
  for (int i = 0; i < 200; ++i) begin(&group);

  const std::vector<double> each = rates(40s);

  EXPECT_NEAR(sum(each), 100'000, 2'000);
  EXPECT_GE(*std::min_element(each.begin(), each.end()), 350);
  EXPECT_LE(*std::max_element(each.begin(), each.end()), 650);
}

TEST_F(RateGroups, a_group_that_goes_or_is_left_lets_its_streams_go_on) {
  auto group = std::make_unique<RateGroup>(loop, RateLimits{.write = {1'000}});
  auto below = std::make_unique<RateGroup>(*group, RateLimits{.write = {500'000}});
  Flow& one = begin(below.get());
  Flow& other = begin(group.get());
  run_for(loop, 1s);
  EXPECT_LE(one.came + other.came, 30'000U);

  other.ends.near->set_rate_group(nullptr);
  expect_unlimited(loop, other.came);
  other.ends.near->pause_writing();
  group.reset();
  EXPECT_NEAR(static_cast<double>(measured(loop, one.came, 10s)), 5'000'000, 100'000);
  below.reset();
  expect_unlimited(loop, one.came);
}

TEST_F(RateGroups, streams_that_go_while_they_wait_hold_up_nobody) {
  RateGroup group(loop, {.write = {100'000}});
  for (int i = 0; i < 20; ++i) begin(&group);
  run_for(loop, 1s);
  for (int i = 0; i < 19; ++i) flows[static_cast<std::size_t>(i)]->ends.near->abort();

  EXPECT_NEAR(static_cast<double>(measured(loop, flows.back()->came, 10s)), 1'000'000, 20'000);
}

TEST_F(RateGroups, a_limit_of_a_group_may_change_while_its_streams_wait) {
  RateGroup group(loop, {.write = {100}});
  Flow& flow = begin(&group);
  run_for(loop, 2s);

  group.set_limits({.write = {400'000}});
  run_for(loop, 1s);
  EXPECT_NEAR(static_cast<double>(measured(loop, flow.came, 10s)), 4'000'000, 80'000);
  group.set_limits({});

  expect_unlimited(loop, flow.came);
}

TEST_F(RateGroups, groups_of_one_shared_rate_keep_it_together) {
  SharedRate shared({.write = {1'000'000}});
  RateGroup first(loop, shared);
  RateGroup second(loop, shared, {.write = {300'000}});
  begin(&first);
  begin(&second);

  const std::vector<double> each = rates(10s);

  EXPECT_NEAR(sum(each), 1'000'000, 20'000);
  EXPECT_LE(each[1], 306'000);
  EXPECT_NEAR(static_cast<double>(shared.totals().written), static_cast<double>(flows[0]->came + flows[1]->came),
              60'000);
  shared.set_limits({.write = {2'000'000}});
  EXPECT_NEAR(sum(rates(10s)), 2'000'000, 40'000);
}

TEST_F(RateGroups, ten_thousand_limited_streams_keep_their_rate) {
  constexpr std::size_t count = 10'000;
  const Slice plenty = Slice::adopt(pattern(12'000));
  std::vector<StreamPair> pairs;
  std::uint64_t came = 0;
  for (std::size_t i = 0; i < count; ++i) {
    pairs.push_back(Stream::pair(loop));
    pairs.back().first->set_rate_limits({.write = {.bytes_per_second = 1000, .burst = 100}});
    count_input(*pairs.back().second, came);
    pairs.back().first->write(Slice(plenty));
  }
  run_for(loop, 1s);

  EXPECT_NEAR(static_cast<double>(measured(loop, came, 10s)) / (10.0 * count), 1000, 20);
}

}  // namespace
}  // namespace weir
