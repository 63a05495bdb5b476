// weir: one attempt to connect to an address.
// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

#include "weir/base/callback.h"
#include "weir/base/export.h"
#include "weir/base/result.h"
#include "weir/base/time.h"
#include "weir/net/address.h"
#include "weir/net/socket.h"

namespace weir {

class EventLoop;

struct ConnectOptions {
  Duration timeout = std::chrono::seconds(10);  ///< until the connection stands; then errc::connect_timed_out
  bool no_delay = true;                         ///< TCP only: small writes go out at once
  std::string name{};                           ///< see Connector::set_name; of a stream's: its own, if that is empty
};

/// Connects a socket. `Stream::connect` is what most programs want; this is for those that drive the socket themselves.
///
///     weir::Connector connector = weir::Connector::start(loop, address, {}, [](weir::Result<weir::Socket> socket) { … });
///
/// The callback runs exactly once, later, on the loop's thread; never inside `start`.
/// Lifetime: a handle. Destroying it, also in its callback, gives up the attempt; nothing is called after. Must be
///           destroyed before the loop.
class WEIR_API Connector {
 public:
  static Connector start(EventLoop& loop, const Address& address, ConnectOptions options,
                         Callback<void(Result<Socket>)> on_done);

  Connector() noexcept = default;
  Connector(Connector&& other) noexcept;
  Connector& operator=(Connector&& other) noexcept;
  ~Connector();

  /// What EventLoop::insight and EventLoop::snapshot call it. Copied; none at first. Throws std::bad_alloc.
  void set_name(std::string_view name);

 private:
  class State;

  explicit Connector(State& state) noexcept : state_(&state) {}

  State* state_ = nullptr;
};

}  // namespace weir
