// weir: messages into a buffer, with their length before them.
// SPDX-License-Identifier: MIT
#include "weir/buffer/frame_writer.h"

#include <array>
#include <span>
#include <system_error>
#include <utility>

#include "weir/buffer/writer.h"

namespace weir {
namespace {

/// The bytes of a varint prefix for so much payload. One that counts itself is longer where that makes the number longer.
std::size_t varint_bytes(std::uint64_t payload, bool counts_prefix) noexcept {
  std::size_t size = Varint(payload).bytes().size();
  if (counts_prefix && Varint(payload + size).bytes().size() > size) ++size;
  return size;
}

}  // namespace

Result<LengthPrefix> LengthPrefix::of(std::size_t payload, const LengthFormat& format) {
  expects(format.bytes <= 8);
  if (payload > format.limit) return errc::limit;
  const bool is_varint = format.bytes == LengthFormat::varint;
  const std::size_t size = is_varint ? varint_bytes(payload, format.counts_prefix) : format.bytes;
  if (format.counts_prefix && payload > unlimited - size) return std::make_error_code(std::errc::value_too_large);
  const std::uint64_t length = format.counts_prefix ? payload + size : payload;
  if (!is_varint && size < 8 && length >> 8 * size != 0) return std::make_error_code(std::errc::value_too_large);

  LengthPrefix prefix;
  Writer writer{MutableBytes(prefix.bytes_)};
  (void)(is_varint ? writer.write_varint(length) : writer.write_unsigned(length, size, format.order));
  prefix.size_ = size;
  return prefix;
}

Result<void> append_frame(Buffer& output, Bytes payload, const LengthFormat& format) {
  const Result<LengthPrefix> prefix = LengthPrefix::of(payload.size(), format);
  if (!prefix) return prefix.error();
  output.append_pieces(std::array{prefix->bytes(), payload});
  return {};
}

Result<void> append_frame(Buffer& output, Buffer&& payload, const LengthFormat& format) {
  const Result<LengthPrefix> prefix = LengthPrefix::of(payload.size(), format);
  if (!prefix) return prefix.error();
  output.append_framed(prefix->bytes(), std::move(payload));
  return {};
}

}  // namespace weir
