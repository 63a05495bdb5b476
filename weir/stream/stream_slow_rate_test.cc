// weir: tests of the slowest rate limits, from one byte a second up: of streams, of groups, and of what groups share.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/rate_support.h"
#include "tests/support/stream_kinds.h"
#include "tests/support/test_world.h"
#include "weir/loop/event_loop.h"
#include "weir/stream/rate_limit.h"
#include "weir/stream/stream.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;

/// Writes whenever the stream takes something.
void write_always(Stream& stream) {
  const auto fill = [](Stream& s) {
    static const std::string piece = pattern(5'000);
    while (s.write(piece) == Accepted::yes) {}
  };
  stream.on_drained(fill);
  fill(stream);
}

/// How much came in `length`, of virtual time.
double measured(EventLoop& loop, const std::uint64_t& counter, Duration length) {
  const std::uint64_t before = counter;
  run_for(loop, length);
  return static_cast<double>(counter - before);
}

/// Where the limit is that holds a stream.
enum class Limited { itself, group, group_above, shared, below_shared, two_shared };

/// Rates from one byte a second up. What a bucket passes at once, 512 bytes, is 1 % of what is measured.
class SlowRates : public testing::TestWithParam<Limited> {
 protected:
  void SetUp() override {
    if (!is_simulated()) GTEST_SKIP() << "needs virtual time";
  }

  /// What comes in a second of a stream, or of two that have the limit together, if it is laid on their reading or writing.
  static double rate_of(std::uint64_t rate, bool reading) {
    EventLoop loop;
    const RateLimits limits = reading ? RateLimits{.read = {rate}} : RateLimits{.write = {rate}};
    SharedRate shared(limits);
    RateGroup sharing(loop, shared);
    RateGroup sharing_too(loop, shared);
    RateGroup group(loop, limits);
    RateGroup below(group, {});
    RateGroup below_sharing(sharing, {});
    std::uint64_t came = 0;
    std::vector<Ends> all;
    const auto begin = [&](RateGroup* of) {
      Ends& ends = all.emplace_back(open_ends(loop, kinds::unix_socket, {.write_marks = {.low = 4096, .high = 16384}}));
      Stream& limited = reading ? *ends.far : *ends.near;
      if (of == nullptr) limited.set_rate_limits(limits);
      if (of != nullptr) limited.set_rate_group(of);
      count_input(*ends.far, came);
      write_always(*ends.near);
    };
    switch (GetParam()) {
      case Limited::itself: begin(nullptr); break;
      case Limited::group: begin(&group); break;
      case Limited::group_above: begin(&below), begin(&below); break;
      case Limited::shared: begin(&sharing); break;
      case Limited::below_shared: begin(&below_sharing), begin(&below_sharing); break;
      case Limited::two_shared: begin(&sharing), begin(&sharing_too); break;
    }
    constexpr std::uint64_t bytes = 51'200;
    run_for(loop, 2s);
    return measured(loop, came, std::chrono::nanoseconds(bytes * 1'000'000'000 / rate)) * static_cast<double>(rate) /
           static_cast<double>(bytes);
  }
};

TEST_P(SlowRates, pass_all_that_they_bring) {
  for (const std::uint64_t rate : {1U, 2U, 7U, 50U, 199U, 200U, 399U, 1000U}) {
    const auto wanted = static_cast<double>(rate);
    EXPECT_NEAR(rate_of(rate, true) / wanted, 1, 0.02) << rate << " bytes a second, read";
    EXPECT_NEAR(rate_of(rate, false) / wanted, 1, 0.02) << rate << " bytes a second, written";
  }
}

std::string name_of(const testing::TestParamInfo<Limited>& parameter) {
  constexpr std::array names = {"itself", "group", "group_above", "shared", "below_shared", "two_shared"};
  return names[static_cast<std::size_t>(parameter.param)];
}

INSTANTIATE_TEST_SUITE_P(Limited, SlowRates,
                         testing::Values(Limited::itself, Limited::group, Limited::group_above, Limited::shared,
                                         Limited::below_shared, Limited::two_shared),
                         name_of);

/// A stream that writes within a group of a shared rate.
class SlowSharedRate : public SimulatedTest {
 protected:
  SlowSharedRate() {
    ends.near->set_rate_group(&group);
    count_input(*ends.far, came);
    write_always(*ends.near);
  }

  EventLoop loop;
  SharedRate shared{{.write = {1}}};
  RateGroup group{loop, shared};
  Ends ends = open_ends(loop, kinds::unix_socket, {.write_marks = {.low = 4096, .high = 16384}});
  std::uint64_t came = 0;
};

TEST_F(SlowSharedRate, passes_what_it_brings_byte_by_byte) {
  EXPECT_NEAR(measured(loop, came, 10s), 10, 1);
  shared.set_limits({.write = {100}});
  run_for(loop, 2s);
  EXPECT_NEAR(measured(loop, came, 2s), 200, 4);
}

TEST_F(SlowSharedRate, may_become_fast_and_slow_again) {
  run_for(loop, 100s);
  shared.set_limits({.write = {100'000}});
  run_for(loop, 2s);
  EXPECT_NEAR(measured(loop, came, 10s), 1'000'000, 20'000);
  shared.set_limits({.write = {1}});
  run_for(loop, 1s);
  EXPECT_NEAR(measured(loop, came, 100s), 100, 2);
}

}  // namespace
}  // namespace weir
