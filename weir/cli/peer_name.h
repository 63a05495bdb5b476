// weir: the address of a peer in 24 bytes, small enough to stay with every connection.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "weir/net/address.h"

namespace weir {
class Stream;
}

namespace weir::cli {

/// Where a connection came from, for a sentence about it when the socket is gone. An Address would do, but takes 116 bytes
/// of every idle connection. The name of a Unix peer is not kept: hardly any has one.
class PeerName {
 public:
  explicit PeerName(const Address& address) noexcept;
  /// The peer of a stream that is open: when it has closed, its socket is gone.
  static PeerName of(const Stream& stream);

  /// As Address writes it; "a local process" for a Unix peer, "an unknown peer" for one that was gone before it was asked for.
  std::string to_string() const;

 private:
  std::array<std::byte, 16> host_{};
  std::uint32_t scope_ = 0;
  std::uint16_t port_ = 0;    // in the order of the network
  std::uint16_t family_ = 0;  // AF_INET, AF_INET6, AF_UNIX or something else
};
static_assert(sizeof(PeerName) == 24);

}  // namespace weir::cli
