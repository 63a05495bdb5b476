// weir: blocks that a pool obtains one by one.
// SPDX-License-Identifier: MIT
#include "weir/buffer/single_block.h"

#include <new>

#include "weir/buffer/pool_pages.h"
#include "weir/buffer/size_class.h"

namespace weir {
namespace {

/// Small ones come from the allocator, where a sanitizer watches their ends.
bool has_pages(const Pool& pool, std::size_t capacity) noexcept {
  return capacity > largest_class_bytes || pool.memory_source() != nullptr;
}

std::align_val_t alignment_of(std::size_t capacity) noexcept {
  return std::align_val_t{capacity >= page_bytes ? page_bytes : alignof(BlockHeader)};
}

}  // namespace

BlockHeader* create_single(Pool& pool, std::size_t capacity) noexcept {
  auto* header = new (std::nothrow) BlockHeader;
  if (header == nullptr) return nullptr;
  void* memory = has_pages(pool, capacity) ? obtain_pages(pool, capacity)
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
  if (has_pages(*header->pool, header->capacity)) {
    give_pages_back(*header->pool, header->memory, header->capacity);
  } else {
    ::operator delete(header->memory, alignment_of(header->capacity));
  }
  delete header;
}

}  // namespace weir
