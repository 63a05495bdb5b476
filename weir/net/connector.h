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
  SocketOptions socket{};
  /// Where the connection comes from; none: the system chooses. With port 0 it chooses the port alone, which needs to be free
  /// only for this peer (IP_BIND_ADDRESS_NO_PORT). Errors: std::errc::address_not_available when it is no address of this
  /// machine, address_in_use. A file that a Unix address makes is the caller's to remove.
  Address local_address{};
  /// For a `local_address` with a port: it may have connections already, also some that are ending, if they are of others
  /// that asked for the same (SO_REUSEADDR, socket(7)).
  bool reuse_address = false;
  std::string name{};  ///< see Connector::set_name; of a stream's: its own, if that is empty
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
