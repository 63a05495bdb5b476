// weir: the model's operations that write frames with their length before them, and read those and delimited ones.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <bit>
#include <optional>
#include <string>
#include <utility>

#include "tests/buffer_model/machine.h"
#include "weir/buffer/frame_reader.h"
#include "weir/buffer/frame_writer.h"

namespace weir::buffer_model {
namespace {

/// Mostly one byte, so that what stands in front of a buffer often is a frame.
LengthFormat some_format(Machine& m) {
  constexpr std::array<std::size_t, 12> bytes{1, 1, 1, 1, 0, 0, 0, 2, 2, 3, 4, 8};
  constexpr std::array<std::size_t, 4> limits{unlimited, unlimited, 1000, 20};
  LengthFormat format;
  format.bytes = bytes[m.below(bytes.size())];
  format.order = m.coin() ? std::endian::little : std::endian::big;
  format.counts_prefix = m.rarely(3);
  format.limit = limits[m.below(limits.size())];
  return format;
}

// --- the formats, once more and plainly ---

std::string varint(std::uint64_t number) {
  std::string text;
  for (; number > 0x7F; number >>= 7) text += static_cast<char>((number & 0x7F) | 0x80);
  return text + static_cast<char>(number);
}

/// What stands before so much payload, or why there can be nothing.
std::string prefix_of(std::size_t payload, const LengthFormat& format, std::error_code& error) {
  if (payload > format.limit) error = errc::limit;
  std::size_t size = format.bytes;
  if (size == LengthFormat::varint) {
    for (size = 1; varint(format.counts_prefix ? payload + size : payload).size() > size;) ++size;
  }
  const std::uint64_t told = format.counts_prefix ? payload + size : payload;
  if (format.bytes == LengthFormat::varint) return varint(told);
  if (!error && size < 8 && told >> 8 * size != 0) error = std::make_error_code(std::errc::value_too_large);
  std::string text;
  for (std::size_t i = 0; i < size; ++i) text += static_cast<char>(told >> 8 * i);
  if (format.order == std::endian::big) std::ranges::reverse(text);
  return text;
}

struct Told {
  std::error_code error;
  std::size_t prefix = 0;  ///< 0: it is not whole
  std::uint64_t length = 0;
};

/// What the first bytes of a buffer tell of the frame there.
Told read_prefix(const Content& content, const LengthFormat& format) {
  const std::string_view head = content.head();
  const bool is_varint = format.bytes == LengthFormat::varint;
  Told told;
  const auto byte = [&](std::size_t i) { return static_cast<std::uint64_t>(static_cast<unsigned char>(head[i])); };
  std::size_t size = format.bytes;
  if (is_varint) {
    for (size = 1; size <= head.size() && size <= 10 && byte(size - 1) > 0x7F;) ++size;
    if (size > 10 || (size == 10 && head.size() >= 10 && byte(9) > 1)) {
      told.error = std::make_error_code(std::errc::value_too_large);
      return told;
    }
  }
  if (size > head.size()) {
    if (!content.is_text()) told.error = errc::not_in_memory;
    return told;
  }
  for (std::size_t i = 0; i < size; ++i) {
    const std::size_t from_front = format.order == std::endian::big && !is_varint ? i : size - 1 - i;
    told.length = told.length << (is_varint ? 7 : 8) | (is_varint ? byte(from_front) & 0x7F : byte(from_front));
  }
  told.prefix = size;
  if (format.counts_prefix && told.length < size) {
    told.error = std::make_error_code(std::errc::bad_message);
    return told;
  }
  if (format.counts_prefix) told.length -= size;
  if (told.length > format.limit) told.error = errc::limit;
  return told;
}

// --- the operations ---

void append_frame_of_bytes(Machine& m) {
  Subject& to = m.subject(Need::back);
  const std::string_view text = m.text();
  const LengthFormat format = some_format(m);
  std::error_code expected;
  const std::string prefix = prefix_of(text.size(), format, expected);
  const std::size_t added = expected ? 0 : prefix.size() + text.size();
  std::error_code error;
  const auto append = [&] {
    if (const Result<void> framed = append_frame(to.buffer, as_bytes(text), format); !framed) error = framed.error();
  };
  if (!m.attempt(append, {{.subject = &to, .added = added}}, overflows(to, added))) return;
  m.check(error == expected, "an error, or none");
  if (expected) return;
  to.content.append(prefix);
  to.content.append(text);
}

/// All of another buffer, or of the same, which becomes one frame.
void append_frame_of_buffer(Machine& m) {
  Subject& to = m.subject(Need::back);
  Subject& from = m.subject(Need::both);
  const LengthFormat format = some_format(m);
  const bool is_same = &to == &from;
  const std::size_t payload = from.content.size();
  std::error_code expected;
  const std::string prefix = prefix_of(payload, format, expected);
  std::error_code error;
  const auto append = [&] {
    const Result<void> framed = append_frame(to.buffer, std::move(from.buffer), format);
    if (!framed) error = framed.error();
  };
  bool done = false;
  if (expected) {
    done = m.attempt(append, {{.subject = &to}, {.subject = &from}});
  } else if (is_same) {
    done = m.attempt(append, {{.subject = &to, .added = prefix.size()}}, overflows(to, prefix.size()));
  } else {
    const bool is_too_much = prefix.size() > Buffer::max_size - payload || overflows(to, prefix.size() + payload);
    done =
        m.attempt(append, {{.subject = &to, .added = prefix.size() + payload}, {.subject = &from, .removed = payload}},
                  is_too_much);
  }
  if (!done) return;
  m.check(error == expected, "an error, or none");
  if (expected) return m.check_content(from.buffer, from.content);
  Content frame(prefix);
  frame.append(std::exchange(from.content, Content()));
  to.content.append(std::move(frame));
  m.check_content(to.buffer, to.content);
}

/// Takes a frame of `kept` bytes, with `before` in front of it and `behind` after it, off the model as `next` did.
void take_frame(Machine& m, Subject& to, Subject& from, Result<std::optional<Buffer>> frame, std::size_t before,
                std::size_t kept, std::size_t behind) {
  if (!*frame) return m.check(false, "a frame was missed");
  from.content.drop(before);
  Content expected = from.content.take(kept);
  from.content.drop(behind);
  m.give(to, **std::move(frame), std::move(expected));
}

void read_length_frame(Machine& m) {
  Subject& to = m.subject(Need::back);
  Subject& from = m.subject(Need::front);
  const LengthReader reader(some_format(m));
  if (!from.content.is_safe()) return;
  const Told told = read_prefix(from.content, reader.format());
  const std::size_t size = from.content.size();
  const bool is_whole = !told.error && told.prefix != 0 && size - told.prefix >= told.length;
  const std::size_t removed = is_whole ? told.prefix + told.length : 0;
  if (is_whole && removed == size) Machine::thaw(from, Need::both);  // the whole buffer is moved
  const Result<std::size_t> needed = reader.needed(from.buffer);
  m.check((needed ? std::error_code() : needed.error()) == told.error, "another error of what is needed");
  if (needed && told.prefix != 0)
    m.check(*needed == told.prefix + std::min<std::size_t>(told.length, unlimited - told.prefix),
            "more is needed, or less");
  if (needed && told.prefix == 0)
    m.check(*needed == (reader.format().bytes == LengthFormat::varint ? size + 1 : reader.format().bytes),
            "more is needed of the prefix, or less");

  Result<std::optional<Buffer>> frame = std::optional<Buffer>();
  if (!m.attempt([&] { frame = reader.next(from.buffer); }, {{.subject = &from, .removed = removed}})) return;
  m.check((frame ? std::error_code() : frame.error()) == told.error, "another error");
  if (m.has_failed() || !frame) return;
  m.check(frame->has_value() == is_whole, "a frame was missed, or made up");
  m.check(is_whole || size < reader.longest_frame(), "who lets the longest frame in waits for ever");
  if (is_whole) take_frame(m, to, from, std::move(frame), told.prefix, told.length, 0);
}

/// By a reader that has read this buffer before, or others.
void read_delimited_frame(Machine& m) {
  constexpr std::array<std::string_view, 3> delimiters{"\n", "ab", "\r\n\r\n"};
  Subject& to = m.subject(Need::back);
  Subject& from = m.subject(Need::front);
  const std::size_t which = m.below(delimiters.size());
  DelimiterReader& reader = m.delimiter_reader(which);
  if (!from.content.is_safe()) return;
  const std::string_view delimiter = delimiters[which];
  const std::string_view head = from.content.head();
  const std::size_t longest = reader.longest_frame();
  const std::size_t end = head.substr(0, longest).find(delimiter);
  const bool is_found = end != std::string_view::npos;
  const std::size_t removed = is_found ? end + delimiter.size() : 0;
  std::error_code expected;
  if (!is_found && std::min(longest, from.content.size()) > head.size()) expected = errc::not_in_memory;
  if (!is_found && !expected && from.content.size() >= longest) expected = errc::limit;

  Result<std::optional<Buffer>> frame = std::optional<Buffer>();
  if (!m.attempt([&] { frame = reader.next(from.buffer); }, {{.subject = &from, .removed = removed}})) return;
  m.check((frame ? std::error_code() : frame.error()) == expected, "another error");
  if (m.has_failed() || !frame) return;
  m.check(frame->has_value() == is_found, "a frame was missed, or made up");
  m.check(is_found || from.content.size() < longest, "who lets the longest frame in waits for ever");
  if (is_found) take_frame(m, to, from, std::move(frame), 0, end, delimiter.size());
}

constexpr std::array operations{
    Operation{"append_frame_of_bytes", 2, append_frame_of_bytes},
    Operation{"append_frame_of_buffer", 2, append_frame_of_buffer},
    Operation{"read_length_frame", 3, read_length_frame},
    Operation{"read_delimited_frame", 3, read_delimited_frame},
};

}  // namespace

std::span<const Operation> frame_operations() noexcept { return operations; }

}  // namespace weir::buffer_model
