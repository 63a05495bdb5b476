// weir: the quality of the way from one simulated host to another.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "weir/base/bytes.h"
#include "weir/base/time.h"

namespace weir::sys {

/// One direction of a link. The default is what loopback is: nothing takes time and nothing is lost.
///
///     {.latency = 20ms, .jitter = 5ms, .bytes_per_second = 1'000'000, .loss = 0.01}
///
/// TCP keeps its promises whatever the link does: a lost segment comes later, after its sender has repeated it (first after
/// 200 ms, then after twice as long each time), and holds back those behind it.
struct Link {
  Duration latency{};                          ///< how long everything takes at least
  Duration jitter{};                           ///< each segment or datagram takes up to this much longer
  std::uint64_t bytes_per_second = unlimited;  ///< what is sent queues up behind what was sent before
  std::size_t chunk = unlimited;               ///< the largest TCP segment, in bytes
  bool has_random_chunks = false;              ///< segments are of 1 to `chunk` bytes, by chance
  double loss = 0;                             ///< the chance that a segment or datagram is lost
  double duplication = 0;                      ///< of datagrams: that one comes twice
  double reordering = 0;                       ///< of datagrams: that one takes up to three times as long and 1 ms more
  bool is_down = false;                        ///< everything is lost, silently
};

}  // namespace weir::sys
