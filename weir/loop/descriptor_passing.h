// weir: one system call's part of the descriptors that travel with a slot's bytes; internal.
// SPDX-License-Identifier: MIT
#pragma once

#include "weir/loop/io_slot.h"
#include "weir/loop/output_offer.h"

namespace weir {

/// Receives bytes, and hands what came with them to the slot. EMFILE when some of that was lost, for the process, or the
/// system, had no numbers for all: nothing is given then.
sys::CallResult receive_with_descriptors(ByteSlot& slot, MutableBytes room);

/// As `offer_front`, for a slot whose next descriptors wait: those before which nothing is left travel with the first byte.
/// No offer reaches beyond the place of the next ones.
Offer offer_with_descriptors(Sink sink, ByteSlot& slot, OfferLimits most, PoolReserve& reserve);

}  // namespace weir
