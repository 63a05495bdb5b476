// weir: scenarios in which every system call fails once, with every error it can have.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "tests/simulation/scenario.h"
#include "weir/loop/event_loop.h"

namespace weir::testing_support {
namespace {

using namespace weir::literals;
using sim::Host;
using sim::Mishap;
using sim::Schedule;
using sys::Call;
using sys::Fault;
using sys::FaultPlan;
using sys::FaultRule;

/// A scenario that leaves nothing to chance: what its hosts call is the same in every run, up to the first failure.
struct Case {
  std::string name;
  sim::Swarm (*make)(const Play&);
  bool is_local;
};

std::string name_of(const testing::TestParamInfo<Case>& info) { return info.param.name; }

/// One call of one host, so often.
struct Target {
  std::string host;
  Call call;
  std::uint64_t count;
};

/// Interrupted for ever, or always told to wait, or unable to wait at all: no system does that, and nothing could be done.
bool is_endless(Call call, const Fault& fault) {
  return fault.error == EINTR || fault.error == EAGAIN || call == Call::wait_epoll;
}

/// A counter that is full wakes whoever waits for it: a write that fails so without being full is no system's either.
bool is_impossible(Call call, const Fault& fault) { return call == Call::write && fault.error == EAGAIN; }

std::vector<Fault> faults_of(Call call) {
  std::vector<Fault> faults;
  for (const int error : sim::errors_of(call)) faults.push_back({.error = error});
  const bool can_be_short = call == Call::receive || call == Call::send || call == Call::send_pieces;
  if (can_be_short) faults.push_back({.at_most = 1});
  std::erase_if(faults, [&](const Fault& fault) { return is_impossible(call, fault); });
  return faults;
}

/// WEIR_TORTURE=full tries every call, on several seeds; else of calls that are made often only some are tried.
bool is_full() {
  const char* wanted = std::getenv("WEIR_TORTURE");
  return wanted != nullptr && std::string_view(wanted) == "full";
}

class Torture : public testing::TestWithParam<Case> {
 protected:
  Torture() : swarm_(GetParam().make({.is_calm = true, .is_local = GetParam().is_local})) {
    swarm_.options().draw.hosts.clear();  // nothing is drawn here
  }

  /// What the scenario calls when nothing fails; without what only makes its loops.
  std::vector<Target> targets() {
    sim::Trial run(seed_);
    swarm_.play(run, Schedule());
    EXPECT_FALSE(run.has_failed()) << run.violation() << "\n" << run.trace();
    std::vector<Target> found;
    for (Host* host : run.world().hosts()) {
      const auto loops = host->calls(Call::create_epoll);
      for (std::size_t c = 0; c < sys::call_count; ++c) {
        const auto call = static_cast<Call>(c);
        const bool makes_loops =
            call == Call::create_epoll || call == Call::create_event_counter || call == Call::control_epoll;
        const std::uint64_t count = host->calls(call) - (makes_loops ? loops : 0);
        if (count > 0) found.push_back({host->name(), call, count});
      }
    }
    return found;
  }

  /// Lets each of the calls fail in every way.
  bool survives_all(const Target& target) {
    const std::uint64_t stride = is_full() ? 1 : 1 + target.count / 100;
    for (Fault fault : faults_of(target.call)) {
      for (const bool from_then_on : {false, true}) {
        if (from_then_on && is_endless(target.call, fault)) continue;
        if (from_then_on && fault.at_most != unlimited) fault.at_most = 997;  // else it takes too long
        for (std::uint64_t k = 1; k <= target.count; k += stride) {
          const FaultRule rule{
              .calls = {target.call}, .from = k, .to = from_then_on ? FaultPlan::forever : k, .fault = fault};
          if (!survives(target.host, rule)) return false;
        }
      }
    }
    return true;
  }

  /// Runs the scenario with that failure. False ends the test.
  bool survives(const std::string& host, const FaultRule& rule) {
    const Schedule schedule(
        {{.kind = Mishap::Kind::failing_calls, .length = sim::World::for_ever, .host = host, .rule = rule}});
    sim::Trial run(seed_);
    swarm_.play(run, schedule);
    ++points_;
    if (!run.has_failed()) return true;
    ADD_FAILURE() << GetParam().name << ": " << run.violation() << "\n" << schedule.to_code() << "\n" << run.trace();
    return false;
  }

  sim::Swarm swarm_;
  std::uint64_t seed_ = 1;
  std::uint64_t points_ = 0;
};

// hazard: RE16
TEST_P(Torture, a_call_that_fails_once_or_from_then_on_harms_nothing_else) {
  const std::uint64_t seeds = is_full() ? 8 : 1;
  for (seed_ = 1; seed_ <= seeds; ++seed_) {
    for (const Target& target : targets()) {
      if (!survives_all(target)) return;
    }
  }
  std::printf("torture, %s: %llu fault points\n", GetParam().name.c_str(), static_cast<unsigned long long>(points_));
  EXPECT_GE(points_, 20U);
}
INSTANTIATE_TEST_SUITE_P(
    Scenarios, Torture,
    testing::Values(Case{"echo_tcp", echo_swarm, false}, Case{"echo_unix", echo_swarm, true},
                    Case{"lines_tcp", lines_swarm, false}, Case{"lines_unix", lines_swarm, true},
                    Case{"stop_tcp", stop_swarm, false}, Case{"stop_unix", stop_swarm, true},
                    Case{"server_tcp", server_swarm, false}, Case{"server_unix", server_swarm, true},
                    Case{"half_close_tcp", half_close_swarm, false}, Case{"half_close_unix", half_close_swarm, true},
                    Case{"connecting_tcp", refused_swarm, false}, Case{"connecting_unix", refused_swarm, true},
                    Case{"timers", timers_swarm, true}, Case{"posts", posts_swarm, true}),
    name_of);

TEST(TortureLoop, a_loop_that_cannot_be_made_says_why_and_leaves_nothing_behind) {
  for (const Call call : {Call::create_epoll, Call::create_event_counter, Call::control_epoll}) {
    for (const int error : sim::errors_of(call)) {
      sim::World world;
      world.local().set_faults(FaultPlan::nth(1, {.error = error}, {call}));

      const auto loop = EventLoop::create({.backend = BackendChoice::epoll});  // no other that would take its place

      ASSERT_FALSE(loop);
      const bool has_no_epoll = call != Call::create_event_counter && error == EPERM;
      EXPECT_EQ(loop.error(), has_no_epoll ? make_error_code(errc::unavailable) : system_error(error));
      EXPECT_EQ(world.local().open_descriptors(), 0U);
    }
  }
}

}  // namespace
}  // namespace weir::testing_support
