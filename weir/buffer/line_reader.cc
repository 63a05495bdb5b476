// weir: lines out of a buffer.
// SPDX-License-Identifier: MIT
#include "weir/buffer/line_reader.h"

#include <utility>

namespace weir {
namespace {

std::byte byte_at(const Buffer& buffer, std::size_t offset) {
  const Bytes front = buffer.front();
  if (offset < front.size()) return front[offset];
  std::byte byte{};
  buffer.copy_to({&byte, 1}, offset);
  return byte;
}

}  // namespace

Result<std::optional<LineExtent>> LineReader::find(Buffer& input) noexcept {
  constexpr std::size_t longest_end = 2;
  const std::size_t within = limit_ > unlimited - longest_end ? unlimited : limit_ + longest_end;
  const Found found = input.find(std::byte{'\n'}, position_, {.within = within});
  if (found.error()) return found.error();
  if (!found) {
    const std::size_t size = input.size();
    const bool is_over = size > limit_ && (size - limit_ > 1 || byte_at(input, limit_) != std::byte{'\r'});
    if (is_over) return errc::limit;
    return std::optional<LineExtent>();
  }
  LineExtent extent{.size = *found, .end_size = 1};
  if (extent.size != 0 && byte_at(input, extent.size - 1) == std::byte{'\r'}) {
    --extent.size;
    ++extent.end_size;
  }
  if (extent.size > limit_) return errc::limit;
  return std::optional(extent);
}

Result<std::optional<Line>> LineReader::next(Buffer& input) {
  const Result<std::optional<LineExtent>> extent = find(input);
  if (!extent) return extent.error();
  if (!*extent) return std::optional<Line>();
  return std::optional<Line>(Line{input.take((*extent)->total()), **extent});
}

}  // namespace weir
