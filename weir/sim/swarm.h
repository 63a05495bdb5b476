// weir: runs a scenario on many seeds, each with troubles of its own, and reduces what fails.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/export.h"
#include "weir/base/time.h"
#include "weir/sim/schedule.h"
#include "weir/sim/world.h"

namespace weir::sim {

/// One seed under one schedule, as its scenario sees it.
///
/// Lifetime: the Swarm's; it outlives the scenario.
class WEIR_API Trial {
 public:
  explicit Trial(std::uint64_t seed) : world_({.seed = seed}), random_(~seed) {}

  World& world() noexcept { return world_; }
  /// The troubles of this run, for what holds only without some of them.
  const Schedule& schedule() const noexcept { return schedule_; }
  std::uint64_t seed() const noexcept { return world_.seed(); }
  /// For the scenario's own choices. Apart from the world's chance, so that they stay when the schedule is reduced.
  Random& random() noexcept { return random_; }

  /// Reports a violation unless `condition` holds; the first one ends the run. Returns the condition.
  bool expect(bool condition, std::string_view sentence) {
    if (!condition) [[unlikely]]
      violated(sentence);
    return condition;
  }
  bool has_failed() const noexcept { return !violation_.empty(); }
  /// What was violated first, and when; empty when nothing was.
  const std::string& violation() const noexcept { return violation_; }
  /// The last lines of the trace as they were then.
  const std::string& trace() const noexcept { return trace_; }

  /// What the world had done when the run was over: the hash of its trace, its events, and its time.
  std::uint64_t trace_hash() const noexcept { return trace_hash_; }
  std::uint64_t events() const noexcept { return events_; }
  Duration elapsed() const noexcept { return elapsed_; }

  /// Counts a rare state, by name: whether a swarm reaches what it is there for.
  void probe(std::string_view name) { ++probes_[std::string(name)]; }
  const std::map<std::string, std::uint64_t>& probes() const noexcept { return probes_; }

 private:
  friend class Swarm;

  void violated(std::string_view sentence);

  World world_;
  Schedule schedule_;
  Random random_;
  std::string violation_;
  std::string trace_;
  std::uint64_t trace_hash_ = 0;
  std::uint64_t events_ = 0;
  Duration elapsed_{};
  std::map<std::string, std::uint64_t> probes_;
};

/// Programs on the hosts of a world, and what must hold for them. It checks by `Trial::expect`, at any time.
///
/// The constructor makes the hosts and what is to be decided by the seed; then the schedule is applied; then comes `start`.
/// The destructor ends all programs: afterwards every descriptor must be closed, once what lingers is over, and the pools
/// hold nothing but what each loop receives into.
class WEIR_API Scenario {
 public:
  Scenario() = default;
  Scenario(const Scenario&) = delete;
  Scenario& operator=(const Scenario&) = delete;
  virtual ~Scenario();

  virtual void start() = 0;
  /// True when everything has completed, or reported an error.
  virtual bool is_done() = 0;
  /// What must hold after that, or after the time for it.
  virtual void check() {}
};

struct SwarmOptions {
  std::string code;  ///< the C++ expression that makes the swarm, for the test that is reported
  DrawOptions draw;  ///< the troubles
  Duration patience = std::chrono::minutes(20);  ///< virtual time in which all must be done when no trouble is left
  std::uint64_t most_turns_per_second = 20'000;  ///< of virtual time and all loops: more is a busy loop
  std::uint64_t twice_every = 4;      ///< so many seeds, one is run twice and must leave the same trace; 0: none
  std::vector<std::string> probes{};  ///< each must be reached by some seed
};

/// What has come of some seeds.
struct SwarmReport {
  std::uint64_t runs = 0;
  std::uint64_t events = 0;  ///< system calls and network events
  Duration elapsed{};        ///< virtual time
  std::map<std::string, std::uint64_t> probes{};
  /// Empty when all is well. Else the violation, a complete test that shows it with as few troubles as were found to do,
  /// and the end of its trace; or which probes were not reached.
  std::string failure{};
};

/// Runs a scenario on many seeds: chaos first, drawn from the seed; then quiet, in which everything must come to an end.
///
///     Swarm echo_swarm() {
///       return Swarm({.code = "echo_swarm()", .draw = {.hosts = {"client", "server"}}},
///                    [](Trial& run) { return std::make_unique<Echo>(run); });
///     }
///     TEST(Swarm, an_echo_survives) { EXPECT_EQ(echo_swarm().run(1, 500).failure, ""); }
///
/// Errors: what a callback throws, a hang, a busy loop, a trace that differs and a descriptor that stays open are
///         violations like those the scenario finds.
class WEIR_API Swarm {
 public:
  using Maker = std::function<std::unique_ptr<Scenario>(Trial&)>;

  Swarm(SwarmOptions options, Maker make) : options_(std::move(options)), make_(std::move(make)) {}

  const SwarmOptions& options() const noexcept { return options_; }
  /// The same with the choice of some options changed.
  SwarmOptions& options() noexcept { return options_; }

  /// Runs `count` seeds from `first` on, until one fails.
  SwarmReport run(std::uint64_t first, std::uint64_t count);
  /// Runs one seed under that schedule. Empty when all is well, else the violation and the end of the trace.
  std::string replay(std::uint64_t seed, const Schedule& schedule);
  /// The schedule that `run` draws for a seed.
  Schedule schedule_of(std::uint64_t seed) const;
  /// Runs one seed under that schedule, into `run`, which must be fresh. Afterwards the run tells what came of it; its
  /// world is not to be used any more: where programs have left something behind it is left alone for good, with that.
  void play(Trial& run, const Schedule& schedule);

 private:
  void play_guarded(Trial& run, const Schedule& schedule);
  void play_world(Trial& run, const Schedule& schedule);
  std::string failure_of(std::uint64_t seed, const Schedule& schedule, SwarmReport& report);
  std::vector<std::string> lines_of(std::uint64_t seed, const Schedule& schedule);
  std::string difference(std::uint64_t seed, const Schedule& schedule);
  std::string reduced(std::uint64_t seed, const Schedule& schedule);

  SwarmOptions options_;
  Maker make_;
};

}  // namespace weir::sim
