// weir: readers of lines and frames that see the whole stream at once, and are too simple to be wrong.
// SPDX-License-Identifier: MIT
#include "fuzz/plain_framers.h"

#include <algorithm>
#include <bit>

#include "fuzz/wanted.h"
#include "weir/base/error.h"

namespace weir::fuzz {
namespace {

constexpr std::size_t nowhere = std::string_view::npos;

/// Where the frame at the front of a stream lies, when it is whole.
struct Frame {
  std::size_t begin;
  std::size_t end;
  std::size_t next;
};

/// Takes frames as long as `first(stream, error)` tells one.
template <class First>
Frames frames_of(std::string_view stream, First first) {
  Frames result;
  while (const std::optional<Frame> frame = first(stream, result.error)) {
    result.frames.emplace_back(stream.substr(frame->begin, frame->end - frame->begin));
    stream.remove_prefix(frame->next);
  }
  result.left = stream;
  return result;
}

std::string varint_of(std::uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
  return bytes + static_cast<char>(value);
}

struct Prefix {
  std::size_t size;
  std::uint64_t length;
};

std::optional<Prefix> varint_at_front(std::string_view stream, std::error_code& error) {
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < stream.size(); ++i) {
    const auto byte = static_cast<std::uint8_t>(stream[i]);
    if (i == 9 && byte > 1) {
      error = std::make_error_code(std::errc::value_too_large);
      return std::nullopt;
    }
    length |= std::uint64_t{byte & 0x7FU} << 7 * i;
    if (byte < 0x80) return Prefix{.size = i + 1, .length = length};
  }
  return std::nullopt;
}

std::optional<Prefix> prefix_at_front(std::string_view stream, const LengthFormat& format, std::error_code& error) {
  if (format.bytes == LengthFormat::varint) return varint_at_front(stream, error);
  if (stream.size() < format.bytes) return std::nullopt;
  std::string digits(stream.substr(0, format.bytes));
  if (format.order == std::endian::little) std::ranges::reverse(digits);
  std::uint64_t length = 0;
  for (const char digit : digits) length = length * 256 + static_cast<std::uint8_t>(digit);
  return Prefix{.size = format.bytes, .length = length};
}

}  // namespace

Frames plain_lines(std::string_view stream, LineEnd style, std::size_t limit) {
  return frames_of(stream, [&](std::string_view& input, std::error_code& error) -> std::optional<Frame> {
    if (style == LineEnd::any) input.remove_prefix(std::min(input.find_first_not_of("\r\n"), input.size()));
    const Found end = plain_line_end(input, style);
    // With a "\r" behind the longest line, all depends on what comes next.
    const bool may_go_on = (style == LineEnd::crlf || style == LineEnd::crlf_strict) && !input.empty() &&
                           input.size() - 1 == limit && input.back() == '\r';
    if (end ? *end > limit : input.size() > limit && !may_go_on) error = make_error_code(errc::limit);
    if (error || !end) return std::nullopt;
    return Frame{.begin = 0, .end = *end, .next = end.end()};
  });
}

Frames plain_delimited(std::string_view stream, std::string_view delimiter, std::size_t limit) {
  return frames_of(stream, [&](std::string_view input, std::error_code& error) -> std::optional<Frame> {
    const std::size_t end = input.find(delimiter);
    const bool is_there = end != nowhere;
    const std::size_t least = is_there ? end : input.size() - std::min(input.size(), delimiter.size() - 1);
    if (least > limit) error = make_error_code(errc::limit);
    if (error || !is_there) return std::nullopt;
    return Frame{.begin = 0, .end = end, .next = end + delimiter.size()};
  });
}

Frames plain_lengths(std::string_view stream, const LengthFormat& format) {
  return frames_of(stream, [&](std::string_view input, std::error_code& error) -> std::optional<Frame> {
    const std::optional<Prefix> prefix = prefix_at_front(input, format, error);
    if (!prefix) return std::nullopt;
    const std::uint64_t counted = format.counts_prefix ? prefix->size : 0;
    if (prefix->length < counted) {
      error = std::make_error_code(std::errc::bad_message);
    } else if (prefix->length - counted > format.limit) {
      error = make_error_code(errc::limit);
    }
    if (error || input.size() - prefix->size < prefix->length - counted) return std::nullopt;
    const std::size_t end = prefix->size + static_cast<std::size_t>(prefix->length - counted);
    return Frame{.begin = prefix->size, .end = end, .next = end};
  });
}

std::optional<std::string> plain_prefix(std::uint64_t payload, const LengthFormat& format, std::error_code& error) {
  if (payload > format.limit) {
    error = make_error_code(errc::limit);
    return std::nullopt;
  }
  if (format.bytes == LengthFormat::varint) {
    std::string prefix = varint_of(payload);
    while (format.counts_prefix && prefix != varint_of(payload + prefix.size())) {
      prefix = varint_of(payload + prefix.size());
    }
    return prefix;
  }
  std::uint64_t length = payload + (format.counts_prefix ? format.bytes : 0);
  std::string prefix;
  for (std::size_t i = 0; i < format.bytes; ++i, length /= 256) prefix += static_cast<char>(length % 256);
  if (length != 0) {
    error = std::make_error_code(std::errc::value_too_large);
    return std::nullopt;
  }
  if (format.order == std::endian::big) std::ranges::reverse(prefix);
  return prefix;
}

}  // namespace weir::fuzz
