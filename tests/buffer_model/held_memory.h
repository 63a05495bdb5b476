// weir: what memory buffers keep alive, counted once more from what their slices view.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <map>

#include "weir/buffer/buffer.h"
#include "weir/buffer/pool.h"

namespace weir::buffer_model {

/// What one buffer without file ranges keeps alive.
struct HeldMemory {
  std::size_t bytes = 0;   ///< of whole blocks, each counted once, whoever else holds it; the tail block included
  std::size_t viewed = 0;  ///< bytes of slices that have an owner
};

HeldMemory held_by(const Buffer& buffer);

/// Adds up the fair shares of buffers without file ranges that hold, among them, every block of a pool.
class FairShares {
 public:
  void add(const Buffer& buffer);
  /// Whether the shares are what is held, but for rounding.
  bool are_all_of(const PoolStats& stats) const;

 private:
  std::map<const BlockHeader*, std::size_t> program_memory_;  ///< what is no pool's
  std::size_t shares_ = 0;
  std::size_t buffers_ = 0;
};

}  // namespace weir::buffer_model
