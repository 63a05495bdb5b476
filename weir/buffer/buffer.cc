// weir: a buffer's life, removal and reading.
// SPDX-License-Identifier: MIT
#include "weir/buffer/buffer.h"

#include <sys/uio.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "weir/buffer/owned_header.h"
#include "weir/buffer/pool.h"
#include "weir/buffer/transfer_buffer.h"

namespace weir {
namespace {

/// A piece of at most this size, cut off a block of at least that size, is copied instead of holding the whole block.
constexpr std::size_t copied_border = 256;
constexpr std::size_t large_block = 2048;

}  // namespace

Buffer::Buffer(Buffer&& other) noexcept : pool_(other.pool_) {
  expects(other.is_empty() || !other.is_front_frozen());
  steal(other);
  other.tell_changed(0, size_);
}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  if (this == &other) return *this;
  expects((watch_ & all_flags) == 0 && !other.is_front_frozen());
  DeadBlocks dead;
  const std::size_t removed = size_;
  remove_all(dead);
  steal(other);
  tell_moved(other, *this, size_, removed);
  return *this;
}

void Buffer::destroy() noexcept {
  if (watch_ != 0) leave_watchers();
  do {  // again, if a release callback appended
    DeadBlocks dead;
    for (SliceQueue::Iterator piece = queue_.begin(); piece; ++piece) dead.let_go(piece->owner);
    queue_.forget();
    dead.let_go(std::exchange(block_, nullptr));
    size_ = 0;
    write_ = end_ = nullptr;
  } while (!holds_nothing());
}

/// Requires that this buffer holds nothing.
void Buffer::steal(Buffer& other) noexcept {
  queue_.steal(other.queue_);
  write_ = std::exchange(other.write_, nullptr);
  std::byte* const end = std::exchange(other.end_, nullptr);
  end_ = watch_ == 0 ? end : write_;
  block_ = std::exchange(other.block_, nullptr);
  size_ = std::exchange(other.size_, 0);
  other.count_consumed(size_);
  if (other.is_prepared()) {
    other.end_preparation();
    open_window();  // prepare had closed it
  }
}

TransferBuffer Buffer::detach() && noexcept {
  DeadBlocks dead;
  set_window(nullptr, nullptr, dead);  // or each tail block would count as shared
  for (SliceQueue::Iterator piece = queue_.begin(); piece; ++piece) {
    if (piece->owner != nullptr && !piece->owner->is_unique()) piece->owner->make_shared_between_threads();
  }
  return TransferBuffer(std::move(*this));
}

Pool& Buffer::pool() const noexcept { return pool_ != nullptr ? *pool_ : Pool::default_pool(); }

// --- removing ---

void Buffer::remove_all(DeadBlocks& dead) noexcept {
  count_consumed(std::exchange(size_, 0));
  for (SliceQueue::Iterator piece = queue_.begin(); piece; ++piece) dead.let_go(piece->owner);
  queue_.forget();
  set_window(nullptr, nullptr, dead);
}

/// Requires `count <= size_`.
void Buffer::remove_front(std::size_t count, DeadBlocks& dead) noexcept {
  if (count == size_) {
    remove_all(dead);
    return;
  }
  if (count < queue_.front().size) {
    advance_front(queue_.front(), count);
    return;
  }
  size_ -= count;
  count_consumed(count);
  while (count >= queue_.front().size) {
    BlockHeader* owner = queue_.front().owner;
    count -= queue_.front().size;
    queue_.pop_front();
    dead.let_go(owner);
  }
  queue_.front().data += count;
  queue_.front().size -= count;
}

void Buffer::drop_slow(std::size_t count) {
  expects(count <= size_);
  if (count == 0) return;
  expects(!is_front_frozen());
  DeadBlocks dead;
  remove_front(count, dead);
  tell_changed(0, count);
}

void Buffer::clear() noexcept {
  expects(is_empty() || !is_front_frozen());
  DeadBlocks dead;
  const std::size_t removed = size_;
  remove_all(dead);
  tell_changed(0, removed);
}

/// Gives the empty `result` the first `count` bytes of `piece`, shared or copied; cannot fail.
void Buffer::take_border(const Piece& piece, std::size_t count, Buffer& result) noexcept {
  Piece taken{piece.data, count, piece.owner};
  if (count <= copied_border && piece.owner != nullptr && piece.owner->capacity >= large_block) {
    const Bytes bytes(piece.data, count);
    BlockHeader* copy = count <= BlockHeader::tiny_bytes ? create_tiny(bytes) : pool().acquire(count);
    if (copy != nullptr) {
      if (count > BlockHeader::tiny_bytes) copy_bytes(copy->memory, piece.data, count);
      taken = {copy->memory, count, copy};
    }
  }
  if (taken.owner == piece.owner) hold_block(taken.owner);
  result.queue_.push_reserved(taken);
  result.size_ += count;
}

/// Moves what lies before `offset` bytes into the piece at `place` if that is few pieces; false otherwise.
bool Buffer::take_few(const SliceQueue::Place& place, std::size_t offset, Buffer& result) noexcept {
  if (place.previous != nullptr) return false;
  const std::uint32_t whole = queue_.count_before(place);
  if (whole + (offset != 0 ? 1 : 0) > SliceQueue::inline_pieces) return false;
  for (std::uint32_t i = 0; i < whole; ++i) {
    const Piece first = queue_.front();
    queue_.pop_front();
    result.queue_.push_reserved(first);
    result.size_ += first.size;
  }
  size_ -= result.size_;
  count_consumed(result.size_);
  if (offset == 0) return true;
  take_border(queue_.front(), offset, result);
  advance_front(queue_.front(), offset);
  return true;
}

/// Removes the `skipped` first bytes, gives the empty `taken`, which nobody follows, the next `count`, and removes the
/// `dropped` ones behind them. Requires that there are so many.
void Buffer::take_to(Buffer& taken, std::size_t count, std::size_t dropped, std::size_t skipped) {
  expects((skipped == 0 && count == 0 && dropped == 0) || !is_front_frozen());
  taken.pool_ = pool_;
  DeadBlocks dead;
  const std::size_t moved = count == 0 ? 0 : skipped + count;  // together, for that may fail, and nothing is gone then
  if (moved != 0 && moved == size_) {
    taken.steal(*this);
  } else if (moved != 0) {
    Piece& front = queue_.front();
    if (moved < front.size) {
      take_border(front, moved, taken);
      advance_front(front, moved);
    } else {
      take_part(taken, moved);
    }
  }
  if (moved != 0 && skipped != 0) taken.remove_front(skipped, dead);
  if (const std::size_t gone = skipped + count - moved + dropped; gone != 0) remove_front(gone, dead);
  tell_changed(0, skipped + count + dropped);
}

/// Requires `front().size() <= count < size_`.
void Buffer::take_part(Buffer& taken, std::size_t count) {
  std::size_t offset = count;
  const SliceQueue::Place place = queue_.find(&offset);
  if (take_few(place, offset, taken)) return;
  SliceQueue rest;
  if (!queue_.split(place, offset, rest)) throw_bad_alloc();
  if (offset != 0) hold_block(queue_.last()->owner);
  taken.queue_.steal(queue_);
  queue_.steal(rest);
  taken.size_ = count;
  size_ -= count;
  count_consumed(count);
}

/// Requires `0 < count <= size_`.
Buffer Buffer::split_off(std::size_t count) {
  Buffer result;
  result.pool_ = pool_;
  if (count == size_) return result;
  expects(!is_back_frozen());
  std::size_t offset = count;
  const SliceQueue::Place place = queue_.find(&offset);
  SliceQueue rest;
  if (!queue_.split(place, offset, rest)) throw_bad_alloc();
  if (offset != 0) hold_block(queue_.last()->owner);
  result.queue_.steal(rest);
  result.size_ = size_ - count;
  result.block_ = std::exchange(block_, nullptr);
  result.write_ = std::exchange(write_, nullptr);
  result.open_window();
  end_ = nullptr;
  size_ = count;
  end_preparation();
  forget_searches();  // other bytes may now come where these were
  tell_changed(0, result.size_);
  return result;
}

// --- reading ---

std::size_t Buffer::copy_to(MutableBytes to, std::size_t offset) const {
  expects(offset <= size_);
  std::size_t copied = 0;
  for (SliceQueue::Iterator piece = queue_.begin(); piece && copied < to.size(); ++piece) {
    if (!is_in_memory(*piece)) break;
    if (offset >= piece->size) {
      offset -= piece->size;
      continue;
    }
    const std::size_t count = std::min(piece->size - offset, to.size() - copied);
    copy_bytes(to.data() + copied, piece->data + offset, count);
    copied += count;
    offset = 0;
  }
  return copied;
}

Bytes Buffer::contiguous(std::size_t count) {
  expects(count <= size_);
  if (count == 0) return {};
  if (count <= front().size()) return front().first(count);
  if (count > memory_size()) return {};
  return {join_front(count), count};
}

MutableBytes Buffer::writable(std::size_t count) {
  expects(count <= size_);
  if (count == 0) return {};
  if (count > front().size() && count > memory_size()) return {};
  forget_searches();  // for whoever asks is going to write
  const Piece& front = queue_.front();
  if (count <= front.size && is_sole_view(front)) return {const_cast<std::byte*>(front.data), count};
  return {join_front(count), count};
}

/// Copies the first `count` bytes into a new block. Requires that there are so many, and one at least.
std::byte* Buffer::join_front(std::size_t count) {
  BlockHeader* block = pool().acquire(count);
  if (block == nullptr) throw_bad_alloc();
  copy_to({block->memory, count});
  const Piece joined{block->memory, count, block};

  DeadBlocks dead;
  if (count < queue_.front().size) {
    if (!queue_.push_front(joined)) {
      dead.let_go(block);
      throw_bad_alloc();
    }
    queue_.second()->data += count;
    queue_.second()->size -= count;
    open_window();
    return block->memory;
  }
  for (std::size_t left = count;; queue_.pop_front()) {  // at least the first piece goes: its place is free
    Piece& first = queue_.front();
    dead.let_go(first.owner);
    left -= first.size;
    Piece* second = queue_.second();
    if (left != 0 && left >= second->size) continue;
    if (left != 0) {
      second->data += left;
      second->size -= left;
    }
    first = joined;
    break;
  }
  open_window();  // or close it, if the tail was among what was copied
  return block->memory;
}

/// Calls `visit(bytes)` for the slices, or what lies in the range of them, until it returns false.
template <class Visit>
void Buffer::visit_range(std::size_t offset, std::size_t count, Visit visit) const {
  expects(offset <= size_);
  for (SliceQueue::Iterator piece = queue_.begin(); piece && count != 0 && is_in_memory(*piece); ++piece) {
    if (offset >= piece->size) {
      offset -= piece->size;
      continue;
    }
    const std::size_t length = std::min(piece->size - offset, count);
    if (!visit(Bytes(piece->data + offset, length))) return;
    count -= length;
    offset = 0;
  }
}

std::size_t Buffer::gather(std::span<iovec> entries, std::size_t offset, std::size_t count) const {
  std::size_t filled = 0;
  visit_range(offset, entries.empty() ? 0 : count, [&](Bytes bytes) {
    // only read
    entries[filled++] = {.iov_base = const_cast<std::byte*>(bytes.data()), .iov_len = bytes.size()};
    return filled < entries.size();
  });
  return filled;
}

std::size_t Buffer::count_entries(std::size_t offset, std::size_t count) const {
  std::size_t entries = 0;
  visit_range(offset, count, [&](Bytes) { return ++entries, true; });
  return entries;
}

}  // namespace weir
