// weir: the block that a loop receives into, stream after stream.
// SPDX-License-Identifier: MIT
#include "weir/buffer/receive_block.h"

#include <algorithm>
#include <utility>

#include "weir/buffer/pool.h"

namespace weir {
namespace {

constexpr std::size_t least_room = std::size_t{16} << 10;

}  // namespace

ReceiveBlock::ReceiveBlock(Pool& pool, std::size_t capacity) noexcept : pool_(&pool), capacity_(capacity) {}

MutableBytes ReceiveBlock::room() noexcept {
  if (header_ != nullptr && header_->is_unique()) {
    used_ = 0;
    header_->is_shared_between_threads = false;  // whoever shared it elsewhere is done with it
  }
  if (header_ == nullptr || header_->capacity - used_ < std::min(least_room, header_->capacity / 4)) {
    BlockHeader* fresh = pool_->acquire(capacity_);
    if (fresh != nullptr) {
      release();
      header_ = fresh;
    }
  }
  if (header_ == nullptr) return {};
  return {header_->memory + used_, header_->capacity - used_};  // the rest of the old block when there is no new one
}

Slice ReceiveBlock::take(std::size_t count) noexcept {
  expects(count == 0 || (header_ != nullptr && count <= header_->capacity - used_));
  if (count == 0) return {};
  header_->hold();
  const std::size_t offset = std::exchange(used_, used_ + count);
  return Slice(Piece{header_->memory + offset, count, header_});
}

void ReceiveBlock::release() noexcept {
  let_go_block(std::exchange(header_, nullptr));
  used_ = 0;
}

}  // namespace weir
