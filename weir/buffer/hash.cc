// weir: hashes of bytes, the same however the bytes are cut.
// SPDX-License-Identifier: MIT
#include "weir/buffer/hash.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "weir/buffer/copy.h"

namespace weir {
namespace {

// Odd numbers without a pattern: the fractions of the square roots of 2, 3 and 5.
constexpr std::uint64_t first_salt = 0x6A09E667F3BCC909;
constexpr std::uint64_t second_salt = 0xBB67AE8584CAA73B;
constexpr std::uint64_t third_salt = 0x3C6EF372FE94F82B;

/// Both halves of the product, so that every bit of each factor reaches the whole of it.
std::uint64_t fold_product(std::uint64_t left, std::uint64_t right) noexcept {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(left) * right;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

/// Takes in sixteen bytes. A product with zero forgets its other factor; what is added keeps the state, and what was
/// before it, even then.
std::uint64_t mix(std::uint64_t state, std::uint64_t key, const std::byte* from) noexcept {
  std::uint64_t words[2];
  std::memcpy(words, from, sizeof words);
  return fold_product(state ^ words[0], key ^ words[1]) + std::rotl(state + words[0], 29);
}

}  // namespace

ContentHash::ContentHash(std::uint64_t seed) noexcept
    : state_(fold_product(seed ^ first_salt, second_salt)),
      key_(fold_product(seed ^ second_salt, third_salt)) {}

void ContentHash::add(Bytes bytes) noexcept {
  const std::size_t pending = size_ % step;
  size_ += bytes.size();
  if (pending != 0) {
    const std::size_t count = std::min(bytes.size(), step - pending);
    copy_bytes(pending_.data() + pending, bytes.data(), count);
    bytes = bytes.subspan(count);
    if (pending + count < step) return;
    state_ = mix(state_, key_, pending_.data());
  }
  std::uint64_t state = state_;
  for (; bytes.size() >= step; bytes = bytes.subspan(step)) state = mix(state, key_, bytes.data());
  state_ = state;
  copy_bytes(pending_.data(), bytes.data(), bytes.size());
}

std::uint64_t ContentHash::value() const noexcept {
  std::array<std::byte, step> rest{};
  copy_bytes(rest.data(), pending_.data(), size_ % step);
  const std::uint64_t mixed = mix(state_ ^ size_ * first_salt, key_, rest.data());
  return fold_product(mixed ^ third_salt, std::rotl(mixed, 32) ^ key_ ^ second_salt);
}

std::uint64_t hash(Bytes bytes, std::uint64_t seed) noexcept {
  ContentHash hash(seed);
  hash.add(bytes);
  return hash.value();
}

}  // namespace weir
