// weir: blocks that a pool obtains one by one; internal.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

#include "weir/buffer/block_header.h"

namespace weir {

/// A header and memory of its own: pages beyond the classes, else from the allocator. Null when there is no memory.
BlockHeader* create_single(Pool& pool, std::size_t capacity) noexcept;
void destroy_single(BlockHeader* header) noexcept;

}  // namespace weir
