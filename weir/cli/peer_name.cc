// weir: the address of a peer in 24 bytes, small enough to stay with every connection.
// SPDX-License-Identifier: MIT
#include "weir/cli/peer_name.h"

#include <cstring>

#include "weir/stream/stream.h"

namespace weir::cli {

PeerName::PeerName(const Address& address) noexcept {
  const sys::SocketName& name = address.name();
  family_ = name.any.sa_family;
  if (family_ == AF_INET) {
    port_ = name.v4.sin_port;
    std::memcpy(host_.data(), &name.v4.sin_addr, sizeof name.v4.sin_addr);
  } else if (family_ == AF_INET6) {
    port_ = name.v6.sin6_port;
    scope_ = name.v6.sin6_scope_id;
    std::memcpy(host_.data(), &name.v6.sin6_addr, sizeof name.v6.sin6_addr);
  }
}

PeerName PeerName::of(const Stream& stream) {
  const Result<Address> address = stream.peer_address();
  return PeerName(address ? *address : Address());
}

std::string PeerName::to_string() const {
  sys::SocketName name;
  if (family_ == AF_INET) {
    name.v4 = {};
    name.v4.sin_family = AF_INET;
    name.v4.sin_port = port_;
    std::memcpy(&name.v4.sin_addr, host_.data(), sizeof name.v4.sin_addr);
    name.length = sizeof name.v4;
  } else if (family_ == AF_INET6) {
    name.v6 = {};
    name.v6.sin6_family = AF_INET6;
    name.v6.sin6_port = port_;
    name.v6.sin6_scope_id = scope_;
    std::memcpy(&name.v6.sin6_addr, host_.data(), sizeof name.v6.sin6_addr);
    name.length = sizeof name.v6;
  } else {
    return family_ == AF_UNIX ? "a local process" : "an unknown peer";
  }
  return Address(name).to_string();
}

}  // namespace weir::cli
