// weir: the address of a socket, internet or Unix.
// SPDX-License-Identifier: MIT
#include "weir/net/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <optional>

namespace weir {
namespace {

constexpr std::string_view local_prefix = "unix:";
constexpr std::size_t path_offset = offsetof(sockaddr_un, sun_path);

/// A whole decimal number without sign or blanks; nothing else.
template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return number;
}

/// inet_pton(3) takes text that ends in a NUL, so text with one inside must not reach it.
bool parse_host(int family, std::string_view host, void* into) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (host.size() >= text.size() || host.find('\0') != std::string_view::npos) return false;
  std::copy(host.begin(), host.end(), text.begin());
  return ::inet_pton(family, text.data(), into) == 1;
}

std::string format_host(int family, const void* host) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(family, host, text.data(), text.size());
  return text.data();
}

}  // namespace

Address::Address() noexcept {
  name_.any.sa_family = AF_UNSPEC;
  name_.length = sizeof(sa_family_t);
}

Result<Address> Address::parse(std::string_view text) {
  if (text.starts_with(local_prefix)) return parse_local(text.substr(local_prefix.size()));
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return errc::bad_address;
  const std::optional port = parse_number<std::uint16_t>(text.substr(colon + 1));
  if (!port) return errc::bad_address;
  std::string_view host = text.substr(0, colon);

  Address address;
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(*port);
    if (const std::size_t percent = host.find('%'); percent != std::string_view::npos) {
      const std::optional scope = parse_number<std::uint32_t>(host.substr(percent + 1));
      if (!scope) return errc::bad_address;
      v6.sin6_scope_id = *scope;
      host = host.substr(0, percent);
    }
    if (!parse_host(AF_INET6, host, &v6.sin6_addr)) return errc::bad_address;
    address.name_.v6 = v6;
    address.name_.length = sizeof v6;
    return address;
  }
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(*port);
  if (host.empty() || host == "localhost") host = "127.0.0.1";
  if (!parse_host(AF_INET, host, &v4.sin_addr)) return errc::bad_address;
  address.name_.v4 = v4;
  address.name_.length = sizeof v4;
  return address;
}

Result<Address> Address::parse_local(std::string_view path) {
  sockaddr_un local{};
  local.sun_family = AF_UNIX;
  const bool is_abstract = path.starts_with('@');
  // A path in the file system needs room for its NUL; an abstract name may fill the array (unix(7)).
  constexpr std::size_t room = sizeof(local.sun_path);
  static_assert(room == 108, "or what errc::path_too_long says of it is wrong");
  if (path.size() < (is_abstract ? 2U : 1U)) return errc::bad_address;
  if (path.find('\0') != std::string_view::npos) return errc::bad_address;
  if (path.size() > room - (is_abstract ? 0 : 1)) return errc::path_too_long;
  std::copy(path.begin(), path.end(), local.sun_path);
  if (is_abstract) local.sun_path[0] = '\0';
  Address address;
  address.name_.local = local;
  address.name_.length = static_cast<socklen_t>(path_offset + path.size() + (is_abstract ? 0 : 1));
  return address;
}

std::string Address::to_string() const {
  switch (family()) {
    case Family::v4: return (format_host(AF_INET, &name_.v4.sin_addr) += ':') += std::to_string(port());
    case Family::v6: {
      std::string text = "[";
      text += format_host(AF_INET6, &name_.v6.sin6_addr);
      if (name_.v6.sin6_scope_id != 0) (text += '%') += std::to_string(name_.v6.sin6_scope_id);
      return (text += "]:") += std::to_string(port());
    }
    case Family::local: {
      if (!path().empty() || name_.length <= path_offset) return std::string(local_prefix) += path();
      const std::string_view name(name_.local.sun_path, name_.length - path_offset);
      return (std::string(local_prefix) += '@') += name.substr(1);
    }
    case Family::none: break;
  }
  return "no address";
}

Address::Family Address::family() const noexcept {
  switch (name_.length >= sizeof(sa_family_t) ? name_.any.sa_family : AF_UNSPEC) {
    case AF_INET: return Family::v4;
    case AF_INET6: return Family::v6;
    case AF_UNIX: return Family::local;
    default: return Family::none;
  }
}

std::uint16_t Address::port() const noexcept {
  switch (family()) {
    case Family::v4: return ntohs(name_.v4.sin_port);
    case Family::v6: return ntohs(name_.v6.sin6_port);
    default: return 0;
  }
}

std::string_view Address::path() const noexcept {
  if (family() != Family::local || name_.length <= path_offset || name_.local.sun_path[0] == '\0') return {};
  return {name_.local.sun_path, ::strnlen(name_.local.sun_path, name_.length - path_offset)};
}

bool Address::equals(const Address& other) const noexcept {
  if (family() != other.family()) return false;
  switch (family()) {
    case Family::v4: return port() == other.port() && name_.v4.sin_addr.s_addr == other.name_.v4.sin_addr.s_addr;
    case Family::v6:
      return port() == other.port() && name_.v6.sin6_scope_id == other.name_.v6.sin6_scope_id &&
             std::memcmp(&name_.v6.sin6_addr, &other.name_.v6.sin6_addr, sizeof(in6_addr)) == 0;
    case Family::local:
      return name_.length == other.name_.length && std::memcmp(&name_.local, &other.name_.local, name_.length) == 0;
    case Family::none: break;
  }
  return true;
}

}  // namespace weir
