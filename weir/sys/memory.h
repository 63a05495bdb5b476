// weir: pages of memory from the system.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <system_error>

namespace weir::sys {

/// Fresh zeroed pages, aligned to a page; null when there are none. mmap(2)
void* map_pages(std::size_t bytes) noexcept;

/// `bytes` bytes of pages, mapped twice in a row: what is written at an offset is also seen `bytes` behind it. Requires a
/// multiple of `page_bytes()`. Null, and `error`, when that fails. memfd_create(2)
void* map_twice(std::size_t bytes, std::error_code& error) noexcept;

/// The size of a page. sysconf(3)
std::size_t page_bytes() noexcept;

/// Gives pages of `map_pages` or `map_twice` back, whole. munmap(2)
void unmap_pages(void* pages, std::size_t bytes) noexcept;

/// The memory of the machine. sysconf(3)
std::size_t physical_memory_bytes() noexcept;

}  // namespace weir::sys
