// weir: an immutable view of bytes that keeps them alive.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "weir/base/bytes.h"
#include "weir/base/callback.h"
#include "weir/base/expects.h"
#include "weir/base/export.h"
#include "weir/buffer/block.h"
#include "weir/buffer/block_header.h"

namespace weir {

class Pool;

/// The fields of a slice without its counting: what buffers store and move about. Internal.
struct Piece {
  const std::byte* data;
  std::size_t size;
  BlockHeader* owner;  ///< null: static memory

  const std::byte* end() const noexcept { return data + size; }
};
static_assert(std::is_trivially_copyable_v<Piece> && sizeof(Piece) == 24);

/// Set in the address of every byte of a file, and in none of memory: processors that weir runs on have user addresses of at
/// most 57 bits. (Tagged pointers, as HWAddressSanitizer's on arm64, would be taken for files.)
inline constexpr std::uintptr_t file_bit = std::uintptr_t{1} << 62;

/// False when the bytes of the piece are a file's: `data` then tells where in the file, by an address that no memory has. It
/// can be moved and cut as any other, and must not be read through.
inline bool is_in_memory(const Piece& piece) noexcept {
  return (reinterpret_cast<std::uintptr_t>(piece.data) & file_bit) == 0;
}

/// The address that stands for a byte of a file.
inline const std::byte* place_in_file(std::uint64_t offset) noexcept {
  return reinterpret_cast<const std::byte*>(file_bit | offset);
}

/// Where in its file the piece begins. Requires that it is not in memory.
inline std::uint64_t offset_in_file(const Piece& piece) noexcept {
  return reinterpret_cast<std::uintptr_t>(piece.data) & ~file_bit;
}

/// A copy made word by word. Pieces are copied right after their words were stored; a compiler left alone loads two of
/// them at once, which stalls until both stores have reached the cache.
inline Piece copy_words(const Piece& piece) noexcept {
  const std::byte* data = piece.data;
  std::size_t size = piece.size;
  asm("" : "+r"(data), "+r"(size));
  return {data, size, piece.owner};
}

/// Bytes that do not change, and the promise that they stay.
///
///     Slice page = Slice::copy_of(bytes, pool);
///     first.append(page);                        // both buffers view the same memory
///     second.append(page.subslice(0, 100));
///
/// Memory of any kind looks the same: a pool block, an adopted std::string or std::vector<std::byte>, foreign memory
/// with a release callback, static memory. Copying and cutting is O(1) and touches one counter.
///
/// Lifetime: what it views lives until the last slice of it, in whatever buffer, is gone.
/// Threads:  one thread, together with every other slice of the same memory; a TransferBuffer crosses. Debug builds end a
///           process in which another thread than before counts memory that has several slices, also after a join.
class WEIR_API Slice {
 public:
  Slice() noexcept = default;
  Slice(const Slice& other) noexcept : piece_(copy_words(other.piece_)) { hold_block(piece_.owner); }
  Slice(Slice&& other) noexcept : piece_(other.release()) {}
  Slice& operator=(const Slice& other) noexcept { return *this = Slice(other); }
  Slice& operator=(Slice&& other) noexcept {
    const Piece taken = other.release();
    const Slice old(release());  // let go when all is in order
    piece_ = taken;
    return *this;
  }
  ~Slice() { let_go_block(piece_.owner); }

  /// A copy of `bytes` in a block of `pool`; up to 64 bytes lie beside their header instead. Throws std::bad_alloc.
  static Slice copy_of(Bytes bytes, Pool& pool);

  /// Memory that outlives every slice of it, such as a string literal.
  static Slice from_static(Bytes bytes) noexcept { return Slice(Piece{bytes.data(), bytes.size(), nullptr}); }
  static Slice from_static(std::string_view text) noexcept { return from_static(as_bytes(text)); }

  /// Takes the argument over without copying. Throws std::bad_alloc; the argument is then unchanged.
  static Slice adopt(std::string&& text);
  static Slice adopt(std::vector<std::byte>&& bytes);

  /// Memory of the program's. `release` is called exactly once, when the last slice is gone, on the thread that lets it
  /// go; it must not throw, and may use or destroy any buffer. With no bytes it is called at once.
  /// Throws std::bad_alloc; `release` is then neither called nor taken.
  static Slice foreign(Bytes bytes, Callback<void()>&& release);

  const std::byte* data() const noexcept { return piece_.data; }
  std::size_t size() const noexcept { return piece_.size; }
  bool is_empty() const noexcept { return piece_.size == 0; }
  Bytes bytes() const noexcept { return {piece_.data, piece_.size}; }

  /// Equal when the bytes are.
  friend bool operator==(const Slice& left, const Slice& right) noexcept {
    return as_text(left.bytes()) == as_text(right.bytes());
  }

  /// `count` bytes from `offset` on, sharing the memory. Requires `offset + count <= size()`.
  Slice subslice(std::size_t offset, std::size_t count) const {
    expects(offset <= size() && count <= size() - offset);
    if (count == 0) return {};
    hold_block(piece_.owner);
    return Slice(Piece{piece_.data + offset, count, piece_.owner});
  }

  /// Copies what it views if that is less than a quarter of the memory it keeps alive, and a copy takes less; lets that go. A slice kept for
  /// long of something received does well to. Throws std::bad_alloc; it is then unchanged.
  void compact(Pool& pool);

  /// The bytes as a block that can be written to: the very same memory when it is a pool's and nothing else views it,
  /// else a copy in a block of `pool`. This slice is empty afterwards. Throws std::bad_alloc; it is then unchanged.
  Block into_block(Pool& pool) &&;

 private:
  friend class Block;
  friend class Buffer;
  friend class Cursor;
  friend class ReceiveBlock;

  /// Takes over the reference that `piece` stands for.
  explicit Slice(Piece piece) noexcept : piece_(piece) {}

  Piece release() noexcept {
    const Piece piece = copy_words(piece_);
    piece_ = {};
    return piece;
  }

  Piece piece_{};
};
static_assert(std::is_standard_layout_v<Slice> && sizeof(Slice) == sizeof(Piece));  // SliceRange views one as the other

inline Slice Block::freeze() && noexcept {
  Block block(std::move(*this));
  if (block.is_empty()) return {};
  const Bytes unread = block.bytes();
  return Slice(Piece{unread.data(), unread.size(), std::exchange(block.header_, nullptr)});
}

}  // namespace weir
