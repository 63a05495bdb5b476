// weir: an endless sequence of bytes that load is made of and checked against.
// SPDX-License-Identifier: MIT
#include "weir/cli/pattern.h"

#include <algorithm>
#include <cstring>
#include <random>

namespace weir::cli {

Pattern::Pattern() : bytes_(3 * period) {
  std::minstd_rand random(1);
  for (std::size_t i = 0; i < bytes_.size(); ++i) {
    bytes_[i] = i < period ? static_cast<std::byte>(random() >> 8) : bytes_[i - period];
  }
}

Bytes Pattern::at(std::uint64_t position, std::size_t count) const noexcept {
  const Bytes from_there = Bytes(bytes_).subspan(position % period);
  return from_there.first(std::min(count, from_there.size()));
}

bool Pattern::has(std::uint64_t position, Bytes bytes) const noexcept {
  while (!bytes.empty()) {
    const Bytes wanted = at(position, bytes.size());
    if (std::memcmp(wanted.data(), bytes.data(), wanted.size()) != 0) return false;
    bytes = bytes.subspan(wanted.size());
    position += wanted.size();
  }
  return true;
}

}  // namespace weir::cli
