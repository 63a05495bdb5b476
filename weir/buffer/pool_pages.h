// weir: whole pages for a pool, from the system or from the source that it was given; internal.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

#include "weir/buffer/pool.h"
#include "weir/buffer/size_class.h"
#include "weir/sys/memory.h"

namespace weir {

inline std::size_t whole_pages(std::size_t bytes) noexcept {
  return (bytes + page_bytes - 1) / page_bytes * page_bytes;
}

/// At least `bytes`, aligned to a page; null when there are none.
inline void* obtain_pages(const Pool& pool, std::size_t bytes) noexcept {
  MemorySource* source = pool.memory_source();
  return source == nullptr ? sys::map_pages(bytes) : source->obtain(whole_pages(bytes));
}

inline void give_pages_back(const Pool& pool, void* pages, std::size_t bytes) noexcept {
  if (MemorySource* source = pool.memory_source(); source == nullptr) {
    sys::unmap_pages(pages, bytes);
  } else {
    source->give_back(pages, whole_pages(bytes));
  }
}

}  // namespace weir
