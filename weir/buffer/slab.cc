// weir: a mapping cut into blocks of one size.
// SPDX-License-Identifier: MIT
#include "weir/buffer/slab.h"

#include <algorithm>
#include <memory>
#include <new>

#include "weir/buffer/block_guard.h"
#include "weir/buffer/pool_pages.h"
#include "weir/buffer/size_class.h"

namespace weir {
namespace {

constexpr std::size_t usual_bytes = std::size_t{256} << 10;
constexpr std::size_t most_blocks = 128;

constexpr std::size_t blocks_of(std::uint32_t size_class) {
  return std::clamp<std::size_t>(usual_bytes / size_class_stride(size_class), 1, most_blocks);
}

void touch(std::byte* memory, std::size_t bytes) noexcept {
  for (std::size_t i = 0; i < bytes; i += page_bytes) memory[i] = std::byte{0};
}

}  // namespace

Slab* Slab::create(Pool& pool, std::uint32_t size_class, Pages pages) noexcept {
  const std::size_t count = blocks_of(size_class);
  const std::size_t stride = size_class_stride(size_class);
  void* place =
      ::operator new (sizeof(Slab) + count * sizeof(BlockHeader), std::align_val_t{alignof(Slab)}, std::nothrow);
  if (place == nullptr) return nullptr;
  auto* memory = static_cast<std::byte*>(obtain_pages(pool, count * stride));
  if (memory == nullptr) {
    ::operator delete (place, std::align_val_t{alignof(Slab)});
    return nullptr;
  }
  if (pages == Pages::touched) touch(memory, count * stride);
  Slab* slab = ::new (place) Slab;
  slab->memory = memory;
  slab->blocks = static_cast<std::uint32_t>(count);
  slab->size_class = size_class;
  auto* headers = reinterpret_cast<BlockHeader*>(slab + 1);
  for (std::size_t i = count; i-- > 0;) {
    BlockHeader* header = ::new (static_cast<void*>(headers + i)) BlockHeader;
    header->memory = slab->memory + i * stride;
    header->capacity = size_class_bytes(size_class);
    header->pool = &pool;
    header->slab = slab;
    header->kind = size_class < cached_class_count ? BlockKind::cached : BlockKind::slab;
    header->size_class = static_cast<std::uint8_t>(size_class);
    slab->push(header);
  }
  forbid_access(memory, slab->bytes());
  return slab;
}

void Slab::destroy(Slab* slab) noexcept {
  allow_access(slab->memory, slab->bytes());  // for whoever gets these pages next
  const Pool& pool = *reinterpret_cast<BlockHeader*>(slab + 1)->pool;
  give_pages_back(pool, slab->memory, slab->bytes());
  std::destroy_at(slab);
  ::operator delete (slab, std::align_val_t{alignof(Slab)});
}

std::size_t Slab::bytes() const noexcept { return blocks * size_class_stride(size_class); }

}  // namespace weir
