// weir: what adds to a buffer, and its write window.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstring>
#include <utility>

#include "weir/buffer/buffer.h"
#include "weir/buffer/owned_header.h"
#include "weir/buffer/pool.h"

namespace weir {
namespace {

using namespace weir::literals;

constexpr std::size_t copied_slice = 128;            // a slice so short is copied into the tail, if that has room
constexpr std::size_t copied_foreign = 512;          // and foreign or adopted memory, which then goes at once
constexpr std::size_t least_used_part = 4;           // adopted memory must be used to at least a quarter
constexpr std::size_t largest_grown_block = 64_KiB;  // blocks double with the content up to here
constexpr std::size_t largest_copy_block = 64_KiB;   // a longer copy is spread over blocks of this size

}  // namespace

// --- the window ---

std::size_t Buffer::block_room() const noexcept {
  return block_ == nullptr ? 0 : static_cast<std::size_t>(block_->end() - write_);
}

/// Lets small appends in if they may simply lengthen the last slice, and keeps them out otherwise. A size near the
/// maximum keeps them out too: they do not check for overflow.
void Buffer::open_window() noexcept {
  end_preparation();
  const bool is_open = (watch_ & ~front_frozen) == 0 && size_ <= max_size / 2;
  end_ = is_open && is_attached() ? block_->end() : write_;
}

void Buffer::freeze_back() noexcept {
  watch_ |= back_frozen;
  close_window();
}

void Buffer::unfreeze_back() noexcept {
  watch_ &= ~back_frozen;
  if (!is_prepared()) open_window();
}

/// Makes the `count` bytes at `write_`, which are filled, part of the content. Requires a reserved place if detached.
void Buffer::grow_into_room(std::size_t count) noexcept {
  if (is_attached()) {
    queue_.last()->size += count;
  } else {
    block_->hold();
    queue_.push_reserved({write_, count, block_});
  }
  write_ += count;
  size_ += count;
  open_window();
}

/// Takes over one reference to `block`, which may be null, and gives up the one to the present tail block.
void Buffer::set_window(BlockHeader* block, std::byte* write, DeadBlocks& dead) noexcept {
  dead.let_go(std::exchange(block_, block));
  write_ = write;
  open_window();
}

/// As set_window, but keeps the present tail block if that has more room.
void Buffer::offer_window(BlockHeader* block, std::byte* write, DeadBlocks& dead) noexcept {
  if (block != nullptr && static_cast<std::size_t>(block->end() - write) >= block_room()) {
    set_window(block, write, dead);
  } else {
    dead.let_go(block);
    open_window();
  }
}

/// How large a new tail block should be: as large as the content, within bounds, so that blocks double while much is
/// appended and a few bytes hold little memory.
std::size_t Buffer::next_block_bytes(std::size_t wanted) const noexcept {
  return std::max(wanted, std::min(size_, largest_grown_block));
}

/// Sees to `count` bytes of room behind `write_`, and to a place for the slice that views them.
bool Buffer::make_room(std::size_t count, std::error_code* error) noexcept {
  if (count > max_size - size_ || (!is_attached() && !queue_.reserve_one())) {
    if (error != nullptr) *error = std::make_error_code(std::errc::not_enough_memory);
    return false;
  }
  if (block_room() >= count) return true;
  if (!queue_.reserve_one()) {  // the new block's bytes will not continue the last slice
    if (error != nullptr) *error = std::make_error_code(std::errc::not_enough_memory);
    return false;
  }
  BlockHeader* block = pool().acquire(next_block_bytes(count), error);
  if (block == nullptr) return false;
  DeadBlocks dead;
  set_window(block, block->memory, dead);
  return true;
}

MutableBytes Buffer::prepare(std::size_t count) {
  expects(!is_back_frozen());
  if (!make_room(count, nullptr)) throw_bad_alloc();
  state_ |= prepared_flag;
  close_window();
  return {write_, std::min(block_room(), max_size - size_)};
}

void Buffer::commit(std::size_t count) {
  expects(is_prepared() && count <= std::min(block_room(), max_size - size_));
  expects(!is_back_frozen() && (is_attached() || queue_.reserve_one()));  // `prepare` has reserved the place
  if (count != 0) {
    grow_into_room(count);
    tell_changed(count, 0);
  } else if (is_empty()) {
    DeadBlocks dead;
    set_window(nullptr, nullptr, dead);  // an empty buffer holds no memory
  } else {
    open_window();
  }
}

Result<void> Buffer::reserve(std::size_t count) noexcept {
  if (count <= window_room()) return {};
  std::error_code error;
  if (!make_room(count, &error)) return error;
  open_window();
  return {};
}

void Buffer::reserve(Block&& room) noexcept {
  expects(room.is_empty() && !is_back_frozen());
  std::byte* write = room.room().data();
  DeadBlocks dead;
  offer_window(std::exchange(room.header_, nullptr), write, dead);
}

Result<void> Buffer::reserve_slice() noexcept {
  if (!queue_.reserve_one()) return std::make_error_code(std::errc::not_enough_memory);
  return {};
}

// --- copies ---

bool Buffer::try_append_slow(Bytes bytes) noexcept {
  if (bytes.empty()) return true;
  expects(!is_back_frozen());
  if (bytes.size() <= block_room() && is_attached() && bytes.size() <= max_size - size_) {  // there are observers
    append_in_window(bytes);
    open_window();
    tell_changed(bytes.size(), 0);
    return true;
  }
  DeadBlocks dead;
  if (!append_copy(bytes, dead)) return false;
  tell_changed(bytes.size(), 0);
  return true;
}

/// As append_copy, where the buffer holds nothing and the bytes fit into one block: what a short message does.
bool Buffer::append_first(Bytes bytes) noexcept {
  BlockHeader* block = pool().acquire(bytes.size());
  if (block == nullptr) return false;
  copy_bytes(block->memory, bytes.data(), bytes.size());
  block->hold();
  queue_.push_reserved({block->memory, bytes.size(), block});
  size_ = bytes.size();
  block_ = block;
  write_ = block->memory + bytes.size();
  end_ = watch_ == 0 ? block->end() : write_;
  end_preparation();
  return true;
}

/// Requires at least one byte.
bool Buffer::append_copy(Bytes bytes, DeadBlocks& dead) noexcept {
  if (holds_nothing() && bytes.size() <= largest_copy_block) return append_first(bytes);
  if (bytes.size() > max_size - size_) return false;
  if (bytes.size() <= block_room()) {  // the window was closed
    if (!is_attached() && !queue_.reserve_one()) return false;
    copy_bytes(write_, bytes.data(), bytes.size());
    grow_into_room(bytes.size());
    return true;
  }
  const std::size_t room = is_attached() ? block_room() : 0;
  const Bytes rest = bytes.subspan(room);
  if (rest.size() <= largest_copy_block) {
    if (!queue_.reserve_one()) return false;
    BlockHeader* block = pool().acquire(next_block_bytes(rest.size()));
    if (block == nullptr) return false;
    fill_room(bytes.first(room));
    append_block(block, rest, dead);
    return true;
  }
  return append_blocks(bytes.first(room), rest, dead);
}

/// Completes the tail block. Requires an attached window.
void Buffer::fill_room(Bytes bytes) noexcept {
  if (bytes.empty()) return;
  std::memcpy(write_, bytes.data(), bytes.size());
  grow_into_room(bytes.size());
}

/// Copies `bytes` to the beginning of `block`, the new tail. Requires a reserved place.
void Buffer::append_block(BlockHeader* block, Bytes bytes, DeadBlocks& dead) noexcept {
  copy_bytes(block->memory, bytes.data(), bytes.size());
  block->hold();
  queue_.push_reserved({block->memory, bytes.size(), block});
  size_ += bytes.size();
  set_window(block, block->memory + bytes.size(), dead);
}

/// Copies `head` into the tail block and `rest` into as many new blocks as it takes, once all are there.
bool Buffer::append_blocks(Bytes head, Bytes rest, DeadBlocks& dead) noexcept {
  if (rest.size() > pool().limit()) return false;
  Buffer tail;  // gives the blocks back on failure
  while (tail.size_ != rest.size()) {
    const std::size_t count = std::min(rest.size() - tail.size_, largest_copy_block);
    BlockHeader* block = tail.queue_.reserve_one() ? pool().acquire(count) : nullptr;
    if (block == nullptr) return false;
    tail.push_piece({block->memory, count, block});
  }
  const Piece end = *tail.queue_.last();
  Piece* last = queue_.last();
  for (SliceQueue::Iterator piece = tail.queue_.begin(); piece; ++piece) {
    std::memcpy(piece->owner->memory, rest.data(), piece->size);
    rest = rest.subspan(piece->size);
  }
  if (!head.empty()) {  // here, while it is certain where the last piece is
    std::memcpy(write_, head.data(), head.size());
    last->size += head.size();
  }
  if (!queue_.splice(tail.queue_)) {
    if (!head.empty()) last->size -= head.size();
    return false;
  }
  size_ += head.size() + std::exchange(tail.size_, 0);
  end.owner->hold();
  set_window(end.owner, end.owner->memory + end.size, dead);
  return true;
}

// --- references ---

/// Requires that the piece is not empty.
bool Buffer::try_append_piece(const Piece& piece) noexcept {
  expects(!is_back_frozen());
  if (piece.size > max_size - size_ || !queue_.reserve_one()) return false;
  push_piece(piece);
  return true;
}

void Buffer::append(Slice&& slice) {
  if (slice.is_empty()) return;
  if (slice.size() <= copied_slice && slice.size() <= block_room()) {
    if (!try_append(slice.bytes())) throw_bad_alloc();
    const Slice copied(std::move(slice));
    return;
  }
  if (!try_append_piece(slice.piece_)) throw_bad_alloc();
  const std::size_t added = slice.release().size;
  tell_changed(added, 0);
}

void Buffer::append_reserved(Slice slice) noexcept {
  if (slice.is_empty()) return;
  if (slice.size() <= copied_slice && slice.size() <= block_room() && try_append(slice.bytes())) return;
  expects(slice.size() <= max_size - size_ && !is_back_frozen());
  expects(queue_.reserve_one());  // it is there already, unless the reservation was not kept to
  const Piece piece = slice.release();
  push_piece(piece);
  tell_changed(piece.size, 0);
}

void Buffer::append(Buffer&& other) {
  if (this == &other || other.is_empty()) return;
  if (holds_nothing() && watch_ == 0 && other.watch_ == 0) return steal(other);
  DeadBlocks dead;
  const std::size_t moved = other.size_;
  splice_back(other, dead);
  tell_moved(other, *this, moved);
}

/// Moves all of `other`, which is another buffer and not empty, to the end, and tells nobody. Throws std::bad_alloc.
void Buffer::splice_back(Buffer& other, DeadBlocks& dead) {
  expects(!is_back_frozen() && !other.is_front_frozen());
  if (other.size_ > max_size - size_) throw_bad_alloc();
  if (is_empty()) {
    set_window(nullptr, nullptr, dead);
    steal(other);
  } else {
    if (other.queue_.has_one() && (continues_last(other.queue_.front()) || queue_.reserve_one())) {
      push_piece(other.queue_.front());
      other.queue_.forget();
    } else if (!queue_.splice(other.queue_)) {
      throw_bad_alloc();
    } else {
      size_ += other.size_;
    }
    other.count_consumed(std::exchange(other.size_, 0));
    offer_window(std::exchange(other.block_, nullptr), other.write_, dead);
    other.set_window(nullptr, nullptr, dead);
  }
}

/// Puts `prefix` before all of `payload` and moves both to the end, as one change of each. Throws std::bad_alloc; both are
/// then unchanged.
void Buffer::append_framed(Bytes prefix, Buffer&& payload) {
  if (this == &payload) return prepend(prefix);
  if (payload.is_empty()) return append(prefix);
  const std::size_t taken = payload.size_;
  DeadBlocks dead;
  // In front of the payload there may be room for it, and there it is taken off again without fail.
  if (prefix.size() > max_size - taken || !payload.put_in_front(prefix)) throw_bad_alloc();
  struct Undo {
    ~Undo() {
      if (count != 0) payload.remove_front(count, dead);
    }
    Buffer& payload;
    DeadBlocks& dead;
    std::size_t count;
  } undo{payload, dead, prefix.size()};
  splice_back(payload, dead);
  undo.count = 0;
  tell_both(payload, taken, *this, prefix.size() + taken, 0);
}

void Buffer::append(Block&& block) {
  const Bytes unread = block.bytes();
  if (!unread.empty()) {
    if (!try_append_piece({unread.data(), unread.size(), block.header_})) throw_bad_alloc();
    block.header_->hold();
  }
  Block taken(std::move(block));
  if (taken.is_empty()) return;
  std::byte* write = taken.room().data();
  DeadBlocks dead;
  offer_window(std::exchange(taken.header_, nullptr), write, dead);
  tell_changed(unread.size(), 0);
}

template <class Container>
void Buffer::append_adopted(Container& container) {
  const Bytes bytes = std::as_bytes(std::span(container.data(), container.size()));
  if (bytes.size() <= copied_foreign || container.capacity() / least_used_part > bytes.size()) {
    append(bytes);
    container.clear();
    return;
  }
  if (bytes.size() > max_size - size_ || !queue_.reserve_one()) throw_bad_alloc();
  append_reserved(Slice::adopt(std::move(container)));
}

void Buffer::append(std::string&& text) { append_adopted(text); }
void Buffer::append(std::vector<std::byte>&& bytes) { append_adopted(bytes); }

void Buffer::append_foreign(Bytes bytes, Callback<void()>&& release) {
  if (bytes.size() <= copied_foreign) {
    append(bytes);
    Callback<void()> taken = std::move(release);
    if (taken) taken();
    return;
  }
  if (bytes.size() > max_size - size_ || !queue_.reserve_one()) throw_bad_alloc();
  expects(!is_back_frozen());
  BlockHeader* header = create_owned(bytes, std::move(release));
  if (header == nullptr) throw_bad_alloc();
  push_piece({bytes.data(), bytes.size(), header});
  tell_changed(bytes.size(), 0);
}

void Buffer::append_pieces(std::span<const Bytes> pieces) {
  std::size_t total = 0;
  for (const Bytes piece : pieces) {
    if (piece.size() > max_size - total) throw_bad_alloc();
    total += piece.size();
  }
  if (total <= largest_copy_block) {
    expects(!is_back_frozen());
    if (!reserve(total)) throw_bad_alloc();
    DeadBlocks dead;
    for (const Bytes piece : pieces) {
      if (!piece.empty()) expects(append_copy(piece, dead));
    }
    tell_changed(total, 0);
  } else {
    Buffer staged(pool());
    for (const Bytes piece : pieces) staged.append(piece);
    append(std::move(staged));
  }
}

}  // namespace weir
