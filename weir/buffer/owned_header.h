// weir: headers of memory that the program brought along; internal.
// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "weir/base/bytes.h"
#include "weir/base/callback.h"
#include "weir/buffer/block_header.h"

namespace weir {

/// A header with a count of 1 and a copy of at most `BlockHeader::tiny_bytes` bytes. Null: no memory.
BlockHeader* create_tiny(Bytes bytes) noexcept;

/// Headers with a count of 1 that own the argument, which is untouched when the result is null: no memory.
BlockHeader* create_owned(std::string&& text) noexcept;
BlockHeader* create_owned(std::vector<std::byte>&& bytes) noexcept;
BlockHeader* create_owned(Bytes bytes, Callback<void()>&& release) noexcept;

/// Ends what the header owns: calls the release callback, or destroys the string or vector.
void destroy_owned(BlockHeader* header) noexcept;

}  // namespace weir
