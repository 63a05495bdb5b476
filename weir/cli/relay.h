// weir: one connection through a proxy: the client's, and the way on to a target.
// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <system_error>
#include <vector>

#include "weir/base/time.h"
#include "weir/cli/log.h"
#include "weir/cli/peer_name.h"
#include "weir/cli/seldom.h"
#include "weir/cli/targets.h"
#include "weir/loop/timer.h"
#include "weir/server/server_group.h"
#include "weir/stream/pump.h"
#include "weir/stream/rate_limit.h"
#include "weir/stream/stream.h"

namespace weir::cli {

/// What all relays of a proxy have in common. Threads: any.
struct RelayCommon {
  const Log& log;
  Targets& targets;
  Duration connect_timeout;
  Duration idle_timeout;                    ///< TimeLimits::no_limit: none
  std::atomic<std::size_t> connections{0};  ///< relays that there are
  std::size_t most_connections = unlimited;
  std::atomic<bool> is_full{false};  ///< there are as many as there may be, or nearly, since that was told
  Seldom fillings{};
  Seldom out_of_descriptors{};
  Seldom out_of_targets{};
};

/// What those on one loop have in common.
struct RelayLoop {
  EventLoop& loop;
  RelayCommon& common;
  StreamSettings settings;            ///< of streams to targets
  std::unique_ptr<RateGroup> rate{};  ///< that clients are in, if any: what they send and what they get is what passes
};

/// Connects a client to a target, to the next one when that fails, and then pumps.
///
///     client ──► input ┄┄┄┄ waits, up to its marks, until ┄┄┄► target      connecting
///     client ◄──────────────────── pump ────────────────────► target      coupled
///
/// Lifetime: held by both streams, as what is attached to them, and by the pump; gone when they are. The server owns the
///           streams, those to targets too, so that it waits for them when it stops.
/// Threads:  the loop's.
class Relay : public std::enable_shared_from_this<Relay> {
 public:
  /// For a connection that the server has just taken.
  static void begin(RelayLoop& loop, ServerGroup& server, Stream& client);

  /// Use `begin`.
  Relay(RelayLoop& loop, ServerGroup& server, Stream& client);
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;
  ~Relay();

 private:
  class Hold;

  void tell_full();
  void hold_client();
  void try_next_target(std::error_code last_error);
  void connect();
  void connected();
  void connect_failed(std::error_code error);
  void set_target_aside(std::error_code error);
  void give_up(std::error_code error);
  void client_closed(std::error_code error);
  void forget(const Stream& gone) noexcept;
  void limit_idleness();
  void look_whether_idle();
  TimePoint next_look() const noexcept;
  TimePoint last_moved() const noexcept;
  template <class Action>
  void for_each_open(Action action);
  void tell_end(const PumpEnd& end) const;

  RelayLoop& loop_;
  RelayCommon& common_;
  ServerGroup& server_;
  Stream* client_;            ///< null when it has gone
  Stream* target_ = nullptr;  ///< that is being connected to, or coupled
  const PeerName peer_;
  std::optional<Targets::Use> use_;
  std::vector<std::size_t> tried_;
  std::optional<Timer> idle_;
  TimePoint tried_since_{};  ///< when bytes had last moved, at the last try to send what waits
  bool is_coupled_ = false;
};

}  // namespace weir::cli
