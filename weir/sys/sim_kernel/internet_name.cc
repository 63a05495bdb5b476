// weir: addresses and ports inside the simulated network.
// SPDX-License-Identifier: MIT
#include "weir/sys/sim_kernel/internet_name.h"

#include <cerrno>
#include <cstring>

namespace weir::sys {
namespace {

constexpr std::array<std::uint8_t, 12> v4_prefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

}  // namespace

InternetAddress InternetAddress::v4(std::uint32_t number) noexcept {
  InternetAddress address;
  std::memcpy(address.bytes.data(), v4_prefix.data(), v4_prefix.size());
  for (int i = 0; i < 4; ++i) {
    address.bytes[static_cast<std::size_t>(12 + i)] = static_cast<std::uint8_t>(number >> (24 - 8 * i));
  }
  return address;
}

InternetAddress InternetAddress::v6(const in6_addr& from) noexcept {
  InternetAddress address;
  std::memcpy(address.bytes.data(), &from, sizeof from);
  return address;
}

bool InternetAddress::is_v4() const noexcept {
  return std::memcmp(bytes.data(), v4_prefix.data(), v4_prefix.size()) == 0;
}

bool InternetAddress::is_any() const noexcept { return *this == v4(INADDR_ANY) || *this == v6(in6addr_any); }

bool InternetAddress::is_loopback() const noexcept {
  return is_v4() ? bytes[12] == 127 : *this == v6(in6addr_loopback);
}

int InternetName::read(const SocketName& from, int family, InternetName& into) noexcept {
  const std::size_t length = family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
  if (from.length < length) return EINVAL;
  if (from.any.sa_family != family) return EAFNOSUPPORT;
  if (family == AF_INET) {
    into = {InternetAddress::v4(ntohl(from.v4.sin_addr.s_addr)), ntohs(from.v4.sin_port)};
  } else {
    into = {InternetAddress::v6(from.v6.sin6_addr), ntohs(from.v6.sin6_port)};
  }
  return 0;
}

SocketName InternetName::told_to(int family) const noexcept {
  SocketName name;
  if (family == AF_INET) {
    name.v4 = {};
    name.v4.sin_family = AF_INET;
    name.v4.sin_port = htons(port);
    std::memcpy(&name.v4.sin_addr, address.bytes.data() + 12, 4);
    name.length = sizeof name.v4;
  } else {
    name.v6 = {};
    name.v6.sin6_family = AF_INET6;
    name.v6.sin6_port = htons(port);
    const bool is_unspecified = address == InternetAddress::v4(INADDR_ANY);  // ":: " is what an IPv6 socket calls it
    if (!is_unspecified) std::memcpy(&name.v6.sin6_addr, address.bytes.data(), 16);
    name.length = sizeof name.v6;
  }
  return name;
}

}  // namespace weir::sys
