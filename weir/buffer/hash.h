// weir: hashes of bytes, the same however the bytes are cut.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>

#include "weir/base/bytes.h"
#include "weir/base/export.h"
#include "weir/buffer/buffer.h"
#include "weir/buffer/slice.h"

namespace weir {

/// The hash of bytes that come in pieces.
///
///     ContentHash hash(seed);
///     hash.add(as_bytes("some"));
///     hash.add(as_bytes(" text"));
///     assert(hash.value() == weir::hash(as_bytes("some text"), seed));
///
/// For tables within one process: the value is another one on another kind of machine, and may be in the next version.
/// Where the bytes come from strangers, a random seed that they do not know keeps them from choosing bytes that collide;
/// it is still no cryptographic hash.
class WEIR_API ContentHash {
 public:
  explicit ContentHash(std::uint64_t seed = 0) noexcept;

  void add(Bytes bytes) noexcept;
  /// Of all that was added so far.
  std::uint64_t value() const noexcept;

 private:
  static constexpr std::size_t step = 16;

  std::uint64_t state_;
  std::uint64_t key_;  ///< of the seed, as `state_` is: no byte can be chosen to meet it
  std::uint64_t size_ = 0;
  std::array<std::byte, step> pending_;  ///< the last `size_ % step` bytes
};

/// The hash of bytes in one piece; Buffer::hash gives the same for the same bytes.
WEIR_API std::uint64_t hash(Bytes bytes, std::uint64_t seed = 0) noexcept;

}  // namespace weir

template <>
struct std::hash<weir::Buffer> {
  std::size_t operator()(const weir::Buffer& buffer) const noexcept { return buffer.hash(); }
};

template <>
struct std::hash<weir::Slice> {
  std::size_t operator()(const weir::Slice& slice) const noexcept { return weir::hash(slice.bytes()); }
};
