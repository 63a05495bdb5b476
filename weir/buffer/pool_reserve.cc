// weir: a part of a pool's budget that is kept for what must go on when the rest is spent.
// SPDX-License-Identifier: MIT
#include "weir/buffer/pool_reserve.h"

#include "weir/buffer/pool_center.h"

namespace weir {

PoolReserve::PoolReserve(Pool& pool, std::size_t bytes) noexcept : pool_(pool), size_(bytes) { refill(); }

PoolReserve::~PoolReserve() {
  if (available_ != 0) pool_.center_->return_reserve(available_);
}

Result<Block> PoolReserve::allocate(std::size_t bytes) noexcept {
  std::error_code error;
  BlockHeader* header = pool_.acquire(bytes, &error);
  if (header == nullptr && error == errc::budget) header = pool_.acquire_reserved(bytes, available_, error);
  if (header == nullptr) return error;
  return Block(header);
}

bool PoolReserve::refill() noexcept {
  if (available_ < size_) available_ += pool_.center_->set_aside(size_ - available_);
  return available_ == size_;
}

}  // namespace weir
