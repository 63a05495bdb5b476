// weir: a socket that nothing drives yet.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "weir/base/export.h"
#include "weir/base/result.h"
#include "weir/base/time.h"
#include "weir/net/address.h"
#include "weir/net/socket_options.h"
#include "weir/sys/descriptor.h"

namespace weir {

/// Owns the descriptor of a socket: non-blocking, close-on-exec. A move-only value; destroying it closes.
///
/// Threads: any, one at a time.
/// Errors:  each function makes one system call, where it does not say otherwise, and gives that call's error.
class WEIR_API Socket {
 public:
  Socket() noexcept = default;
  explicit Socket(sys::Descriptor descriptor) noexcept : descriptor_(std::move(descriptor)) {}

  /// A new stream socket (TCP or Unix) for addresses of that family.
  static Result<Socket> open_stream(Address::Family family);

  explicit operator bool() const noexcept { return static_cast<bool>(descriptor_); }
  int number() const noexcept { return descriptor_.number(); }
  /// Gives the descriptor away.
  sys::Descriptor release() && noexcept { return std::move(descriptor_); }

  Result<void> bind(const Address& address);
  /// Turns it into a listening socket; `backlog` is capped by the system (net.core.somaxconn).
  Result<void> listen(int backlog);
  /// Begins to connect; std::errc::operation_in_progress when that takes time.
  Result<void> connect(const Address& address);
  Result<void> shutdown_write();

  /// That of its addresses; none where it cannot be told. getsockopt(2), SO_DOMAIN
  Address::Family family() const noexcept;
  Result<Address> local_address() const;
  Result<Address> peer_address() const;

  /// Sets what `options` names; see SocketOptions for defaults, ranges and errors. A call for each, and one before them that
  /// asks whether this is a TCP socket; the second form is told.
  Result<void> set_options(const SocketOptions& options);
  Result<void> set_options(const SocketOptions& options, Address::Family family);

  // One option each, as SocketOptions and ListenOptions describe them. On a Unix socket what is TCP's is an error here:
  // std::errc::operation_not_supported.

  Result<void> set_no_delay(bool on);
  /// Four calls; none given: off.
  Result<void> set_keep_alive(const std::optional<KeepAlive>& keep_alive);
  Result<void> set_user_timeout(Duration limit);
  Result<void> set_send_buffer(std::size_t bytes);
  Result<void> set_receive_buffer(std::size_t bytes);
  Result<void> set_mark(std::uint32_t mark);
  /// Lets a port be taken again while connections of its former owner are still ending (SO_REUSEADDR).
  Result<void> set_reuse_address(bool on);
  /// Lets several sockets of this user listen at one port (SO_REUSEPORT).
  Result<void> set_share_port(bool on);
  /// IPv6 only, and before `bind`: keeps IPv4 out (IPV6_V6ONLY).
  Result<void> set_v6_only(bool on);
  Result<void> set_defer_accept(Duration longest);
  /// `bind` with port 0 takes the address alone, and leaves the port to `connect`, which needs one that is free only for its
  /// peer: so there are as many as ports for each peer, and not in all (IP_BIND_ADDRESS_NO_PORT, ip(7)).
  Result<void> set_bind_without_port(bool on);
  /// Makes close(2) reset the connection instead of ending it in order (SO_LINGER with a time of 0).
  Result<void> set_reset_on_close();

 private:
  sys::Descriptor descriptor_;
};

}  // namespace weir
