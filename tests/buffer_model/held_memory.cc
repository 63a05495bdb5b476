// weir: what memory buffers keep alive, counted once more from what their slices view.
// SPDX-License-Identifier: MIT
#include "tests/buffer_model/held_memory.h"

#include <algorithm>

namespace weir::buffer_model {
namespace {

/// No public call tells the owner of a slice. A Slice is a Piece and nothing else (slice.h asserts it).
const BlockHeader* owner_of(const Slice& slice) { return reinterpret_cast<const Piece&>(slice).owner; }

/// Small copies lie beside their header, in two cache lines.
std::size_t footprint(const BlockHeader& header) { return header.kind == BlockKind::tiny ? 128 : header.capacity; }

}  // namespace

HeldMemory held_by(const Buffer& buffer) {
  HeldMemory held;
  std::map<const BlockHeader*, std::size_t> blocks;
  std::size_t in_runs = 0;  // as `pinned` counts
  const BlockHeader* before = nullptr;
  for (const Slice& slice : buffer.slices()) {
    const BlockHeader* owner = owner_of(slice);
    if (owner == nullptr) continue;
    if (owner != before) in_runs += footprint(*owner);
    before = owner;
    held.viewed += slice.size();
    if (blocks.emplace(owner, footprint(*owner)).second) held.bytes += footprint(*owner);
  }
  // What is left is the tail block, where the last slice does not view it; it may be one that was met before.
  const std::size_t tail = buffer.memory().pinned - in_runs;
  if (std::ranges::none_of(blocks, [tail](const auto& block) { return block.second == tail; })) held.bytes += tail;
  return held;
}

void FairShares::add(const Buffer& buffer) {
  shares_ += buffer.memory().fair_share;
  ++buffers_;
  for (const Slice& slice : buffer.slices()) {
    const BlockHeader* owner = owner_of(slice);
    if (owner != nullptr && owner->pool == nullptr) program_memory_.emplace(owner, footprint(*owner));
  }
}

bool FairShares::are_all_of(const PoolStats& stats) const {
  std::size_t held = stats.in_use;
  for (const auto& [owner, bytes] : program_memory_) held += bytes;
  return shares_ + buffers_ >= held && held + buffers_ >= shares_;
}

}  // namespace weir::buffer_model
