// weir: headers of memory that the program brought along.
// SPDX-License-Identifier: MIT
#include "weir/buffer/owned_header.h"

#include <cassert>
#include <cstring>
#include <memory>
#include <new>
#include <utility>

#include "weir/buffer/block_guard.h"
#include "weir/buffer/spare_memory.h"
#include "weir/sys/descriptor.h"

namespace weir {
namespace {

struct OwnedHeader : BlockHeader {
  OwnedHeader() noexcept {}
  ~OwnedHeader() {}

  struct File {
    OwnedFile file;
    Callback<void()> release;
  };

  union {
    Callback<void()> release;
    File file;
    std::string text;
    std::vector<std::byte> bytes;
    std::byte tiny[BlockHeader::tiny_bytes];
  };
};
static_assert(sizeof(OwnedHeader) == 128);

using Memory = SpareMemory<OwnedHeader, 64>;

OwnedHeader* create(BlockKind kind) noexcept {
  void* memory = Memory::take();
  if (memory == nullptr) return nullptr;
  auto* header = ::new (memory) OwnedHeader;
  header->kind = kind;
  if constexpr (are_blocks_guarded) header->use = BlockUse::live;
  header->count.store(1, std::memory_order_relaxed);
  return header;
}

void describe(BlockHeader& header, Bytes memory) noexcept {
  header.memory = const_cast<std::byte*>(memory.data());  // never written to: no buffer's window is on owned memory
  header.capacity = memory.size();
}

/// What lies behind its size is kept alive as well, and counts as memory; no slice views it.
template <class Container>
Bytes whole_memory(const Container& container) noexcept {
  return {reinterpret_cast<const std::byte*>(container.data()), container.capacity()};
}

}  // namespace

BlockHeader* create_tiny(Bytes bytes) noexcept {
  OwnedHeader* header = create(BlockKind::tiny);
  if (header == nullptr) return nullptr;
  std::memcpy(header->tiny, bytes.data(), bytes.size());
  describe(*header, {header->tiny, bytes.size()});
  return header;
}

BlockHeader* create_owned(std::string&& text) noexcept {
  OwnedHeader* header = create(BlockKind::string);
  if (header == nullptr) return nullptr;
  ::new (&header->text) std::string(std::move(text));
  text.clear();
  describe(*header, whole_memory(header->text));
  return header;
}

BlockHeader* create_owned(std::vector<std::byte>&& bytes) noexcept {
  OwnedHeader* header = create(BlockKind::vector);
  if (header == nullptr) return nullptr;
  ::new (&header->bytes) std::vector<std::byte>(std::move(bytes));
  bytes.clear();
  describe(*header, whole_memory(header->bytes));
  return header;
}

BlockHeader* create_owned(Bytes bytes, Callback<void()>&& release) noexcept {
  OwnedHeader* header = create(BlockKind::foreign);
  if (header == nullptr) return nullptr;
  ::new (&header->release) Callback<void()>(std::move(release));
  describe(*header, bytes);
  return header;
}

BlockHeader* create_owned(OwnedFile file, Callback<void()>&& release) noexcept {
  OwnedHeader* header = create(BlockKind::file);
  if (header == nullptr) return nullptr;
  ::new (&header->file) OwnedHeader::File{file, std::move(release)};
  header->make_shared_between_threads();
  return header;
}

OwnedFile owned_file(const BlockHeader& header) noexcept {
  assert(header.kind == BlockKind::file);
  return static_cast<const OwnedHeader&>(header).file.file;
}

void destroy_owned(BlockHeader* header) noexcept {
  auto* owned = static_cast<OwnedHeader*>(header);
  if (owned->kind == BlockKind::foreign) {
    if (owned->release) owned->release();
    std::destroy_at(&owned->release);
  } else if (owned->kind == BlockKind::file) {
    if (owned->file.file.is_closed) sys::close_descriptor(owned->file.file.descriptor);
    if (owned->file.release) owned->file.release();
    std::destroy_at(&owned->file);
  } else if (owned->kind == BlockKind::string) {
    std::destroy_at(&owned->text);
  } else if (owned->kind == BlockKind::vector) {
    std::destroy_at(&owned->bytes);
  }
  std::destroy_at(owned);
  Memory::give(owned);
}

}  // namespace weir
