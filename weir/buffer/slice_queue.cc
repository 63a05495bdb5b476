// weir: the sequence of slices inside a buffer.
// SPDX-License-Identifier: MIT
#include "weir/buffer/slice_queue.h"

#include <algorithm>
#include <utility>

#include "weir/buffer/spare_memory.h"

namespace weir {
namespace {

using Node = SliceQueue::Node;
using Memory = SpareMemory<Node, 32>;

/// Null when there is no memory.
Node* create_node() noexcept {
  auto* node = static_cast<Node*>(Memory::take());
  if (node == nullptr) return nullptr;
  node->next = nullptr;
  node->first = node->end = 0;  // the places stay unset until they are used
  return node;
}

void destroy_node(Node* node) noexcept { Memory::give(node); }

void drop_bytes(Piece& piece, std::size_t count) noexcept {
  piece.data += count;
  piece.size -= count;
}

}  // namespace

void SliceQueue::pop_front() noexcept {
  if (is_last_inside()) {
    for (Piece* piece = inline_; piece != last_; ++piece) *piece = copy_words(piece[1]);
    last_ = last_ == inline_ ? nullptr : last_ - 1;
    return;
  }
  Node* head = chain_.head;
  if (++head->first < head->end) return;
  if (head == chain_.tail) {
    become_empty();
    return;
  }
  chain_.head = head->next;
  destroy_node(head);
}

/// Frees the last node of a chain without pieces.
void SliceQueue::become_empty() noexcept {
  destroy_node(chain_.tail);
  if (chain_.spare != nullptr) destroy_node(chain_.spare);
  last_ = nullptr;
}

bool SliceQueue::reserve_one_slow() noexcept {
  if (is_inline()) return turn_into_chain();
  if (chain_.tail->end < node_pieces || chain_.spare != nullptr) return true;
  chain_.spare = create_node();
  return chain_.spare != nullptr;
}

/// The next free place of a chain that has one.
Piece* SliceQueue::chain_place() noexcept {
  if (chain_.tail->end == node_pieces) {
    assert(chain_.spare != nullptr);
    chain_.tail->next = chain_.spare;
    chain_.tail = std::exchange(chain_.spare, nullptr);
  }
  return &chain_.tail->pieces[chain_.tail->end++];
}

/// Requires at least one piece.
bool SliceQueue::turn_into_chain(std::uint32_t room_in_front) noexcept {
  Node* node = create_node();
  if (node == nullptr) return false;
  node->first = room_in_front;
  node->end = room_in_front + static_cast<std::uint32_t>(last_ - inline_) + 1;
  std::copy(inline_, last_ + 1, node->pieces + node->first);
  chain_ = {.head = node, .tail = node, .spare = nullptr};
  last_ = &node->pieces[node->end - 1];
  return true;
}

bool SliceQueue::push_front(const Piece& piece) noexcept {
  if (is_empty()) {
    push_reserved(piece);
    return true;
  }
  if (is_inline() && last_ != &inline_[inline_pieces - 1]) {
    std::copy_backward(inline_, last_ + 1, last_ + 2);
    ++last_;
    inline_[0] = piece;
    return true;
  }
  if (!reserve_front(1)) return false;
  chain_.head->pieces[--chain_.head->first] = piece;
  return true;
}

/// Sees to `count` places, at most `copied_splice`, before the first piece, in a chain unless they are free inside the
/// object. They must be filled at once: the node that has them may have no piece yet.
bool SliceQueue::reserve_front(std::uint32_t count) noexcept {
  static_assert(copied_splice <= node_pieces / 2);
  if (is_inline()) {
    if (static_cast<std::uint32_t>(last_ - inline_) + 1 + count <= inline_pieces) return true;
    return turn_into_chain(node_pieces / 2);  // in the middle: what is pushed next, at either end, finds room
  }
  if (chain_.head->first >= count) return true;
  Node* node = create_node();
  if (node == nullptr) return false;
  node->next = chain_.head;
  node->first = node->end = node_pieces;
  chain_.head = node;
  return true;
}

bool SliceQueue::splice_front(SliceQueue& other) noexcept {
  if (other.is_empty()) return true;
  const std::uint32_t count = other.count_up_to(copied_splice + 1);
  if (count > copied_splice) {
    if (!other.splice(*this)) return false;
    steal(other);
    return true;
  }
  if (!reserve_front(count)) return false;
  Piece pieces[copied_splice];
  std::uint32_t copied = 0;
  for (Iterator piece = other.begin(); piece; ++piece) pieces[copied++] = *piece;
  other.forget();
  while (copied != 0) (void)push_front(pieces[--copied]);  // there is room
  return true;
}

std::size_t SliceQueue::count() const noexcept {
  if (is_inline()) return last_ == nullptr ? 0 : static_cast<std::size_t>(last_ - inline_) + 1;
  std::size_t count = 0;
  for (const Node* node = chain_.head; node != nullptr; node = node->next) count += node->end - node->first;
  return count;
}

/// How many pieces there are, if fewer than `limit`; else `limit` or more.
std::uint32_t SliceQueue::count_up_to(std::uint32_t limit) const noexcept {
  if (is_inline()) return last_ == nullptr ? 0 : static_cast<std::uint32_t>(last_ - inline_) + 1;
  std::uint32_t count = 0;
  for (const Node* node = chain_.head; node != nullptr && count < limit; node = node->next)
    count += node->end - node->first;
  return count;
}

bool SliceQueue::splice(SliceQueue& other) noexcept {
  if (other.is_empty()) return true;
  if (is_empty()) {
    steal(other);
    return true;
  }
  const std::uint32_t count = other.count_up_to(copied_splice + 1);
  if (count <= copied_splice) return splice_copied(other, count);
  if (is_inline() && !turn_into_chain()) return false;
  fill_tail_from(other);
  if (other.is_empty()) return true;
  other.join_head();
  if (chain_.spare != nullptr) destroy_node(chain_.spare);
  chain_.tail->next = other.chain_.head;
  chain_.tail = other.chain_.tail;
  chain_.spare = other.chain_.spare;
  last_ = std::exchange(other.last_, nullptr);
  return true;
}

/// Moves what has room in the last node out of the first one of `other`. Requires two chains.
void SliceQueue::fill_tail_from(SliceQueue& other) noexcept {
  Node* tail = chain_.tail;
  Node* from = other.chain_.head;
  const std::uint32_t moved = std::min(node_pieces - tail->end, from->end - from->first);
  std::copy_n(from->pieces + from->first, moved, tail->pieces + tail->end);
  tail->end += moved;
  last_ = &tail->pieces[tail->end - 1];
  from->first += moved;
  if (from->first < from->end) return;
  if (from == other.chain_.tail) return other.become_empty();
  other.chain_.head = from->next;
  destroy_node(from);
}

/// Puts the first two nodes together where one has room for both. Requires a chain.
void SliceQueue::join_head() noexcept {
  Node* head = chain_.head;
  Node* next = head->next;
  if (next == nullptr) return;
  const std::uint32_t count = head->end - head->first;
  const std::uint32_t added = next->end - next->first;
  if (count + added > node_pieces) return;
  std::copy_n(head->pieces + head->first, count, head->pieces);
  std::copy_n(next->pieces + next->first, added, head->pieces + count);
  head->first = 0;
  head->end = count + added;
  head->next = next->next;
  if (next == chain_.tail) {
    chain_.tail = head;
    last_ = &head->pieces[head->end - 1];
  }
  destroy_node(next);
}

bool SliceQueue::splice_copied(SliceQueue& other, std::uint32_t count) noexcept {
  if (is_inline() && static_cast<std::uint32_t>(last_ - inline_) + 1 + count > inline_pieces && !turn_into_chain())
    return false;
  if (!is_inline() && chain_.tail->end + count > node_pieces && chain_.spare == nullptr) {
    chain_.spare = create_node();
    if (chain_.spare == nullptr) return false;
  }
  for (Iterator piece = other.begin(); piece; ++piece) push_reserved(*piece);
  other.forget();
  return true;
}

void SliceQueue::forget() noexcept {
  if (!is_inline()) {
    while (chain_.head != chain_.tail) destroy_node(std::exchange(chain_.head, chain_.head->next));
    become_empty();
  }
  last_ = nullptr;
}

SliceQueue::Place SliceQueue::find(std::size_t* offset) noexcept {
  Place place{.previous = nullptr, .node = nullptr, .index = 0};
  if (is_inline()) {
    while (*offset >= inline_[place.index].size) *offset -= inline_[place.index++].size;
    return place;
  }
  for (place.node = chain_.head;; place.previous = std::exchange(place.node, place.node->next)) {
    for (place.index = place.node->first; place.index < place.node->end; ++place.index) {
      const std::size_t size = place.node->pieces[place.index].size;
      if (*offset < size) return place;
      *offset -= size;
    }
  }
}

bool SliceQueue::split(const Place& place, std::size_t offset, SliceQueue& rest) noexcept {
  assert(rest.is_empty());
  if (is_inline()) {
    split_inline(place.index, offset, rest);
    return true;
  }
  return split_chain(place, offset, rest);
}

void SliceQueue::split_inline(std::uint32_t index, std::size_t offset, SliceQueue& rest) noexcept {
  const Piece* end = last_ + 1;
  for (const Piece* piece = inline_ + index; piece != end; ++piece) rest.push_reserved(*piece);
  last_ = index == 0 ? nullptr : &inline_[index - 1];
  cut(offset, inline_[index], rest);
}

/// Leaves the first `offset` bytes of `piece`, which lies behind the last one here, here, and the others in `rest`.
void SliceQueue::cut(std::size_t offset, Piece& piece, SliceQueue& rest) noexcept {
  if (offset == 0) return;
  Piece& right = rest.front();
  right.data += offset;
  right.size -= offset;
  piece.size = offset;
  last_ = &piece;
}

bool SliceQueue::split_chain(const Place& place, std::size_t offset, SliceQueue& rest) noexcept {
  Node* node = place.node;
  const std::uint32_t kept = place.index - node->first;
  const std::uint32_t moved = node->end - place.index;
  const bool keeps_node = kept != 0 || offset != 0;

  if (!keeps_node) {  // between two nodes, or all of it
    rest.chain_ = {.head = node, .tail = chain_.tail, .spare = chain_.spare};
    rest.last_ = last_;
  } else if (node == chain_.tail && moved <= inline_pieces) {  // what moves fits inside the other
    for (std::uint32_t i = place.index; i < node->end; ++i) rest.push_reserved(node->pieces[i]);
    if (chain_.spare != nullptr) destroy_node(std::exchange(chain_.spare, nullptr));
  } else {
    Node* fresh = create_node();
    if (fresh == nullptr) return false;
    fresh->end = moved;
    std::copy(node->pieces + place.index, node->pieces + node->end, fresh->pieces);
    fresh->next = node->next;
    rest.chain_ = {.head = fresh, .tail = node == chain_.tail ? fresh : chain_.tail, .spare = chain_.spare};
    rest.last_ = node == chain_.tail ? &fresh->pieces[moved - 1] : last_;
  }

  if (keeps_node) {
    node->end = place.index + (offset != 0 ? 1 : 0);
    end_chain_at(node);
    cut(offset, node->pieces[place.index], rest);
  } else if (place.previous != nullptr) {
    end_chain_at(place.previous);
  } else {
    last_ = nullptr;
  }
  return true;
}

void SliceQueue::end_chain_at(Node* tail) noexcept {
  tail->next = nullptr;
  chain_.tail = tail;
  chain_.spare = nullptr;
  last_ = &tail->pieces[tail->end - 1];
}

bool SliceQueue::replace(const Place& place, std::size_t count, SliceQueue& by) noexcept {
  if (replace_in_run(place, count, by)) return true;
  if (is_inline() && !turn_into_chain()) return false;
  if (by.is_inline() && !by.turn_into_chain()) return false;
  Node* node = place.node != nullptr ? place.node : chain_.head;
  const std::uint32_t moved_from = place.index + (count == node->pieces[place.index].size ? 1 : 0);
  Node* right = nullptr;  // what comes behind
  if (moved_from != node->end) {
    right = create_node();
    if (right == nullptr) return false;
    right->end = node->end - moved_from;
    std::copy(node->pieces + moved_from, node->pieces + node->end, right->pieces);
    if (moved_from == place.index) drop_bytes(right->pieces[0], count);
  }

  Node* last = right != nullptr ? right : by.chain_.tail;
  if (right != nullptr) by.chain_.tail->next = right;
  last->next = node->next;
  if (node == chain_.tail) {
    chain_.tail = last;
    last_ = &last->pieces[last->end - 1];
  }
  node->end = place.index;
  node->next = by.chain_.head;
  if (node->first == node->end) {
    (place.previous != nullptr ? place.previous->next : chain_.head) = node->next;
    destroy_node(node);
  }
  if (by.chain_.spare != nullptr) destroy_node(by.chain_.spare);
  by.last_ = nullptr;
  return true;
}

/// Replaces if there are few pieces, and room for them next to the piece; false, and no change, otherwise.
bool SliceQueue::replace_in_run(const Place& place, std::size_t count, SliceQueue& by) noexcept {
  Piece* const pieces = place.node == nullptr ? inline_ : place.node->pieces;
  const std::uint32_t most = place.node == nullptr ? inline_pieces : node_pieces;
  const auto end = place.node == nullptr ? static_cast<std::uint32_t>(last_ - inline_) + 1 : place.node->end;
  const std::uint32_t added = by.count_up_to(copied_splice + 1);
  const std::uint32_t removed = count == pieces[place.index].size ? 1 : 0;
  if (added > copied_splice || end + added - removed > most) return false;

  if (removed == 0) drop_bytes(pieces[place.index], count);
  std::copy_backward(pieces + place.index + removed, pieces + end, pieces + end + added - removed);
  Piece* to = pieces + place.index;
  for (Iterator piece = by.begin(); piece; ++piece) *to++ = *piece;
  if (place.node != nullptr) place.node->end += added - removed;
  if (last_ == pieces + end - 1) last_ += added - removed;
  by.forget();
  return true;
}

}  // namespace weir
