// weir: pages of memory from the system.
// SPDX-License-Identifier: MIT
#include "weir/sys/memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

#include "weir/base/error.h"

namespace weir::sys {

void* map_pages(std::size_t bytes) noexcept {
  void* pages = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return pages == MAP_FAILED ? nullptr : pages;
}

void* map_twice(std::size_t bytes, std::error_code& error) noexcept {
  const int file = ::memfd_create("weir-ring", MFD_CLOEXEC);
  void* both = MAP_FAILED;
  if (file >= 0 && ::ftruncate(file, static_cast<off_t>(bytes)) == 0) {
    both = ::mmap(nullptr, 2 * bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);  // the place for both
  }
  void* first = both;
  void* second = both;
  if (both != MAP_FAILED) {
    first = ::mmap(both, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0);
    second = ::mmap(static_cast<char*>(both) + bytes, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0);
  }
  const bool failed = both == MAP_FAILED || first == MAP_FAILED || second == MAP_FAILED;
  if (failed) error = system_error(errno);
  if (file >= 0) ::close(file);
  if (!failed) return both;
  if (both != MAP_FAILED) ::munmap(both, 2 * bytes);
  return nullptr;
}

std::size_t page_bytes() noexcept { return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)); }

void unmap_pages(void* pages, std::size_t bytes) noexcept { ::munmap(pages, bytes); }

std::size_t physical_memory_bytes() noexcept {
  return static_cast<std::size_t>(::sysconf(_SC_PHYS_PAGES)) * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace weir::sys
