// weir: messages out of a buffer: up to a delimiter, or behind their length.
// SPDX-License-Identifier: MIT
#include "weir/buffer/frame_reader.h"

#include <algorithm>

#include "weir/buffer/cursor.h"

namespace weir {

Result<std::optional<Buffer>> DelimiterReader::next(Buffer& input) {
  Result<std::optional<Buffer>> frame{std::optional<Buffer>()};  // the only thing returned, so that it is never moved
  const Found end = input.find(delimiter_, position_, {.within = longest_frame()});
  if (end) {
    input.take_to(frame->emplace(), *end, end.size());
  } else if (end.error()) {
    frame = end.error();
  } else if (input.size() >= longest_frame()) {
    frame = errc::limit;
  }
  return frame;
}

Result<LengthReader::Extent> LengthReader::extent(const Buffer& input) const noexcept {
  Cursor cursor(input);
  std::optional<std::uint64_t> told;
  if (format_.bytes == LengthFormat::varint) {
    const Result<std::optional<std::uint64_t>> read = cursor.read_varint();
    if (!read) return read.error();
    told = *read;
  } else {
    told = cursor.read_unsigned(format_.bytes, format_.order);
  }
  if (!told) {
    const bool is_in_file = cursor.left() >= format_.longest_prefix() || input.memory_size() != input.size();
    if (is_in_file) return errc::not_in_memory;
    return Extent{};
  }
  std::uint64_t length = *told;
  const std::size_t prefix = cursor.position();
  if (format_.counts_prefix) {
    if (length < prefix) return std::make_error_code(std::errc::bad_message);
    length -= prefix;
  }
  if (length > format_.limit) return errc::limit;
  return Extent{.prefix = prefix, .payload = static_cast<std::size_t>(length)};
}

Result<std::size_t> LengthReader::needed(const Buffer& input) const noexcept {
  const Result<Extent> next = extent(input);
  if (!next) return next.error();
  if (next->prefix != 0) return next->prefix + std::min(next->payload, unlimited - next->prefix);
  return format_.bytes == LengthFormat::varint ? input.size() + 1 : format_.bytes;
}

Result<std::optional<Buffer>> LengthReader::next(Buffer& input) const {
  Result<std::optional<Buffer>> frame{std::optional<Buffer>()};  // as above
  const Result<Extent> next = extent(input);
  if (!next) {
    frame = next.error();
  } else if (next->prefix != 0 && input.size() - next->prefix >= next->payload) {
    input.take_to(frame->emplace(), next->prefix + next->payload, 0);
    (*frame)->drop(next->prefix);
  }
  return frame;
}

}  // namespace weir
