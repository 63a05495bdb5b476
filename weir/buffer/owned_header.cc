// weir: headers of memory that the program brought along.
// SPDX-License-Identifier: MIT
#include "weir/buffer/owned_header.h"

#include <memory>
#include <new>
#include <utility>

namespace weir {
namespace {

#ifdef WEIR_SANITIZED
constexpr std::size_t most_spares = 0;
#else
constexpr std::size_t most_spares = 64;  // per thread
#endif

struct OwnedHeader : BlockHeader {
  OwnedHeader() noexcept {}
  ~OwnedHeader() {}

  union {
    Callback<void()> release;
    std::string text;
    std::vector<std::byte> bytes;
  };
};

/// Memory of ended headers, linked through its first word.
struct Spare {
  Spare* next;
};

[[gnu::tls_model("initial-exec")]] constinit thread_local Spare* spares = nullptr;
[[gnu::tls_model("initial-exec")]] constinit thread_local std::size_t spare_count = 0;
[[gnu::tls_model("initial-exec")]] constinit thread_local bool may_keep_spares = false;

/// Ends the thread's spares with the thread.
struct SparesEnd {
  SparesEnd() noexcept { may_keep_spares = true; }
  ~SparesEnd() {
    may_keep_spares = false;
    while (spares != nullptr) {
      ::operator delete(std::exchange(spares, spares->next), std::align_val_t{alignof(OwnedHeader)});
    }
    spare_count = 0;
  }
};

void* take_memory() noexcept {
  if (spares != nullptr) {
    --spare_count;
    return std::exchange(spares, spares->next);
  }
  return ::operator new(sizeof(OwnedHeader), std::align_val_t{alignof(OwnedHeader)}, std::nothrow);
}

void give_memory(void* memory) noexcept {
  static thread_local SparesEnd end;
  if (!may_keep_spares || spare_count >= most_spares) {
    ::operator delete(memory, std::align_val_t{alignof(OwnedHeader)});
    return;
  }
  spares = ::new (memory) Spare{spares};
  ++spare_count;
}

OwnedHeader* create(BlockKind kind) noexcept {
  void* memory = take_memory();
  if (memory == nullptr) return nullptr;
  auto* header = ::new (memory) OwnedHeader;
  header->kind = kind;
  header->count.store(1, std::memory_order_relaxed);
  return header;
}

void describe(BlockHeader& header, Bytes bytes) noexcept {
  header.memory = const_cast<std::byte*>(bytes.data());  // never written to: no buffer's window is on owned memory
  header.capacity = bytes.size();
}

}  // namespace

BlockHeader* create_owned(std::string&& text) noexcept {
  OwnedHeader* header = create(BlockKind::string);
  if (header == nullptr) return nullptr;
  ::new (&header->text) std::string(std::move(text));
  text.clear();
  describe(*header, as_bytes(header->text));
  return header;
}

BlockHeader* create_owned(std::vector<std::byte>&& bytes) noexcept {
  OwnedHeader* header = create(BlockKind::vector);
  if (header == nullptr) return nullptr;
  ::new (&header->bytes) std::vector<std::byte>(std::move(bytes));
  bytes.clear();
  describe(*header, header->bytes);
  return header;
}

BlockHeader* create_owned(Bytes bytes, Callback<void()>&& release) noexcept {
  OwnedHeader* header = create(BlockKind::foreign);
  if (header == nullptr) return nullptr;
  ::new (&header->release) Callback<void()>(std::move(release));
  describe(*header, bytes);
  return header;
}

void destroy_owned(BlockHeader* header) noexcept {
  auto* owned = static_cast<OwnedHeader*>(header);
  const BlockKind kind = owned->kind;
  if (kind == BlockKind::foreign) {
    Callback<void()> release = std::move(owned->release);
    std::destroy_at(&owned->release);
    std::destroy_at(owned);
    give_memory(owned);
    if (release) release();
    return;
  }
  if (kind == BlockKind::string) {
    std::destroy_at(&owned->text);
  } else {
    std::destroy_at(&owned->bytes);
  }
  std::destroy_at(owned);
  give_memory(owned);
}

}  // namespace weir
