// weir: bytes that are written to a buffer in two phases: staged, then committed at once or not at all.
// SPDX-License-Identifier: MIT
#include "weir/buffer/draft.h"

#include <algorithm>

#include "weir/buffer/pool.h"

namespace weir {
namespace {

constexpr std::size_t largest_extent = std::size_t{64} << 10;  // of a new block

}  // namespace

Draft Buffer::draft() { return Draft(*this); }

Draft::Draft(Buffer& target) noexcept : target_(target), staged_(target.pool()) { begin(); }

/// Takes over the room behind the buffer's content, if there is any.
void Draft::begin() noexcept {
  if (target_.block_room() == 0) return;
  window_ = target_.block_;
  window_start_ = target_.write_;
  window_->hold();
  DeadBlocks dead;
  staged_.set_window(std::exchange(target_.block_, nullptr), window_start_, dead);
  target_.set_window(nullptr, nullptr, dead);
}

MutableBytes Draft::allocate(std::size_t count) {
  if (count == 0) return {};
  const MutableBytes room = staged_.prepare(count).first(count);
  staged_.commit(count);
  return room;
}

MutableBytes Draft::allocate_up_to(std::size_t most) {
  const std::size_t room = staged_.block_room();
  return allocate(room == 0 ? std::min(most, largest_extent) : std::min(most, room));
}

void Draft::append(Draft&& other) {
  if (this == &other) return;
  if (other.is_empty()) return;
  staged_.append(std::move(other.staged_));
  let_go_block(std::exchange(other.window_, nullptr));  // what lies there is not for its buffer to write to any more
  other.forget_marks();
}

bool Draft::append_printf(const char* format, ...) {
  std::va_list arguments;
  va_start(arguments, format);
  const bool is_appended = append_formatted(format, arguments);
  va_end(arguments);
  return is_appended;
}

Draft::Mark Draft::mark() noexcept {
  if (filling_ == 0) filling_ = pool().unique_number();
  Mark mark;
  mark.position_ = size();
  mark.changes_ = changes_.size();
  mark.filling_ = filling_;
  return mark;
}

Draft::Mark Draft::mark_before_last(std::size_t count) {
  expects(count <= size());
  Mark result = mark();
  result.position_ -= count;
  return result;
}

/// Where the mark stands after what has changed since it was made. False when that place is gone, or elsewhere.
bool Draft::place_of(const Mark& mark, std::size_t& position) const noexcept {
  position = mark.position_;
  if (mark.filling_ == 0 || mark.filling_ != filling_) return false;
  for (std::size_t i = mark.changes_; i < changes_.size(); ++i) {
    const Change& change = changes_[i];
    if (change.inserted == 0 && position > change.position) return false;
    if (change.position <= position) position += change.inserted;
  }
  return position <= size();
}

bool Draft::insert(const Mark& mark, Buffer&& bytes) {
  std::size_t position = 0;
  if (!place_of(mark, position)) return false;
  if (bytes.is_empty()) return true;
  reserve_change();
  const std::size_t count = bytes.size();
  insert_at(position, bytes);
  bytes.tell_changed(0, count);  // the last act: whoever is told may end this draft
  return true;
}

bool Draft::insert(const Mark& mark, Slice&& slice) {
  if (!insert_appended(mark, slice)) return false;
  const Slice taken(std::move(slice));
  return true;
}

/// Takes all of `bytes`. Requires that one more change can be noted.
void Draft::insert_at(std::size_t position, Buffer& bytes) {
  const std::size_t count = bytes.size();
  if (count == 0) return;
  DeadBlocks dead;
  if (position == size()) {
    staged_.splice_back(bytes, dead);
  } else {
    staged_.insert_at(position, bytes, dead);
  }
  changes_.push_back({position, count});
}

/// Makes certain that one more change can be noted.
void Draft::reserve_change() {
  if (changes_.size() == changes_.capacity()) changes_.reserve(std::max<std::size_t>(8, 2 * changes_.size()));
}

bool Draft::truncate(std::size_t count) {
  if (count > size()) return false;
  if (count == size()) return true;
  DeadBlocks dead;
  if (count == 0) {
    drop_all(dead);
    begin();
    return true;
  }
  reserve_change();
  staged_.cut_back(count, staged_.block_ == window_ ? window_start_ : nullptr, dead);
  changes_.push_back({count, 0});
  return true;
}

void Draft::forget_marks() noexcept {
  changes_.clear();
  filling_ = 0;
}

Draft::~Draft() {
  do {  // again, if a release callback staged or committed
    rollback();
  } while (window_ != nullptr || !is_empty());
}

void Draft::rollback() noexcept {
  DeadBlocks dead;
  drop_all(dead);
}

void Draft::drop_all(DeadBlocks& dead) noexcept {
  forget_marks();
  staged_.remove_all(dead);
  if (window_ == nullptr) return;
  BlockHeader* window = std::exchange(window_, nullptr);
  if (target_.block_ == nullptr && !target_.is_empty()) {  // an empty buffer holds no memory
    target_.set_window(window, window_start_, dead);
  } else {
    dead.let_go(window);
  }
}

void Draft::commit() {
  DeadBlocks dead;
  const std::size_t count = size();
  if (count == 0) {
    drop_all(dead);
    begin();
    return;
  }
  target_.splice_back(staged_, dead);
  forget_marks();
  dead.let_go(std::exchange(window_, nullptr));
  begin();
  target_.tell_changed(count, 0);  // the last act: whoever is told may stage more, or end this draft
}

}  // namespace weir
