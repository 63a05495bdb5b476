// weir: a part of a pool's budget that is kept for what must go on when the rest is spent.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

#include "weir/base/export.h"
#include "weir/base/result.h"
#include "weir/buffer/block.h"
#include "weir/buffer/pool.h"

namespace weir {

/// Bytes of a pool's budget set aside for one user: whoever must allocate to be able to release, as flushing through TLS
/// does, would wait for ever once readers have taken the whole budget.
///
///     PoolReserve reserve(pool, 64_KiB);                  // from now on others can use 64 KiB less
///     …
///     Result<Block> record = reserve.allocate(16_KiB);    // from the pool; from the reserve when the pool refuses
///     …                                                   // sent, released
///     reserve.refill();                                   // once a turn: takes back what was used, as far as it is free
///
/// Invariant: what the reserve holds counts as leased, so with it the pool's limit is never exceeded. It holds budget, not
///            memory: the system may still have none.
/// Lifetime:  the pool must outlive it (checked). Its blocks are the pool's, and may outlive it.
/// Threads:   one at a time; each loop has its own.
class WEIR_API PoolReserve {
 public:
  /// Takes `bytes` of the budget, or what is left of it; `refill` takes the rest later. A block counts with its capacity.
  explicit PoolReserve(Pool& pool, std::size_t bytes) noexcept;
  PoolReserve(const PoolReserve&) = delete;
  PoolReserve& operator=(const PoolReserve&) = delete;
  ~PoolReserve();

  /// A block of at least `bytes` bytes, from the pool as usual; when that is refused for the budget, on account of the
  /// reserve. Errors: those of Pool::try_allocate; errc::budget when neither has so much.
  Result<Block> allocate(std::size_t bytes) noexcept;

  /// Takes back what allocations used, as far as the pool has it. Returns whether all is available again.
  bool refill() noexcept;

  std::size_t size() const noexcept { return size_; }
  /// What can be allocated although the pool refuses.
  std::size_t available() const noexcept { return available_; }

 private:
  Pool& pool_;
  std::size_t size_;
  std::size_t available_ = 0;  ///< <= size_
};

}  // namespace weir
