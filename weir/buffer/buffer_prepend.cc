// weir: what puts bytes before a buffer's content.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <utility>

#include "weir/buffer/buffer.h"
#include "weir/buffer/pool.h"

namespace weir {
namespace {

constexpr std::size_t copied_slice = 128;    // as at the other end: a slice so short is copied where there is room
constexpr std::size_t least_headroom = 256;  // left before what is prepended to a new block: five layers of headers

}  // namespace

/// Free bytes before the first slice that this buffer may write to.
std::size_t Buffer::headroom() const noexcept {
  if (is_empty() || !is_sole_view(queue_.front())) return 0;
  return static_cast<std::size_t>(queue_.front().data - queue_.front().owner->memory);
}

/// Makes `count` bytes of the headroom, which are filled, part of the content.
void Buffer::lower_front(std::size_t count) noexcept {
  queue_.front().data -= count;
  queue_.front().size += count;
}

/// The last step of every prepend but for the telling.
void Buffer::grown_in_front(std::size_t count) noexcept {
  size_ += count;
  forget_searches();  // an occurrence may now begin where none did
  open_window();
}

/// Prepends, and tells nobody. False, and no change, when there is no memory. Requires at least one byte.
bool Buffer::put_in_front(Bytes bytes) noexcept {
  if (bytes.size() > max_size - size_ || bytes.size() > unlimited - least_headroom) return false;
  if (bytes.size() <= headroom()) {
    lower_front(bytes.size());
    copy_bytes(const_cast<std::byte*>(queue_.front().data), bytes.data(), bytes.size());
    grown_in_front(bytes.size());
    return true;
  }
  BlockHeader* block = pool().acquire(bytes.size() + least_headroom);
  if (block == nullptr) return false;
  std::byte* data = block->end() - bytes.size();
  if (!queue_.push_front({data, bytes.size(), block})) {
    let_go_block(block);
    return false;
  }
  copy_bytes(data, bytes.data(), bytes.size());
  grown_in_front(bytes.size());
  return true;
}

void Buffer::prepend(Bytes bytes) {
  if (bytes.empty()) return;
  expects(!is_front_frozen());
  if (!put_in_front(bytes)) throw_bad_alloc();
  tell_changed(bytes.size(), 0);
}

void Buffer::prepend(Slice&& slice) {
  if (slice.is_empty()) return;
  expects(!is_front_frozen());
  if (slice.size() > max_size - size_) throw_bad_alloc();
  if (slice.size() <= std::min(copied_slice, headroom())) {
    const Slice copied(std::move(slice));  // let go last
    prepend(copied.bytes());
    return;
  }
  if (!queue_.push_front(slice.piece_)) throw_bad_alloc();
  const std::size_t added = slice.release().size;
  grown_in_front(added);
  tell_changed(added, 0);
}

void Buffer::prepend(Buffer&& other) {
  if (this == &other || other.is_empty()) return;
  expects(!is_front_frozen() && !other.is_front_frozen());
  if (other.size_ > max_size - size_) throw_bad_alloc();
  DeadBlocks dead;
  const std::size_t moved = other.size_;
  if (is_empty()) {
    set_window(std::exchange(other.block_, nullptr), other.write_, dead);
    queue_.steal(other.queue_);
  } else if (!queue_.splice_front(other.queue_)) {
    throw_bad_alloc();
  }
  other.size_ = 0;
  other.count_consumed(moved);
  other.set_window(nullptr, nullptr, dead);
  grown_in_front(moved);
  tell_moved(other, *this, moved);
}

}  // namespace weir
