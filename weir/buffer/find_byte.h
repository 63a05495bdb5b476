// weir: the first byte of a kind in contiguous memory; internal.
// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "weir/base/bytes.h"
#include "weir/buffer/search.h"

namespace weir {

/// Null when it is not there. Requires that `run` is not empty.
inline const std::byte* find_byte(Bytes run, std::byte wanted) noexcept {
  return static_cast<const std::byte*>(std::memchr(run.data(), static_cast<int>(wanted), run.size()));
}

/// Sixteen bytes that are compared at once.
class ByteVector {
 public:
  static constexpr std::size_t size = 16;

  static ByteVector load(const std::byte* from) noexcept {
    ByteVector vector;
    std::memcpy(&vector.bytes_, from, size);
    return vector;
  }
  static ByteVector repeat(std::byte byte) noexcept {
    ByteVector vector;
    vector.bytes_ = Lanes{} + static_cast<std::uint8_t>(byte);
    return vector;
  }

  /// A byte of ones wherever both have the same, else zeros.
  ByteVector equal(const ByteVector& other) const noexcept {
    ByteVector result;
    result.bytes_ = reinterpret_cast<Lanes>(bytes_ == other.bytes_);
    return result;
  }
  ByteVector operator|(const ByteVector& other) const noexcept {
    ByteVector result;
    result.bytes_ = bytes_ | other.bytes_;
    return result;
  }

  /// The index of the first byte that is not zero; `size` when all are.
  std::size_t first_set() const noexcept {
    std::uint64_t halves[2];
    std::memcpy(halves, &bytes_, size);
    if (halves[0] != 0) return first_byte(halves[0]);
    return halves[1] != 0 ? 8 + first_byte(halves[1]) : size;
  }

 private:
  using Lanes = std::uint8_t __attribute__((vector_size(size)));

  /// In the order of addresses.
  static std::size_t first_byte(std::uint64_t half) noexcept {
    const int bit = std::endian::native == std::endian::little ? std::countr_zero(half) : std::countl_zero(half);
    return static_cast<std::size_t>(bit) / 8;
  }

  Lanes bytes_;
};

/// As `find_any`, sixteen bytes at a time. Requires a set of 1 to 4 bytes, and at least sixteen bytes to search.
inline const std::byte* find_any_of_few(Bytes run, Bytes few) noexcept {
  ByteVector wanted[4];
  for (std::size_t i = 0; i < 4; ++i) wanted[i] = ByteVector::repeat(few[i < few.size() ? i : 0]);
  const std::byte* const last = run.data() + run.size() - ByteVector::size;
  for (const std::byte* at = run.data();; at += ByteVector::size) {
    if (at > last) at = last;  // over bytes that were searched already
    const ByteVector bytes = ByteVector::load(at);
    const ByteVector hits =
        bytes.equal(wanted[0]) | bytes.equal(wanted[1]) | (bytes.equal(wanted[2]) | bytes.equal(wanted[3]));
    const std::size_t hit = hits.first_set();
    if (hit != ByteVector::size) return at + hit;
    if (at == last) return nullptr;
  }
}

/// The first byte that is in the set; null when there is none.
inline const std::byte* find_any(Bytes run, const ByteSet& wanted) noexcept {
  if (const Bytes few = wanted.few(); !few.empty() && run.size() >= ByteVector::size) {
    return find_any_of_few(run, few);
  }
  for (const std::byte& byte : run) {
    if (wanted.has(byte)) return &byte;
  }
  return nullptr;
}

}  // namespace weir
