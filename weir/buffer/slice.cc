// weir: an immutable view of bytes that keeps them alive.
// SPDX-License-Identifier: MIT
#include "weir/buffer/slice.h"

#include "weir/base/error.h"
#include "weir/buffer/owned_header.h"
#include "weir/buffer/pool.h"

namespace weir {
namespace {

BlockHeader* checked(BlockHeader* header) {
  if (header == nullptr) throw_bad_alloc();
  return header;
}

}  // namespace

Slice Slice::copy_of(Bytes bytes, Pool& pool) {
  if (bytes.empty()) return {};
  if (bytes.size() <= BlockHeader::tiny_bytes) {
    BlockHeader* header = checked(create_tiny(bytes));
    return Slice(Piece{header->memory, bytes.size(), header});
  }
  Block block = pool.allocate(bytes.size());
  block.append(bytes);
  return std::move(block).freeze();
}

Slice Slice::adopt(std::string&& text) {
  if (text.empty()) return {};
  const std::size_t size = text.size();
  BlockHeader* header = checked(create_owned(std::move(text)));
  return Slice(Piece{header->memory, size, header});
}

Slice Slice::adopt(std::vector<std::byte>&& bytes) {
  if (bytes.empty()) return {};
  const std::size_t size = bytes.size();
  BlockHeader* header = checked(create_owned(std::move(bytes)));
  return Slice(Piece{header->memory, size, header});
}

Slice Slice::foreign(Bytes bytes, Callback<void()>&& release) {
  BlockHeader* header = checked(create_owned(bytes, std::move(release)));
  Slice slice(Piece{bytes.data(), bytes.size(), header});
  if (bytes.empty()) slice = {};  // nothing to view: the memory is released here
  return slice;
}

Block Slice::into_block(Pool& pool) && {
  Block block;
  if (is_empty()) return block;
  if (piece_.owner != nullptr && piece_.owner->pool != nullptr && piece_.owner->is_unique()) {
    const Piece piece = release();
    block.header_ = piece.owner;
    block.read_ = static_cast<std::size_t>(piece.data - piece.owner->memory);
    block.write_ = block.read_ + piece.size;
    return block;
  }
  block = pool.allocate(size());
  block.append(bytes());
  *this = {};
  return block;
}

}  // namespace weir
