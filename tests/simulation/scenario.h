// weir: what the scenarios of the simulation share.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "weir/server/server.h"
#include "weir/sim/host_state.h"
#include "weir/sim/swarm.h"
#include "weir/stream/stream.h"

namespace weir::testing_support {

class Party;

/// How a scenario is played.
struct Play {
  bool is_calm =
      false;  ///< nothing is left to chance but what the kernel decides: for runs in which each call fails once
  bool is_local = false;  ///< one host and Unix sockets instead of several and TCP
};

/// Scenarios with a server on a host and clients on others.
class NetScenario : public sim::Scenario {
 public:
  NetScenario(sim::Trial& run, const Play& play);
  ~NetScenario() override;

  void check() override;

  sim::Trial& run() noexcept { return run_; }
  sim::Random& random() noexcept { return run_.random(); }
  const Play& play() const noexcept { return play_; }
  /// True by chance; never when calm.
  bool chance(double probability) { return !play_.is_calm && random().chance(probability); }
  /// By chance of any size up to `most`, small ones as likely as large ones; `most` itself when calm.
  std::uint64_t of_any_size(std::uint64_t most);
  Duration up_to(Duration longest) { return play_.is_calm ? Duration::zero() : random().up_to(longest); }

  /// All clients send at the same moments, so that a loop fetches many events at once.
  bool is_in_step() const noexcept { return is_in_step_; }

  /// Some partition has swallowed something.
  bool has_lost() const noexcept { return has_lost_; }

  sim::Host& server_host() noexcept { return *server_host_; }
  /// One of those the clients are on.
  sim::Host& client_host();
  /// What to listen at, and to connect to.
  std::string listening_address() const { return play_.is_local ? "unix:@simulation" : "0.0.0.0:7777"; }
  Address server_address() const;

  /// Limits that are drawn, with time limits that bound how long anything may take. In a patient run they are so long that
  /// nothing reaches them which works.
  StreamOptions stream_options();
  /// For an end that sends on without waiting for answers: were it to stop reading while its output is full, as its peer
  /// does, both could wait for each other for ever.
  StreamOptions eager_options() {
    StreamOptions options = stream_options();
    options.read_while_output_full |= is_patient_;
    return options;
  }
  ConnectOptions connect_options();

 protected:
  /// Neither end of a connection waits for ever, or until a time limit in a patient run; a failure of its own excuses.
  void check_no_stall(const Party& one, const Party& other);
  /// For one that no end of the server's belongs to.
  void check_was_accepted(const Party& party);
  /// Opens the server, if it can be had, and has `accept` called with each stream.
  std::unique_ptr<Server> listen(const StreamOptions& options, Callback<void(Stream&)> accept);

 private:
  void listen_to_remarks(sim::Host& host);
  void note(const sys::Trace::Line& line);

  sim::Trial& run_;
  Play play_;
  bool is_patient_ = false;
  bool is_in_step_ = false;
  bool has_stopped_accepting_ = false;
  bool has_lost_ = false;
  sim::Host* server_host_ = nullptr;
  sim::Host* client_hosts_[2] = {};
};

/// Options of the swarm of a scenario with these hosts.
sim::SwarmOptions swarm_options(std::string code);

sim::Swarm echo_swarm(const Play& play = {});
sim::Swarm lines_swarm(const Play& play = {});
sim::Swarm stop_swarm(const Play& play = {});
sim::Swarm timers_swarm(const Play& play = {});
sim::Swarm posts_swarm(const Play& play = {});
sim::Swarm server_swarm(const Play& play = {});
sim::Swarm refused_swarm(const Play& play = {});
sim::Swarm half_close_swarm(const Play& play = {});
sim::Swarm proxy_swarm(const Play& play = {});

}  // namespace weir::testing_support
