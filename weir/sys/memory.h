// weir: pages of memory from the system.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

namespace weir::sys {

/// Fresh zeroed pages, aligned to a page; null when there are none. mmap(2)
void* map_pages(std::size_t bytes) noexcept;

/// Gives pages of `map_pages` back, whole. munmap(2)
void unmap_pages(void* pages, std::size_t bytes) noexcept;

/// The memory of the machine. sysconf(3)
std::size_t physical_memory_bytes() noexcept;

}  // namespace weir::sys
