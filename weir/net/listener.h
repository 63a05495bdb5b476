// weir: accepts connections at an address.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
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

struct ListenOptions {
  int backlog = 4096;         ///< connections that may wait to be accepted; the system caps it (net.core.somaxconn)
  std::uint8_t priority = 0;  ///< its class, 0 the most urgent; see EventLoop::Options::quotas
  /// TCP only: others that ask for the same may listen here too, also in other processes of this user, and the system
  /// spreads the connections over all of them. When one closes, those that wait at it are reset. (SO_REUSEPORT, socket(7))
  bool share_port = false;
  /// TCP only: the port may be taken although connections of its former owner are still ending; without it that is
  /// std::errc::address_in_use, for a minute. (SO_REUSEADDR, socket(7))
  bool reuse_address = true;
  /// IPv6 only: `[::]` takes no IPv4 connections, and leaves the port of `0.0.0.0` to others. (IPV6_V6ONLY, ipv6(7))
  bool v6_only = false;
  /// TCP only: a connection is handed over when its first bytes or its end have come, or anyway after about so long; 0: at
  /// once. For protocols whose client speaks first. Rounded up to 1, 3, 7, 15, … s. (TCP_DEFER_ACCEPT, tcp(7))
  Duration defer_accept = Duration::zero();
  /// Of every accepted socket. Set on the listening one, from which TCP's inherit, so that errors are told when opening.
  SocketOptions socket{};
  std::string name{};  ///< see Listener::set_name
};

/// Listens at an address and hands over each connection.
///
///     auto listener = weir::Listener::open(loop, address, {}, [&](weir::Socket socket, const weir::Address& peer) { … });
///
/// At most 64 connections are accepted in a turn, so that those already open are served too. Errors of single connections
/// are passed over. When descriptors or memory run out, accepting pauses: it goes on when the loop closes a descriptor,
/// and tries again after 10 to 100 ms anyway; the loop's diagnostic hook hears of it at most once a second.
///
/// The file of a Unix address is made when opening, in place of one that nobody listens at any more, and removed when
/// closing.
/// Lifetime: a handle; destroying it, also in its callback, closes the socket, and connections that were not accepted are
///           reset by the system. Must be destroyed before the loop.
class WEIR_API Listener {
 public:
  static Result<Listener> open(EventLoop& loop, const Address& address, ListenOptions options,
                               Callback<void(Socket, const Address&)> on_connection);

  Listener() noexcept = default;
  Listener(Listener&& other) noexcept;
  Listener& operator=(Listener&& other) noexcept;
  ~Listener();

  /// False when it was moved from or never opened.
  explicit operator bool() const noexcept { return state_ != nullptr; }

  /// Where it listens, with the port that the system chose if 0 was asked for.
  const Address& address() const noexcept;

  /// What EventLoop::insight and EventLoop::snapshot call it. Copied; none at first. Throws std::bad_alloc.
  void set_name(std::string_view name);

  /// Accepts no more until `resume`: who connects waits, as many as the backlog holds. Allowed in its callback, which is not
  /// called again then.
  void pause() noexcept;
  void resume() noexcept;

  /// Hears of an error that ends accepting for good (std::errc::bad_file_descriptor and the like); nothing else does.
  void on_failed(Callback<void(std::error_code)> callback);
  /// Replaces the callback; allowed while it runs.
  void on_connection(Callback<void(Socket, const Address&)> callback);

 private:
  class State;

  explicit Listener(State& state) noexcept : state_(&state) {}

  State* state_ = nullptr;
};

}  // namespace weir
