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

/// Headers with a count of 1 that own the argument, which is untouched when the result is null: no memory. The capacity of
/// a header is the container's, so it may be more than its size.
BlockHeader* create_owned(std::string&& text) noexcept;
BlockHeader* create_owned(std::vector<std::byte>&& bytes) noexcept;
BlockHeader* create_owned(Bytes bytes, Callback<void()>&& release) noexcept;

/// A file to be closed at the end, or not.
struct OwnedFile {
  int descriptor;
  bool is_closed;
};
/// The same for a file. The header counts atomically from the start: a file is shared by threads more often than not, and a
/// system call away in any case.
BlockHeader* create_owned(OwnedFile file, Callback<void()>&& release) noexcept;
/// Requires a header of the kind `file`.
OwnedFile owned_file(const BlockHeader& header) noexcept;

/// Ends what the header owns: closes the file, calls the release callback, or destroys the string or vector.
void destroy_owned(BlockHeader* header) noexcept;

}  // namespace weir
