// weir: the sequence of slices inside a buffer; internal.
// SPDX-License-Identifier: MIT
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>

#include "weir/base/export.h"
#include "weir/buffer/slice.h"

namespace weir {

/// Pieces in order: up to three inside the object, more in unrolled nodes. Counts no references: who puts a piece in or
/// takes one out does.
///
///     inline    [ piece | piece | piece ]                            last_ -> one of them, null when empty
///
///     chained   [ head | tail | spare ]                              last_ -> the last piece in the tail
///                  |       |
///                  v       v
///               Node -> … Node: next, first, end, 20 places          pieces [first, end) of each node, never none
///
/// Invariant: no piece is empty. A chain that runs empty turns into the inline form.
/// Errors:    what needs a node and gets none returns false and changes nothing.
class WEIR_API SliceQueue {
 public:
  static constexpr std::uint32_t inline_pieces = 3;
  static constexpr std::uint32_t node_pieces = 20;
  static constexpr std::uint32_t copied_splice = 8;  ///< so short a source is copied piece by piece

  struct Node {
    Node* next;
    std::uint32_t first;
    std::uint32_t end;
    Piece pieces[node_pieces];
  };

  /// A piece's place, found by walking.
  struct Place {
    Node* previous;  ///< the node before, null in the first and in the inline form
    Node* node;      ///< null in the inline form
    std::uint32_t index;
  };

  /// Walks the pieces in order.
  class Iterator {
   public:
    const Piece& operator*() const noexcept { return *piece_; }
    const Piece* operator->() const noexcept { return piece_; }
    Iterator& operator++() noexcept {
      if (++piece_ == end_) next_segment();
      return *this;
    }
    /// False behind the last piece.
    explicit operator bool() const noexcept { return piece_ != nullptr; }
    /// As `++`, where the next piece lies right behind this one; false, and there is no piece here, where it does not, and
    /// `next_run` goes there.
    bool step_in_run() noexcept { return ++piece_ != end_; }
    void next_run() noexcept { next_segment(); }
    bool operator==(const Iterator& other) const noexcept { return piece_ == other.piece_; }

   private:
    friend class SliceQueue;

    void next_segment() noexcept {
      piece_ = end_ = nullptr;
      if (node_ == nullptr) return;
      piece_ = node_->pieces + node_->first;
      end_ = node_->pieces + node_->end;
      node_ = node_->next;
    }

    const Piece* piece_ = nullptr;
    const Piece* end_ = nullptr;  ///< of the run of pieces in the same node
    const Node* node_ = nullptr;  ///< the node after this one
  };

  SliceQueue() noexcept {}
  SliceQueue(const SliceQueue&) = delete;
  SliceQueue& operator=(const SliceQueue&) = delete;
  ~SliceQueue() { assert(is_empty()); }

  bool is_empty() const noexcept { return last_ == nullptr; }

  /// The last piece; null when empty.
  Piece* last() noexcept { return last_; }
  const Piece* last() const noexcept { return last_; }

  bool has_one() const noexcept { return last_ != nullptr && last_ == &front(); }

  /// The first piece. Requires that there is one.
  Piece& front() noexcept { return is_last_inside() ? inline_[0] : chain_.head->pieces[chain_.head->first]; }
  const Piece& front() const noexcept { return const_cast<SliceQueue*>(this)->front(); }

  /// The second piece; null when there is none.
  Piece* second() noexcept {
    Iterator iterator = begin();
    if (iterator) ++iterator;
    return const_cast<Piece*>(iterator.piece_);
  }

  /// True when at least one more piece can be pushed without allocating; makes it so, or returns false.
  [[nodiscard]] bool reserve_one() noexcept {
    return (is_inline() && last_ != &inline_[inline_pieces - 1]) || reserve_one_slow();
  }

  /// Requires a successful `reserve_one` since the last push.
  void push_reserved(const Piece& piece) noexcept {
    if (last_ == nullptr) {
      last_ = &inline_[0];
    } else if (is_last_inside()) {
      assert(last_ != &inline_[inline_pieces - 1]);
      ++last_;
    } else {
      last_ = chain_place();
    }
    *last_ = copy_words(piece);
  }

  [[nodiscard]] bool push(const Piece& piece) noexcept {
    if (!reserve_one()) return false;
    push_reserved(piece);
    return true;
  }

  /// Puts a piece before all others. False, and no change, when a node was needed and could not be had.
  [[nodiscard]] bool push_front(const Piece& piece) noexcept;

  /// How many pieces there are. O(nodes).
  std::size_t count() const noexcept;

  /// Removes the first piece. Requires that there is one.
  void pop_front() noexcept;

  /// Takes over the content of `other`. Requires that this queue is empty.
  void steal(SliceQueue& other) noexcept {
    assert(is_empty());
    if (other.is_empty()) return;
    if (other.is_inline()) {
      const Piece* from = other.inline_;
      last_ = inline_;
      *last_ = copy_words(*from);
      while (from != other.last_) *++last_ = copy_words(*++from);
    } else {
      chain_ = other.chain_;
      last_ = other.last_;
    }
    other.last_ = nullptr;
  }

  /// Drops every piece, without a look at it: the references have gone elsewhere.
  void forget() noexcept;

  /// Moves every piece of `other` to the end. O(1): links nodes, and copies at most two nodes' pieces, so that sparse nodes
  /// cannot pile up. False when a node was needed and could not be had.
  [[nodiscard]] bool splice(SliceQueue& other) noexcept;

  /// Moves every piece of `other` before the first. O(1). Requires that this queue is not empty. False, and no change, when a
  /// node was needed and could not be had.
  [[nodiscard]] bool splice_front(SliceQueue& other) noexcept;

  /// Moves all from `place` on to `rest`, which must be empty. With an `offset` into the piece there, the piece is
  /// cut: its first `offset` bytes stay, and `rest` begins with the others (the caller counts the new reference).
  [[nodiscard]] bool split(const Place& place, std::size_t offset, SliceQueue& rest) noexcept;

  /// The place of byte `*offset`, which becomes the offset into that piece. Requires that there is such a byte.
  Place find(std::size_t* offset) noexcept;

  /// The piece at a place that `find` gave.
  const Piece& at(const Place& place) const noexcept {
    return place.node == nullptr ? inline_[place.index] : place.node->pieces[place.index];
  }

  /// Puts the pieces of `by`, of which there must be some, where the first `count` bytes of the piece at `place` are.
  /// Requires `0 < count <= at(place).size`.
  [[nodiscard]] bool replace(const Place& place, std::size_t count, SliceQueue& by) noexcept;

  /// How many pieces come before `place`. Requires that it is in the first node, or in the inline form.
  std::uint32_t count_before(const Place& place) const noexcept {
    return place.node == nullptr ? place.index : place.index - place.node->first;
  }

  /// At the last piece; behind it when the queue is empty.
  Iterator at_last() const noexcept {
    Iterator iterator;
    iterator.piece_ = last_;
    iterator.end_ = last_ + 1;
    return iterator;
  }

  Iterator begin() const noexcept {
    Iterator iterator;
    if (is_empty()) return iterator;
    if (is_inline()) {
      iterator.piece_ = inline_;
      iterator.end_ = last_ + 1;
    } else {
      iterator.node_ = chain_.head;
      iterator.next_segment();
    }
    return iterator;
  }

 private:
  struct Chain {
    Node* head;
    Node* tail;
    Node* spare;  ///< the node after the tail, not yet linked; null when none was reserved
  };

  bool is_inline() const noexcept { return last_ == nullptr || is_last_inside(); }
  /// Requires that the queue is not empty. One comparison: an address before the object wraps round.
  bool is_last_inside() const noexcept {
    return reinterpret_cast<std::uintptr_t>(last_) - reinterpret_cast<std::uintptr_t>(inline_) < sizeof inline_;
  }
  bool reserve_one_slow() noexcept;
  Piece* chain_place() noexcept;
  bool turn_into_chain(std::uint32_t room_in_front = 0) noexcept;
  void become_empty() noexcept;
  bool reserve_front(std::uint32_t count) noexcept;
  bool splice_copied(SliceQueue& other, std::uint32_t count) noexcept;
  void fill_tail_from(SliceQueue& other) noexcept;
  void join_head() noexcept;
  void split_inline(std::uint32_t index, std::size_t offset, SliceQueue& rest) noexcept;
  bool split_chain(const Place& place, std::size_t offset, SliceQueue& rest) noexcept;
  void cut(std::size_t offset, Piece& piece, SliceQueue& rest) noexcept;
  void end_chain_at(Node* tail) noexcept;
  bool replace_in_run(const Place& place, std::size_t count, SliceQueue& by) noexcept;
  std::uint32_t count_up_to(std::uint32_t limit) const noexcept;

  union {
    Piece inline_[inline_pieces];
    Chain chain_;
  };
  Piece* last_ = nullptr;
};

}  // namespace weir
