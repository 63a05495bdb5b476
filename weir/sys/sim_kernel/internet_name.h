// weir: addresses and ports inside the simulated network.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <compare>
#include <cstdint>

#include "weir/sys/socket_name.h"

namespace weir::sys {

/// An IP address; an IPv4 one in its IPv6-mapped form (RFC 4291 section 2.5.5.2), so that both compare alike.
struct InternetAddress {
  std::array<std::uint8_t, 16> bytes{};

  static InternetAddress v4(std::uint32_t number) noexcept;
  static InternetAddress v6(const in6_addr& address) noexcept;

  bool is_v4() const noexcept;
  bool is_any() const noexcept;
  bool is_loopback() const noexcept;

  friend auto operator<=>(const InternetAddress&, const InternetAddress&) noexcept = default;
};

struct InternetName {
  InternetAddress address;
  std::uint16_t port = 0;

  /// Reads a name given to a socket of `family`. An errno number when it is not one: 0 is success.
  static int read(const SocketName& from, int family, InternetName& into) noexcept;
  /// The name as a socket of `family` tells it.
  SocketName told_to(int family) const noexcept;

  friend auto operator<=>(const InternetName&, const InternetName&) noexcept = default;
};

/// Both names of a connection, seen from one end.
struct InternetPath {
  InternetName local;
  InternetName remote;

  friend auto operator<=>(const InternetPath&, const InternetPath&) noexcept = default;
};

}  // namespace weir::sys
