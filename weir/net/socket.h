// weir: a socket that nothing drives yet.
// SPDX-License-Identifier: MIT
#pragma once

#include <utility>

#include "weir/base/export.h"
#include "weir/base/result.h"
#include "weir/net/address.h"
#include "weir/sys/descriptor.h"

namespace weir {

/// Owns the descriptor of a socket: non-blocking, close-on-exec. A move-only value; destroying it closes.
///
/// Threads: any, one at a time.
/// Errors:  each function makes one system call and gives that call's error.
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

  /// True for TCP, false for Unix sockets and what cannot be told. getsockopt(2), SO_DOMAIN
  bool is_internet() const noexcept;
  Result<Address> local_address() const;
  Result<Address> peer_address() const;

  /// Sends small writes at once (TCP_NODELAY, RFC 9293 section 3.7.4 on Nagle's algorithm). TCP only.
  Result<void> set_no_delay(bool on);
  /// Lets a listening port be taken again while connections of its former owner are still ending (SO_REUSEADDR).
  Result<void> set_reuse_address(bool on);
  /// Lets several sockets of this user listen at one port (SO_REUSEPORT).
  Result<void> set_share_port(bool on);
  /// Makes close(2) reset the connection instead of ending it in order (SO_LINGER with a time of 0).
  Result<void> set_reset_on_close();

 private:
  sys::Descriptor descriptor_;
};

}  // namespace weir
