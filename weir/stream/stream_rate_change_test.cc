// weir: tests of rate limits and groups that change and go inside the callbacks of those they limit, of every kind.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <random>
#include <string>
#include <utility>

#include "tests/support/stream_kinds.h"
#include "tests/support/test_world.h"
#include "weir/loop/event_loop.h"
#include "weir/stream/rate_limit.h"
#include "weir/stream/stream.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;

class StreamRateChange : public EveryKind {
 protected:
  void SetUp() override {
    for (auto& group : groups) group = make_group();
  }

  Rate rate() { return random() % 3 == 0 ? Rate{} : Rate{.bytes_per_second = 1'000'000 + random() % 50'000'000}; }
  RateLimits limits() { return {.read = rate(), .write = rate()}; }
  /// Below another one or not.
  std::unique_ptr<RateGroup> make_group() {
    const auto& above = groups[random() % groups.size()];
    return above && random() % 2 == 0 ? std::make_unique<RateGroup>(*above, limits())
                                      : std::make_unique<RateGroup>(loop, limits());
  }
  void change(Stream& stream) {
    auto& group = groups[random() % groups.size()];
    switch (random() % 7) {
      case 0: return stream.set_rate_limits(limits());
      case 1: return stream.set_rate_limits({});
      case 2: return stream.set_rate_group(group.get());
      case 3: return stream.set_rate_group(nullptr);
      case 4:
        if (group) group->set_limits(limits());
        return;
      case 5: return group.reset();  // with those that wait in it
      default: group = make_group();
    }
  }

  std::mt19937_64 random{GetParam() == kinds::pair ? 3U : 5U};
  std::array<std::unique_ptr<RateGroup>, 4> groups;
};

TEST_P(StreamRateChange, limits_may_change_and_groups_go_inside_callbacks_and_nothing_is_lost) {
  for (int round = 0; round < 5; ++round) {
    SCOPED_TRACE(round);
    open({.read_while_output_full = true}, {.read_while_output_full = true});
    const std::string there = pattern(1'500'000);
    const std::string back = pattern(700'000, 9);
    std::string near_got;
    std::string far_got;
    const auto listen = [&](Stream& stream, std::string& got) {
      stream.on_data([&](Stream& s) {
        got += text_of(s.input().take_all());
        change(random() % 2 == 0 ? near() : far());
      });
      stream.on_drained([&](Stream& s) { change(s); });
    };
    listen(near(), near_got);
    listen(far(), far_got);

    near().write(there);
    far().write(back);
    near().when_sent([&](std::error_code) { change(near()); });
    ASSERT_TRUE(spin_until(loop, [&] { return near_got.size() == back.size() && far_got.size() == there.size(); }))
        << near_got.size() << ' ' << far_got.size();

    EXPECT_TRUE(near_got == back);
    EXPECT_TRUE(far_got == there);
    ends = {};
    settle(loop, 20);
  }
}

WEIR_EVERY_KIND(StreamRateChange);

}  // namespace
}  // namespace weir
