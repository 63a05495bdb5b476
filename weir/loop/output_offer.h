// weir: one system call's part of what a stream has to send; internal.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <span>

#include "weir/buffer/buffer.h"
#include "weir/buffer/pool_reserve.h"
#include "weir/sys/call_result.h"

namespace weir {

/// Where output goes.
struct Sink {
  int descriptor;
  bool is_file = false;              ///< no socket, but a pipe, a terminal, a device or a regular file
  std::span<const int> passed = {};  ///< descriptors that travel with the first byte
};

/// What was offered to the kernel, and what it took.
struct Offer {
  sys::CallResult taken;
  std::size_t size = 0;
  bool is_file = false;     ///< offered by sendfile(2), which takes less, or nothing, where the file ends
  bool must_retry = false;  ///< later, without an event: not even the reserve has memory now, or it is as bad
};

/// How much may be offered.
struct OfferLimits {
  std::size_t memory;
  std::size_t file;
};

/// Offers what comes first in `output`, within `most`: memory up to the first file range, or that range. The part of
/// a file that sendfile(2) cannot send, as of /proc/self/maps, or not to this sink, is read into a block of `reserve` and
/// offered from there.
Offer offer_front(const Sink& sink, const Buffer& output, OfferLimits most, PoolReserve& reserve);

}  // namespace weir
