// weir: the stream of choices that a sequence of operations is made of.
// SPDX-License-Identifier: MIT
#include "tests/buffer_model/choices.h"

#include <algorithm>
#include <bit>

namespace weir::buffer_model {

std::uint64_t Choices::below(std::uint64_t limit) {
  const std::uint64_t value = draw(limit) % (limit == 0 ? 1 : limit);
  values_.push_back(value);
  mirror(false, value);
  return value;
}

std::uint64_t Choices::draw(std::uint64_t limit) {
  switch (source_) {
    case Source::chance: return random_.next();
    case Source::bytes: return draw_from_bytes(limit);
    case Source::list: break;
  }
  if (list_.empty()) return 0;
  const std::uint64_t value = list_.front();
  list_ = list_.subspan(1);
  return value;
}

/// As many bytes as the limit needs, so that a fuzzer's small changes are small here.
std::uint64_t Choices::draw_from_bytes(std::uint64_t limit) {
  const auto bits = static_cast<std::size_t>(std::bit_width(limit == 0 ? 0 : limit - 1));
  const std::size_t count = std::min(std::max<std::size_t>((bits + 7) / 8, 1), bytes_.size());
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < count; ++i) value |= static_cast<std::uint64_t>(bytes_[i]) << 8 * i;
  bytes_ = bytes_.subspan(count);
  return value;
}

std::span<const std::uint64_t> Choices::values_of(std::size_t step) const {
  const std::size_t first = steps_[step].first_value;
  const std::size_t end = step + 1 < steps_.size() ? steps_[step + 1].first_value : values_.size();
  return std::span(values_).subspan(first, end - first);
}

}  // namespace weir::buffer_model
