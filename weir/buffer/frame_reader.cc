// weir: messages out of a buffer: up to a delimiter, or behind their length.
// SPDX-License-Identifier: MIT
#include "weir/buffer/frame_reader.h"

#include <algorithm>
#include <bit>

#include "weir/base/bytes.h"
#include "weir/buffer/cursor.h"

namespace weir {
namespace {

/// The number in the first `count` bytes, of which there are 8 to read.
std::uint64_t load_first(Bytes bytes, std::size_t count, std::endian order) {
  const std::size_t unwanted = 8 * (8 - count);
  return order == std::endian::big ? load_big_endian<std::uint64_t>(bytes) >> unwanted
                                   : load_little_endian<std::uint64_t>(bytes) << unwanted >> unwanted;
}

}  // namespace

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
  const Bytes front = input.front();
  if (format_.bytes != LengthFormat::varint && front.size() >= sizeof(std::uint64_t))
    return extent_of(load_first(front, format_.bytes, format_.order), format_.bytes);
  return extent_in_pieces(input);
}

/// Wherever the prefix lies, also where it is cut.
Result<LengthReader::Extent> LengthReader::extent_in_pieces(const Buffer& input) const noexcept {
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
  return extent_of(*told, cursor.position());
}

Result<LengthReader::Extent> LengthReader::extent_of(std::uint64_t length, std::size_t prefix) const noexcept {
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
    const std::size_t whole = next->prefix + next->payload;
    if (whole < input.front().size()) {  // then nothing can fail
      input.take_to(frame->emplace(), next->payload, 0, next->prefix);
    } else {
      input.take_to(frame->emplace(), whole, 0);
      (*frame)->drop(next->prefix);
    }
  }
  return frame;
}

}  // namespace weir
