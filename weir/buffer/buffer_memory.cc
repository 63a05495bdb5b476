// weir: how much memory a buffer keeps alive, and making it less.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

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

/// A run of neighbouring pieces of one block.
struct Run {
  const BlockHeader* owner = nullptr;
  std::size_t size = 0;

  bool is_wasteful() const noexcept { return owner != nullptr && footprint(*owner) / most_waste > size; }
};

/// Calls `visit(first piece, run)` for every run.
template <class Visit>
void visit_runs(const SliceQueue& queue, Visit visit) {
  for (SliceQueue::Iterator piece = queue.begin(); piece;) {
    const SliceQueue::Iterator first = piece;
    Run run{.owner = piece->owner};
    for (; piece && piece->owner == run.owner; ++piece) run.size += piece->size;
    visit(first, run);
  }
}

/// The bytes of all wasteful runs, which are at most `tiny_bytes`, in one piece. Throws std::bad_alloc.
Slice pack_tiny(const SliceQueue& queue, Pool& pool) {
  std::array<std::byte, BlockHeader::tiny_bytes> packed;
  std::size_t size = 0;
  visit_runs(queue, [&](SliceQueue::Iterator piece, const Run& run) {
    if (!run.is_wasteful()) return;
    for (std::size_t left = run.size; left != 0; left -= piece->size, ++piece) {
      std::memcpy(packed.data() + size, piece->data, piece->size);
      size += piece->size;
    }
  });
  return Slice::copy_of({packed.data(), size}, pool);
}

}  // namespace

BufferMemory Buffer::memory() const noexcept {
  BufferMemory memory;
  const BlockHeader* before = nullptr;
  const auto add = [&](const BlockHeader* owner) {
    if (owner == nullptr) return;
    if (owner != before) memory.pinned += footprint(*owner);
    memory.fair_share += footprint(*owner) / owner->count.load(std::memory_order_relaxed);
    before = owner;
  };
  for (SliceQueue::Iterator piece = queue_.begin(); piece; ++piece) add(piece->owner);
  add(block_);
  return memory;
}

/// Copies every piece of a wasteful run, packed, and shares the others.
void Buffer::push_compacted(const SliceQueue& from, std::size_t to_copy) {
  Slice packed;
  if (to_copy <= BlockHeader::tiny_bytes) {
    packed = pack_tiny(from, pool());
  } else if (!reserve(std::min(to_copy, largest_packing_block))) {
    throw_bad_alloc();
  }
  std::size_t taken = 0;
  visit_runs(from, [&](SliceQueue::Iterator piece, const Run& run) {
    for (std::size_t left = run.size; left != 0; left -= piece->size, ++piece) {
      if (!run.is_wasteful()) {
        push_shared_piece(*piece);
      } else if (packed.is_empty()) {
        append(Bytes(piece->data, piece->size));
      } else {
        const Slice part = packed.subslice(taken, piece->size);
        push_shared_piece(part.piece_);
        taken += piece->size;
      }
    }
  });
}

void Buffer::compact() {
  DeadBlocks dead;
  std::size_t to_copy = 0;
  std::size_t held = 0;
  visit_runs(queue_, [&](SliceQueue::Iterator, const Run& run) {
    if (!run.is_wasteful()) return;
    to_copy += run.size;
    held += footprint(*run.owner);
  });
  Buffer result(pool());
  if (held > footprint_of_copy(to_copy)) {
    result.push_compacted(queue_, to_copy);
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
  const Run run{.owner = piece_.owner, .size = piece_.size};
  if (run.is_wasteful() && footprint(*run.owner) > footprint_of_copy(run.size)) *this = copy_of(bytes(), pool);
}

}  // namespace weir
