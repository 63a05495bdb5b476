// weir: a socket that is about to listen; internal.
// SPDX-License-Identifier: MIT
#include "weir/net/bound_socket.h"

#include "weir/sys/calls.h"

namespace weir {
namespace {

/// Somebody else's listening socket answers; a socket's file that was left behind refuses (unix(7)). So does a file of any
/// other kind, which is not ours to remove.
bool is_abandoned(const Address& address) {
  sys::FileIdentity file;
  if (!sys::describe_file(address.name().local.sun_path, file) || !file.is_socket) return false;
  Result<Socket> probe = Socket::open_stream(address.family());
  if (!probe) return false;
  const Result<void> connected = probe->connect(address);
  return !connected && connected.error() == std::errc::connection_refused;
}

Result<void> bind_at(Socket& socket, const Address& address) {
  const Result<void> bound = socket.bind(address);
  if (bound || address.path().empty() || bound.error() != std::errc::address_in_use) return bound;
  if (!is_abandoned(address)) return bound;
  (void)sys::unlink(address.name().local.sun_path);
  return socket.bind(address);
}

Result<void> set_internet_options(Socket& socket, const Address& address, const ListenOptions& options) {
  if (options.reuse_address) {
    if (auto set = socket.set_reuse_address(true); !set) return set;
  }
  if (options.share_port) {
    if (auto set = socket.set_share_port(true); !set) return set;
  }
  if (options.defer_accept > Duration::zero()) {
    if (auto set = socket.set_defer_accept(options.defer_accept); !set) return set;
  }
  // Also when it is off, for the system's default is a setting (net.ipv6.bindv6only).
  return address.family() == Address::Family::v6 ? socket.set_v6_only(options.v6_only) : Result<void>();
}

}  // namespace

Result<Socket> open_bound(const Address& address, const ListenOptions& options) {
  Result<Socket> socket = Socket::open_stream(address.family());
  if (!socket) return socket.error();
  if (auto set = socket->set_options(options.socket, address.family()); !set) return set.error();
  if (address.family() != Address::Family::local) {
    if (auto set = set_internet_options(*socket, address, options); !set) return set.error();
  }
  if (auto bound = bind_at(*socket, address); !bound) return bound.error();
  return socket;
}

}  // namespace weir
