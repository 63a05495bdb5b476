// weir: a simulated network of hosts, on which whole programs run in virtual time.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/callback.h"
#include "weir/base/export.h"
#include "weir/base/result.h"
#include "weir/base/time.h"
#include "weir/sim/host.h"
#include "weir/sys/sim_kernel/link.h"
#include "weir/sys/sim_kernel/random.h"

namespace weir::sim {

using sys::Call;
using sys::Fault;
using sys::FaultPlan;
using sys::FaultRule;
using sys::Link;
using sys::Random;

struct WorldOptions {
  std::uint64_t seed = 1;  ///< all chance comes from it: the same seed and program give the same trace
  Link link{.latency = std::chrono::milliseconds(1)};  ///< between any two hosts, until `set_link` says otherwise
  HostOptions local{};                                 ///< what `local()` is like
};

/// How `run_until` ended.
enum class Outcome {
  met,      ///< the condition holds
  time_up,  ///< it did not within the limit; virtual time stands at the limit
  idle,     ///< it does not, and nothing can ever happen any more
  busy,     ///< some loop makes turn after turn without letting time pass: it would take a whole processor
};

/// A network of hosts in memory, with its own time. While it lives, this thread has no other network.
///
///     weir::sim::World world({.seed = 7});
///     auto& server = world.add_host("server");
///     auto& client = world.add_host("client");
///     world.set_link(client, server, {.latency = 20ms, .loss = 0.01});
///     … programs on both hosts, see Host …
///     world.run_until([&] { return has_answer; }, 10s);
///
/// Time stands still while any loop has something to do and then jumps to the next event, so that a day passes in as long
/// as its events take. Besides the hosts added there is `local()`, on which everything runs that no host was entered for: a
/// program on one host needs no other, and its `loop.run()` is enough to keep all hosts running.
///
/// Lifetime: destroys its hosts and their loops. A World made inside another one hides it for as long as it lives.
/// Threads:  one; what other threads do reaches the real kernel and is no part of it.
/// Errors:   what a callback throws leaves `run_until`, `step` or the `run` of whatever loop was waiting.
class WEIR_API World {
 public:
  World();
  explicit World(const WorldOptions& options);
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  ~World();

  // --- hosts, names, links ---

  Host& add_host(std::string name, const HostOptions& options = {});
  Host& local() noexcept;
  /// Null when there is no host of that name.
  Host* find(std::string_view name) noexcept;
  /// All of them, `local()` first, then in the order in which they were added.
  std::vector<Host*> hosts();
  /// Gives the host another name. Its own is in the table from the start.
  void add_name(std::string name, const Host& host);
  /// Looks up `NAME:PORT` in the world's table; numeric addresses are read as Address::parse does. Error:
  /// errc::bad_address when there is no such name.
  Result<Address> resolve(std::string_view text) const;

  /// The way between two hosts, both directions or one. Takes effect for what is sent from now on.
  void set_link(Host& one, Host& other, const Link& link);
  void set_link_one_way(Host& from, Host& to, const Link& link);
  Link link(Host& from, Host& to) const;

  // --- troubles ---

  /// Loses everything between the two, silently, until `heal`.
  void partition(Host& one, Host& other);
  void heal(Host& one, Host& other);
  /// Resets every TCP connection between the two, on both sides.
  void reset_connections(Host& one, Host& other);

  // --- time ---

  TimePoint now() const noexcept;
  /// Since the world began.
  Duration elapsed() const noexcept;
  /// Calls `action` when that much has elapsed since the world began, or from now.
  void at(Duration elapsed, Callback<void()> action);
  void after(Duration delay, Callback<void()> action);

  static constexpr Duration for_ever = Duration::max();

  /// Lets everything run until `condition()` holds, checked before each step, at most for `limit` of virtual time.
  template <class Condition>
  Outcome run_until(Condition condition, Duration limit = for_ever) {
    const TimePoint end = limit == for_ever ? TimePoint::max() : add_saturated(now(), limit);
    begin_run();
    while (!condition()) {
      if (const Step stepped = step(end); stepped != Step::done) return outcome(stepped, end);
    }
    return Outcome::met;
  }
  /// Lets that much time pass.
  Outcome run_for(Duration length) {
    return run_until([] { return false; }, length);
  }

  // --- chance and traces ---

  std::uint64_t seed() const noexcept;
  /// For decisions of the test that are to follow from the seed.
  Random& random() noexcept;
  /// A hash over every system call and every event of the network so far: the same in every run of a seed.
  std::uint64_t trace_hash() const noexcept;
  /// How many of them there were.
  std::uint64_t event_count() const noexcept;
  /// The last thousand, a line each: the time, the host, the call and its result.
  std::string trace() const;
  /// Hears of each line as it happens; an empty callback ends that.
  void on_trace(Callback<void(std::string_view)> hook);

  /// The state behind it, for the library.
  class State;

 private:
  enum class Step { done, nothing, busy };

  friend class Swarm;

  /// Leaves everything as it is for good, so that a report can be made on programs whose objects outlive their world.
  void abandon();
  void begin_run() noexcept;
  Step step(TimePoint limit);
  Outcome outcome(Step stepped, TimePoint end) const noexcept;

  std::unique_ptr<State> state_;
};

}  // namespace weir::sim
