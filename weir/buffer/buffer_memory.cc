// weir: how much memory a buffer keeps alive, and making it less.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <utility>
#include <vector>

#include "weir/buffer/buffer.h"
#include "weir/buffer/pool.h"
#include "weir/buffer/size_class.h"

namespace weir {
namespace {

constexpr std::size_t most_waste = 4;  // a block may be so many times as large as what is viewed of it
constexpr std::size_t largest_packing_block = std::size_t{64} << 10;

/// What is held for as long as a slice of it is there.
std::size_t footprint(const BlockHeader& header) noexcept {
  return header.kind == BlockKind::tiny ? sizeof header + BlockHeader::tiny_bytes : header.capacity;
}

/// What a copy of so many bytes takes: as much as the pool's classes waste, at worst.
std::size_t footprint_of_copy(std::size_t bytes) noexcept {
  return bytes <= BlockHeader::tiny_bytes ? sizeof(BlockHeader) + BlockHeader::tiny_bytes
                                          : std::max(smallest_class_bytes, bytes + bytes / 4);
}

bool is_wasteful(const BlockHeader* owner, std::size_t viewed) noexcept {
  const std::size_t held = owner == nullptr ? 0 : footprint(*owner);  // 0 of a file
  return held != 0 && (held - 1) / most_waste >= viewed;  // held > most_waste * viewed, which may be too large
}

/// How much of each block the pieces of a queue view, wherever they stand.
class Uses {
 public:
  /// Allocates nothing where no block can be wasteful. Throws std::bad_alloc.
  explicit Uses(const SliceQueue& queue) {
    bool may_waste = false;
    for (SliceQueue::Iterator piece = queue.begin(); piece && !may_waste; ++piece) {
      may_waste = weir::is_wasteful(piece->owner, piece->size);
    }
    if (!may_waste) return;
    uses_.reserve(queue.count());
    for (SliceQueue::Iterator piece = queue.begin(); piece; ++piece) uses_.push_back({piece->owner, piece->size});
    std::ranges::sort(uses_, std::less(), &Use::owner);
    std::size_t last = 0;
    for (std::size_t i = 1; i < uses_.size(); ++i) {
      if (uses_[i].owner == uses_[last].owner) {
        uses_[last].viewed += uses_[i].viewed;
      } else {
        uses_[++last] = uses_[i];
      }
    }
    if (!uses_.empty()) uses_.resize(last + 1);
  }

  bool is_wasteful(const Piece& piece) const noexcept {
    const auto use = std::ranges::lower_bound(uses_, piece.owner, std::less(), &Use::owner);
    return weir::is_wasteful(use->owner, use->viewed);
  }

  /// Calls `visit(owner, viewed)` for each block that holds much more than is viewed of it.
  template <class Visit>
  void for_each_wasteful(Visit visit) const {
    for (const Use& use : uses_) {
      if (weir::is_wasteful(use.owner, use.viewed)) visit(*use.owner, use.viewed);
    }
  }

 private:
  struct Use {
    const BlockHeader* owner;
    std::size_t viewed;
  };

  std::vector<Use> uses_;
};

}  // namespace

BufferMemory Buffer::memory() const noexcept {
  BufferMemory memory;
  double fair_share = 0;  // a block of 512 B may have a million references
  const BlockHeader* before = nullptr;
  const auto add = [&](const BlockHeader* owner) {
    if (owner == nullptr) return;
    if (owner != before) memory.pinned += footprint(*owner);
    fair_share +=
        static_cast<double>(footprint(*owner)) / static_cast<double>(owner->count.load(std::memory_order_relaxed));
    before = owner;
  };
  for (SliceQueue::Iterator piece = queue_.begin(); piece; ++piece) add(piece->owner);
  add(block_);
  memory.fair_share = static_cast<std::size_t>(fair_share + 0.5);
  return memory;
}

/// Copies the pieces that `must_copy(piece)`, `to_copy` bytes in all, packed, and shares the others.
template <class MustCopy>
void Buffer::push_compacted(const SliceQueue& from, std::size_t to_copy, MustCopy must_copy) {
  const bool is_tiny = to_copy <= BlockHeader::tiny_bytes;
  std::array<std::byte, BlockHeader::tiny_bytes> bytes;
  std::size_t taken = 0;
  if (is_tiny) {
    for (SliceQueue::Iterator piece = from.begin(); piece; ++piece) {
      if (!must_copy(*piece)) continue;
      std::memcpy(bytes.data() + taken, piece->data, piece->size);
      taken += piece->size;
    }
  } else if (!reserve(std::min(to_copy, largest_packing_block))) {
    throw_bad_alloc();
  }
  const Slice packed = Slice::copy_of(Bytes(bytes.data(), taken), pool());
  taken = 0;
  for (SliceQueue::Iterator piece = from.begin(); piece; ++piece) {
    if (!must_copy(*piece)) {
      push_shared_piece(*piece);
    } else if (is_tiny) {
      push_shared_piece(packed.subslice(taken, piece->size).piece_);
      taken += piece->size;
    } else {
      append(Bytes(piece->data, piece->size));
    }
  }
}

void Buffer::compact() {
  const Uses uses(queue_);
  std::size_t to_copy = 0;
  std::size_t held = 0;
  uses.for_each_wasteful([&](const BlockHeader& owner, std::size_t viewed) {
    to_copy += viewed;
    held += footprint(owner);
  });
  DeadBlocks dead;
  Buffer result(pool());
  if (held > footprint_of_copy(to_copy)) {
    result.push_compacted(queue_, to_copy, [&](const Piece& piece) { return uses.is_wasteful(piece); });
    for (SliceQueue::Iterator piece = queue_.begin(); piece; ++piece) dead.let_go(piece->owner);
    queue_.forget();
    queue_.steal(result.queue_);
    result.size_ = 0;
    count_new_slices();
  }
  const bool is_tail_in_use = !is_empty() && queue_.last()->owner == block_;
  if (!is_tail_in_use) set_window(std::exchange(result.block_, nullptr), result.write_, dead);
  open_window();
}

void Slice::compact(Pool& pool) {
  if (!is_wasteful(piece_.owner, piece_.size)) return;
  if (footprint(*piece_.owner) > footprint_of_copy(piece_.size)) *this = copy_of(bytes(), pool);
}

}  // namespace weir
