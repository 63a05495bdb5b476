// weir: socket addresses as scripts write them, with names in place of what each run chooses anew.
// SPDX-License-Identifier: MIT
#include "tests/conformance/address_book.h"

#include <arpa/inet.h>

#include <array>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <stdexcept>

namespace weir::conformance {
namespace {

constexpr std::size_t path_offset = offsetof(sockaddr_un, sun_path);

std::uint16_t port_of(const sys::SocketName& name) {
  if (name.any.sa_family == AF_INET) return ntohs(name.v4.sin_port);
  if (name.any.sa_family == AF_INET6) return ntohs(name.v6.sin6_port);
  return 0;
}

/// Says so when a name is not as long as its family's names are.
std::string odd_length(const sys::SocketName& name, std::size_t expected) {
  return name.length == expected ? "" : " in " + std::to_string(name.length) + " bytes";
}

}  // namespace

sys::SocketName AddressBook::parse(std::string_view text) const {
  sys::SocketName name;
  if (text.starts_with("unix:")) {
    const bool is_abstract = text.substr(5).starts_with('@');
    const std::string whole =
        is_abstract ? '\0' + places_.abstract + std::string(text.substr(6)) : path(text.substr(6));
    if (whole.size() >= sizeof name.local.sun_path) throw std::invalid_argument("too long: " + whole);
    name.local.sun_family = AF_UNIX;
    whole.copy(name.local.sun_path, whole.size());
    name.length = static_cast<socklen_t>(path_offset + whole.size() + (is_abstract ? 0 : 1));
    return name;
  }
  const std::size_t colon = text.rfind(':');
  const std::string_view port_name = text.substr(colon + 1);
  const std::uint16_t port = htons(port_name == "0" ? std::uint16_t{0} : ports_.at(std::string(port_name)));
  const bool is_v6 = text.starts_with('[');
  const std::string host(is_v6 ? text.substr(1, colon - 2) : text.substr(0, colon));
  if (is_v6) {
    name.v6 = {};
    name.v6.sin6_family = AF_INET6;
    name.v6.sin6_port = port;
    name.length = sizeof name.v6;
  } else {
    name.v4 = {};
    name.v4.sin_family = AF_INET;
    name.v4.sin_port = port;
    name.length = sizeof name.v4;
  }
  void* into = is_v6 ? static_cast<void*>(&name.v6.sin6_addr) : &name.v4.sin_addr;
  if (::inet_pton(is_v6 ? AF_INET6 : AF_INET, host.c_str(), into) != 1) throw std::invalid_argument(host);
  return name;
}

std::string AddressBook::print(const sys::SocketName& name) const {
  std::array<char, INET6_ADDRSTRLEN> host{};
  if (name.length == 0) return "nobody";
  if (name.any.sa_family == AF_UNIX) return print_local(name);
  if (name.any.sa_family == AF_INET) {
    ::inet_ntop(AF_INET, &name.v4.sin_addr, host.data(), host.size());
    return std::string(host.data()) + ':' + print_port(port_of(name)) + odd_length(name, sizeof name.v4);
  }
  if (name.any.sa_family == AF_INET6) {
    ::inet_ntop(AF_INET6, &name.v6.sin6_addr, host.data(), host.size());
    return '[' + std::string(host.data()) + "]:" + print_port(port_of(name)) + odd_length(name, sizeof name.v6);
  }
  return "family " + std::to_string(name.any.sa_family);
}

std::string AddressBook::print_local(const sys::SocketName& name) const {
  if (name.length <= path_offset) return "unnamed" + odd_length(name, path_offset);
  std::string_view whole(name.local.sun_path, name.length - path_offset);
  if (whole.front() == '\0') {
    whole.remove_prefix(1);
    if (whole.starts_with(places_.abstract)) whole.remove_prefix(places_.abstract.size());
    return "unix:@" + std::string(whole);
  }
  std::string_view text = whole.substr(0, whole.find('\0'));
  const std::string odd = odd_length(name, path_offset + text.size() + 1);
  if (text.starts_with(places_.folder)) text.remove_prefix(places_.folder.size());
  return "unix:/" + std::string(text) + odd;
}

std::string AddressBook::print_port(std::uint16_t port) const {
  if (port == 0) return "0";
  const auto owner = owners_.find(port);
  return owner == owners_.end() ? "another" : owner->second;
}

void AddressBook::learn(const sys::SocketName& name, std::string_view descriptor) {
  const std::uint16_t port = port_of(name);
  if (port == 0) return;
  ports_[std::string(descriptor)] = port;
  owners_[port] = descriptor;
}

bool AddressBook::is_strangers(const sys::SocketName& name) const {
  if (!places_.shares_ports || port_of(name) == 0) return false;
  for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    std::ifstream lines(table);
    for (std::string line; std::getline(lines, line);) {
      unsigned port = 0;
      unsigned peer = 0;  // 0 in a listener's line
      if (std::sscanf(line.c_str(), " %*u: %*[0-9A-F]:%4X %*[0-9A-F]:%4X", &port, &peer) != 2) continue;
      if (port == port_of(name) && peer != 0 && !owners_.contains(static_cast<std::uint16_t>(peer))) return true;
    }
  }
  return false;
}

bool AddressBook::knows(const sys::SocketName& name) const {
  return port_of(name) == 0 || owners_.contains(port_of(name));
}

}  // namespace weir::conformance
