// weir: a socket that nothing drives yet.
// SPDX-License-Identifier: MIT
#include "weir/net/socket.h"

#include <cerrno>

#include "weir/sys/calls.h"

namespace weir {
namespace {

int native_family(Address::Family family) {
  switch (family) {
    case Address::Family::v4: return AF_INET;
    case Address::Family::v6: return AF_INET6;
    case Address::Family::local: return AF_UNIX;
    case Address::Family::none: break;
  }
  return AF_UNSPEC;
}

}  // namespace

Result<Socket> Socket::open_stream(Address::Family family) {
  const sys::CallResult opened = sys::open_socket(native_family(family), SOCK_STREAM);
  if (!opened) return opened.error();
  return Socket(sys::Descriptor(opened.number()));
}

Result<void> Socket::bind(const Address& address) { return sys::bind(number(), address.name()).to_result(); }

Result<void> Socket::listen(int backlog) { return sys::listen(number(), backlog).to_result(); }

/// A connect that a signal interrupts goes on by itself (connect(2), EINTR).
Result<void> Socket::connect(const Address& address) {
  const sys::CallResult result = sys::connect(number(), address.name());
  if (result.error_number() == EINTR) return system_error(EINPROGRESS);
  return result.to_result();
}

Result<void> Socket::shutdown_write() { return sys::shutdown(number(), SHUT_WR).to_result(); }

Address::Family Socket::family() const noexcept {
  int domain = AF_UNSPEC;
  if (!sys::get_option(number(), SOL_SOCKET, SO_DOMAIN, domain)) return Address::Family::none;
  switch (domain) {
    case AF_INET: return Address::Family::v4;
    case AF_INET6: return Address::Family::v6;
    case AF_UNIX: return Address::Family::local;
    default: return Address::Family::none;
  }
}

Result<Address> Socket::local_address() const {
  sys::SocketName name;
  const sys::CallResult asked = sys::local_name(number(), name);
  if (!asked) return asked.error();
  return Address(name);
}

Result<Address> Socket::peer_address() const {
  sys::SocketName name;
  const sys::CallResult asked = sys::peer_name(number(), name);
  if (!asked) return asked.error();
  return Address(name);
}

Result<void> Socket::set_reset_on_close() {
  return sys::set_option(number(), SOL_SOCKET, SO_LINGER, linger{.l_onoff = 1, .l_linger = 0}).to_result();
}

}  // namespace weir
