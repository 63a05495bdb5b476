// weir: tests of the driver of swarms.
// SPDX-License-Identifier: MIT
#include "weir/sim/swarm.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/support/throws.h"
#include "weir/loop/timer.h"
#include "weir/net/socket.h"
#include "weir/sys/calls.h"
#include "weir/sys/descriptor.h"

namespace weir::sim {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;

/// A timer on one host, which may do what it must not.
class Ticking final : public Scenario {
 public:
  enum class Flaw { none, late, endless, throwing, leaking, keeping, forgetful };

  Ticking(Trial& run, Flaw flaw) : run_(run), host_(run.world().add_host("a")), flaw_(flaw) {}

  void start() override {
    timer_ = std::make_unique<Timer>(host_.loop(), [this](Timer&) { ticked(); });
    timer_->start(flaw_ == Flaw::forgetful ? Duration(1ms * (1 + ++forgotten % 5)) : 2s);
    run_.probe("started");
  }
  bool is_done() override { return has_ticked_ && flaw_ != Flaw::endless; }

  static inline int forgotten = 0;
  static inline std::vector<Block> kept;

 private:
  void ticked() {
    has_ticked_ = true;
    if (flaw_ == Flaw::throwing) throw_something();
    if (flaw_ == Flaw::leaking)
      (void)host_.run([] { return (*Socket::open_stream(Address::Family::v4)).release(); }).release();
    if (flaw_ == Flaw::keeping) {
      for (int i = 0; i < 3; ++i) kept.push_back(host_.pool().allocate(100));
    }
    run_.expect(flaw_ != Flaw::late || run_.world().elapsed() < 4s, "the tick is in time");
  }

  Trial& run_;
  Host& host_;
  Flaw flaw_;
  std::unique_ptr<Timer> timer_;
  bool has_ticked_ = false;
};

Swarm ticking_swarm(Ticking::Flaw flaw) {
  return Swarm({.code = "ticking_swarm()", .draw = {.hosts = {"a"}}, .twice_every = 1, .probes = {"started"}},
               [flaw](Trial& run) { return std::make_unique<Ticking>(run, flaw); });
}

TEST(Swarm, a_good_scenario_passes_on_every_seed) {
  const SwarmReport report = ticking_swarm(Ticking::Flaw::none).run(1, 50);

  EXPECT_EQ(report.failure, "");
  EXPECT_EQ(report.runs, 50U);
  EXPECT_EQ(report.probes.at("started"), 50U);
  EXPECT_GT(report.events, 100U);
}

TEST(Swarm, a_violation_is_reported_as_a_test_with_only_the_trouble_it_needs) {
  Swarm swarm = ticking_swarm(Ticking::Flaw::late);

  const SwarmReport report = swarm.run(1, 500);

  EXPECT_NE(report.failure.find("the tick is in time"), std::string::npos) << report.failure;
  EXPECT_NE(report.failure.find("EXPECT_EQ(ticking_swarm().replay("), std::string::npos) << report.failure;
  EXPECT_NE(report.failure.find("Mishap::Kind::pause"), std::string::npos) << report.failure;
  EXPECT_EQ(report.failure.find("Mishap::Kind::failing_calls"), std::string::npos) << report.failure;
  EXPECT_NE(report.failure.find("wait_epoll"), std::string::npos) << "the trace is there";
}

TEST(Swarm, what_hangs_throws_or_leaks_is_a_violation) {
  const auto violation = [](Ticking::Flaw flaw) { return ticking_swarm(flaw).replay(1, Schedule()); };

  EXPECT_NE(violation(Ticking::Flaw::endless).find("not done"), std::string::npos);
  if (can_throw()) {
    EXPECT_NE(violation(Ticking::Flaw::throwing).find("something was thrown"), std::string::npos);
  }
  EXPECT_NE(violation(Ticking::Flaw::leaking).find("descriptors of a stay open: 1"), std::string::npos);
}

TEST(Swarm, buffers_that_outlive_their_host_are_reported_and_end_nothing) {
  const std::string failure = ticking_swarm(Ticking::Flaw::keeping).run(1, 1).failure;

  EXPECT_NE(failure.find("blocks of a stay: "), std::string::npos) << failure;
  EXPECT_NE(failure.find("TEST(Regression, seed_1) {\n  using namespace weir::sim;"), std::string::npos) << failure;
  const sys::Descriptor real(sys::create_event_counter().number());
  EXPECT_LT(real.number(), 10'000) << "the thread has its real kernel back";
  Ticking::kept.clear();
}

TEST(Swarm, a_host_of_the_draw_that_does_not_exist_is_named) {
  Swarm swarm({.code = "ticking_swarm()", .draw = {.hosts = {"a", "b"}}},
              [](Trial& run) { return std::make_unique<Ticking>(run, Ticking::Flaw::none); });

  EXPECT_NE(swarm.run(1, 1).failure.find("a host that the scenario has not made: b"), std::string::npos);
}

TEST(Swarm, a_scenario_that_does_not_follow_from_its_seed_is_found_out) {
  const std::string failure = ticking_swarm(Ticking::Flaw::forgetful).run(1, 5).failure;

  EXPECT_NE(failure.find("traces differ"), std::string::npos);
  EXPECT_NE(failure.find("\n- "), std::string::npos) << "where they part:\n" << failure;
  EXPECT_NE(failure.find("\n+ "), std::string::npos);
}

TEST(Swarm, a_probe_that_no_seed_reaches_is_named) {
  Swarm swarm = ticking_swarm(Ticking::Flaw::none);
  swarm.options().probes.push_back("never");

  EXPECT_EQ(swarm.run(1, 2).failure, "no seed reaches the probe \"never\"\n");
}

}  // namespace
}  // namespace weir::sim
