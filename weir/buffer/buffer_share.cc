// weir: what a buffer does with parts of itself: sharing, cutting back, inserting.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <utility>

#include "weir/buffer/buffer.h"

namespace weir {

/// Adds a reference. Throws std::bad_alloc.
void Buffer::push_shared_piece(const Piece& piece) {
  if (!queue_.reserve_one()) throw_bad_alloc();
  hold_block(piece.owner);
  push_piece(piece);
}

/// Adds references to a part of `from`. Throws std::bad_alloc; what was added before stays.
void Buffer::push_shared(const SliceQueue& from, std::size_t offset, std::size_t count) {
  for (SliceQueue::Iterator piece = from.begin(); piece && count > 0; ++piece) {
    if (offset >= piece->size) {
      offset -= piece->size;
      continue;
    }
    const Piece part{piece->data + offset, std::min(piece->size - offset, count), piece->owner};
    push_shared_piece(part);
    count -= part.size;
    offset = 0;
  }
}

Buffer Buffer::share(std::size_t offset, std::size_t count) const {
  expects(offset <= size_ && count <= size_ - offset);
  Buffer result;
  result.pool_ = pool_;
  result.push_shared(queue_, offset, count);
  return result;
}

void Buffer::truncate(std::size_t count) {
  expects(count <= size_);
  if (count == size_) return;
  expects(!is_back_frozen());
  DeadBlocks dead;
  const std::size_t removed = size_ - count;
  if (count == 0) {
    remove_all(dead);
  } else {
    cut_back(count, nullptr, dead);
  }
  tell_changed(0, removed);
}

/// Requires `0 < count < size_`. From `own_from` on, unless that is null, nobody else views the tail block, and its pieces
/// there are in order: what ends behind that place is the last of them, but what ends just there may be another part.
void Buffer::cut_back(std::size_t count, const std::byte* own_from, DeadBlocks& dead) {
  std::size_t offset = count;
  const SliceQueue::Place place = queue_.find(&offset);
  SliceQueue rest;
  if (!queue_.split(place, offset, rest)) throw_bad_alloc();
  if (offset != 0) hold_block(queue_.last()->owner);
  for (SliceQueue::Iterator piece = rest.begin(); piece; ++piece) dead.let_go(piece->owner);
  rest.forget();
  size_ = count;
  forget_searches();  // other bytes may now come where these were
  const Piece& last = *queue_.last();
  if (block_ != nullptr && last.owner == block_) {
    // Two references are this buffer's own and the last slice's: then nobody else has any.
    const bool is_own = own_from != nullptr ? last.end() > own_from : block_->has_references(2);
    if (is_own) write_ = const_cast<std::byte*>(last.end());
  }
  open_window();
}

/// Moves `bytes` before byte `offset`, and tells nobody. Requires `offset < size_`. Throws std::bad_alloc; both are then
/// unchanged.
void Buffer::insert_at(std::size_t offset, Buffer& bytes, DeadBlocks& dead) {
  expects(!bytes.is_front_frozen());
  if (bytes.size_ > max_size - size_) throw_bad_alloc();
  Buffer result;
  result.push_shared(queue_, 0, offset);
  result.push_shared(bytes.queue_, 0, bytes.size_);
  result.push_shared(queue_, offset, size_ - offset);
  for (SliceQueue::Iterator piece = queue_.begin(); piece; ++piece) dead.let_go(piece->owner);
  queue_.forget();
  queue_.steal(result.queue_);
  size_ = std::exchange(result.size_, 0);
  forget_searches();
  open_window();
  bytes.remove_all(dead);
}

}  // namespace weir
