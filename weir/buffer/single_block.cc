// weir: blocks that a pool obtains one by one.
// SPDX-License-Identifier: MIT
#include "weir/buffer/single_block.h"

#include <new>

#include "weir/buffer/size_class.h"
#include "weir/sys/memory.h"

namespace weir {
namespace {

std::align_val_t alignment_of(std::size_t capacity) noexcept {
  return std::align_val_t{capacity >= page_bytes ? page_bytes : alignof(BlockHeader)};
}

}  // namespace

BlockHeader* create_single(Pool& pool, std::size_t capacity) noexcept {
  auto* header = new (std::nothrow) BlockHeader;
  if (header == nullptr) return nullptr;
  void* memory = capacity > largest_class_bytes ? sys::map_pages(capacity)
                                                : ::operator new(capacity, alignment_of(capacity), std::nothrow);
  if (memory == nullptr) {
    delete header;
    return nullptr;
  }
  header->memory = static_cast<std::byte*>(memory);
  header->capacity = capacity;
  header->pool = &pool;
  return header;
}

void destroy_single(BlockHeader* header) noexcept {
  if (header->capacity > largest_class_bytes) {
    sys::unmap_pages(header->memory, header->capacity);
  } else {
    ::operator delete(header->memory, alignment_of(header->capacity));
  }
  delete header;
}

}  // namespace weir
