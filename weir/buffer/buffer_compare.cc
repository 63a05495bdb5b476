// weir: the order, the equality and the hash of what buffers hold.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <compare>
#include <cstring>
#include <span>

#include "weir/buffer/buffer.h"
#include "weir/buffer/hash.h"

namespace weir {
namespace {

/// The pieces of a queue, in parts that end where it suits the reader.
class Parts {
 public:
  explicit Parts(const SliceQueue& queue) noexcept : next_(queue.begin()) { advance(); }

  bool is_at_end() const noexcept { return part_.size == 0; }
  const Piece& part() const noexcept { return part_; }
  /// Requires `count <= part().size`.
  void drop(std::size_t count) noexcept {
    part_.data += count;
    part_.size -= count;
    if (part_.size == 0) advance();
  }

 private:
  void advance() noexcept {
    if (!next_) return;
    part_ = *next_;
    ++next_;
  }

  SliceQueue::Iterator next_;
  Piece part_{};
};

/// Compares the first `count` bytes of both. Bytes of a file come after all that are in memory, and among themselves in an
/// order that is the same as long as the file ranges live: without reading them nothing else is known.
std::strong_ordering compare_parts(const Piece& left, const Piece& right, std::size_t count) noexcept {
  const bool left_in_memory = is_in_memory(left);
  const bool right_in_memory = is_in_memory(right);
  if (left_in_memory && right_in_memory) return std::memcmp(left.data, right.data, count) <=> 0;
  if (left_in_memory != right_in_memory) return right_in_memory <=> left_in_memory;
  if (left.owner != right.owner) return std::compare_three_way()(left.owner, right.owner);
  return std::compare_three_way()(left.data, right.data);
}

}  // namespace

std::strong_ordering Buffer::compare(const SliceQueue& other) const noexcept {
  Parts left(queue_);
  Parts right(other);
  while (!left.is_at_end() && !right.is_at_end()) {
    const std::size_t count = std::min(left.part().size, right.part().size);
    const std::strong_ordering order = compare_parts(left.part(), right.part(), count);
    if (order != 0) return order;
    left.drop(count);
    right.drop(count);
  }
  return right.is_at_end() <=> left.is_at_end();
}

std::strong_ordering Buffer::compare(Bytes bytes) const noexcept {
  SliceQueue other;
  if (!bytes.empty()) other.push_reserved({bytes.data(), bytes.size(), nullptr});
  const std::strong_ordering order = compare(other);
  other.forget();
  return order;
}

std::uint64_t Buffer::hash(std::uint64_t seed) const noexcept {
  ContentHash hash(seed);
  const Piece* before = nullptr;  // the last piece, if that was a file's
  for (SliceQueue::Iterator piece = queue_.begin(); piece; ++piece) {
    if (is_in_memory(*piece)) {
      hash.add({piece->data, piece->size});
      before = nullptr;
      continue;
    }
    if (before == nullptr || before->owner != piece->owner || before->end() != piece->data) {
      hash.add(std::as_bytes(std::span(&piece->owner, 1)));
      hash.add(std::as_bytes(std::span(&piece->data, 1)));
    }
    before = &*piece;
  }
  return hash.value();
}

}  // namespace weir
