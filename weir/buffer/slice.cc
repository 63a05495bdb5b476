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
  Block block = pool.allocate(bytes.size());
  block.append(bytes);
  return std::move(block).freeze();
}

Slice Slice::adopt(std::string&& text) {
  if (text.empty()) return {};
  BlockHeader* header = checked(create_owned(std::move(text)));
  return Slice(Piece{header->memory, header->capacity, header});
}

Slice Slice::adopt(std::vector<std::byte>&& bytes) {
  if (bytes.empty()) return {};
  BlockHeader* header = checked(create_owned(std::move(bytes)));
  return Slice(Piece{header->memory, header->capacity, header});
}

Slice Slice::foreign(Bytes bytes, Callback<void()>&& release) {
  BlockHeader* header = checked(create_owned(bytes, std::move(release)));
  Slice slice(Piece{bytes.data(), bytes.size(), header});
  if (bytes.empty()) slice = {};  // nothing to view: the memory is released here
  return slice;
}

}  // namespace weir
