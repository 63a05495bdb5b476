// weir: the address of a socket, internet or Unix.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "weir/base/export.h"
#include "weir/base/result.h"
#include "weir/sys/socket_name.h"

namespace weir {

/// An IPv4, IPv6 or Unix socket address. A value: it copies and compares.
///
///     Result<Address> address = Address::parse("127.0.0.1:7777");
///     address->to_string();      // "127.0.0.1:7777"
class WEIR_API Address {
 public:
  enum class Family { none, v4, v6, local };

  /// No address; family() is none.
  Address() noexcept;
  explicit Address(const sys::SocketName& name) noexcept : name_(name) {}

  /// Reads one of
  ///
  ///     127.0.0.1:80    localhost:80    :80 (the same)    [::1]:80    unix:/run/a.sock    unix:@abstract-name
  ///
  /// Hosts are numeric; `localhost` is 127.0.0.1 (RFC 6761 section 6.3 reserves it for loopback). Port 0 lets the system
  /// choose when listening. A scope id such as `fe80::1%2` is a number. Errors: errc::bad_address, errc::path_too_long.
  static Result<Address> parse(std::string_view text);

  /// As `parse` reads it. The unnamed end of a Unix socket is "unix:".
  std::string to_string() const;

  Family family() const noexcept;
  /// The port; 0 for Unix addresses.
  std::uint16_t port() const noexcept;
  /// The file of a Unix address, with a NUL behind it; empty when it has none.
  std::string_view path() const noexcept;

  const sys::SocketName& name() const noexcept { return name_; }

  friend bool operator==(const Address& left, const Address& right) noexcept { return left.equals(right); }

 private:
  static Result<Address> parse_local(std::string_view path);
  bool equals(const Address& other) const noexcept;

  sys::SocketName name_;
};

}  // namespace weir
