// weir: what simulated TCP and UDP sockets have in common.
// SPDX-License-Identifier: MIT
#include "weir/sys/sim_kernel/internet_socket.h"

namespace weir::sys {

CallResult InternetSocket::bind(const SocketName& name) {
  InternetName wanted;
  if (const int error = InternetName::read(name, family_, wanted)) return CallResult::failure(error);
  const InternetAddress& address = wanted.address;
  const bool is_of_other_family = address.is_v4() && options_.is_set(IPPROTO_IPV6, IPV6_V6ONLY);
  if (is_bound() || is_of_other_family) return CallResult::failure(EINVAL);
  const bool is_own = address == machine_.address(address.is_v4());
  if (!address.is_any() && !address.is_loopback() && !is_own) return CallResult::failure(EADDRNOTAVAIL);
  std::unique_ptr<PortUse> use = new_use(wanted);
  use->is_v6_only |= !address.is_v4() && !address.is_any();
  const bool leaves_port_open = wanted.port == 0 && options_.is_set(IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT);
  if (const int error = leaves_port_open ? 0 : ports().take(*use)) return CallResult::failure(error);
  if (use->is_v6_only) options_.restrict_to_v6();
  use->is_chosen = wanted.port != 0;
  name_ = use->name;
  has_chosen_address_ = !address.is_any();
  if (!leaves_port_open) port_ = std::move(use);
  return CallResult::success();
}

std::unique_ptr<PortUse> InternetSocket::new_use(const InternetName& name) {
  auto use = std::make_unique<PortUse>();
  use->name = name;
  use->socket = this;
  use->is_v6_only = options_.is_set(IPPROTO_IPV6, IPV6_V6ONLY);
  use->may_be_reused = options_.is_set(SOL_SOCKET, SO_REUSEADDR);
  use->is_shared = options_.is_set(SOL_SOCKET, SO_REUSEPORT);
  return use;
}

int InternetSocket::bind_if_unbound() {
  if (is_bound()) return 0;
  std::unique_ptr<PortUse> use = new_use({has_chosen_address_ ? name_.address : wildcard(), 0});
  if (const int error = ports().take(*use)) return error;
  name_ = use->name;
  port_ = std::move(use);
  return 0;
}

InternetAddress InternetSocket::wildcard() const noexcept {
  return family_ == AF_INET ? InternetAddress::v4(INADDR_ANY) : InternetAddress::v6(in6addr_any);
}

InternetAddress InternetSocket::source_for(const InternetAddress& peer) const noexcept {
  if (peer.is_loopback()) return peer.is_v4() ? InternetAddress::v4(INADDR_LOOPBACK) : peer;
  return machine_.address(peer.is_v4());
}

int InternetSocket::read_peer(const SocketName& from, InternetName& into) const {
  if (const int error = InternetName::read(from, family_, into)) return error;
  if (into.address.is_v4() && options_.is_set(IPPROTO_IPV6, IPV6_V6ONLY)) return ENETUNREACH;
  if (!into.address.is_any()) return 0;
  const bool is_v4 = into.address.is_v4() || (!name_.address.is_any() && name_.address.is_v4());
  into.address = is_v4 ? InternetAddress::v4(INADDR_LOOPBACK) : InternetAddress::v6(in6addr_loopback);
  return 0;
}

CallResult InternetSocket::local_name(SocketName& name) {
  name =
      InternetName{name_.port == 0 && !has_chosen_address_ ? wildcard() : name_.address, name_.port}.told_to(family_);
  return CallResult::success();
}

CallResult InternetSocket::get_option(int level, int option, MutableBytes value) {
  if (level == SOL_SOCKET && option == SO_ERROR) return SocketOptions::answer(value, take_error());
  if (level == SOL_SOCKET && option == SO_ACCEPTCONN) return SocketOptions::answer(value, is_listening() ? 1 : 0);
  return options_.get(level, option, value);
}

CallResult InternetSocket::set_option(int level, int option, Bytes value) {
  const bool is_v6_only = level == IPPROTO_IPV6 && option == IPV6_V6ONLY && family_ == AF_INET6;
  if (is_v6_only && is_bound()) return CallResult::failure(EINVAL);
  const CallResult done = options_.set(level, option, value);
  if (!done) return done;
  if (PortUse* use = port_use()) {
    use->may_be_reused = options_.is_set(SOL_SOCKET, SO_REUSEADDR);
    use->is_shared = options_.is_set(SOL_SOCKET, SO_REUSEPORT);
  }
  option_changed(level, option);
  return done;
}

}  // namespace weir::sys
