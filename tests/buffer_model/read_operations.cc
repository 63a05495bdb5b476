// weir: the model's operations that look at a buffer without changing what it holds, and those that read frames off it.
// SPDX-License-Identifier: MIT
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/buffer_model/machine.h"
#include "tests/buffer_model/plain_search.h"
#include "weir/buffer/cursor.h"
#include "weir/buffer/frame_reader.h"
#include "weir/buffer/hash.h"
#include "weir/buffer/line_reader.h"

namespace weir::buffer_model {
namespace {

/// What lies behind a part of the file is not seen; where memory is only claimed, it is not looked at.
std::size_t bytes_to_ask_for(const Content& content) {
  return content.is_safe() ? content.size() : content.head().size();
}

void contiguous(Machine& m) {
  Subject& of = m.subject();
  const std::string_view head = of.content.head();
  const std::size_t count = m.below(bytes_to_ask_for(of.content) + 1);
  Bytes joined;
  if (!m.attempt([&] { joined = of.buffer.contiguous(count); }, {{.subject = &of}})) return;
  m.check(as_text(joined) == (count <= head.size() ? head.substr(0, count) : ""), "other bytes in one piece");
  m.check_content(of.buffer, of.content);
}

void copy_out(Machine& m) {
  Subject& of = m.subject();
  const std::size_t offset = m.below(bytes_to_ask_for(of.content) + 1);
  const std::size_t asked = m.size();
  const std::string_view rest = of.content.head().substr(std::min(offset, of.content.head().size()));
  std::string to(of.content.is_safe() ? asked : std::min(asked, rest.size()), '\0');
  const std::size_t count = of.buffer.copy_to(std::as_writable_bytes(std::span(to)), offset);
  m.check(count == std::min(to.size(), rest.size()), "another number of bytes was copied");
  m.check(to.substr(0, count) == rest.substr(0, count), "other bytes were copied");
}

void gather(Machine& m) {
  Subject& of = m.subject();
  std::vector<iovec> entries(m.below(30));
  const std::size_t offset = m.rarely(3) ? m.below(of.content.size() + 1) : 0;
  const std::size_t count = m.rarely(3) ? m.below(of.content.size() - offset + 100) : unlimited;
  if (of.content.has(Content::Kind::file) && !of.content.is_safe()) return;
  const std::size_t filled = of.buffer.gather(entries, offset, count);
  m.check(filled <= entries.size(), "more entries than there are");
  const std::size_t seen = of.content.has(Content::Kind::file) ? of.content.head().size() : of.content.size();
  const std::size_t wanted = std::min(count, seen - std::min(offset, seen));
  Buffer gathered;
  for (const iovec& entry : std::span(entries).first(filled)) {
    m.check(entry.iov_len != 0, "an empty entry");
    gathered.append_static(Bytes(static_cast<const std::byte*>(entry.iov_base), entry.iov_len));
  }
  m.check(gathered.size() <= wanted && (filled == entries.size() || gathered.size() == wanted),
          "another number of bytes");
  if (!m.has_failed()) m.check_content(gathered, of.content.part(offset, gathered.size()));
}

void compare(Machine& m) {
  Subject& left = m.subject();
  Subject& right = m.subject();
  if (left.content.has(Content::Kind::claimed) || right.content.has(Content::Kind::claimed)) return;
  m.check((left.buffer == right.buffer) == left.content.is_same_as(right.content), "equality differs");
  if (!left.content.is_text() || !right.content.is_text()) return;
  const std::string_view a = left.content.head();
  const std::string_view b = right.content.head();
  m.check((left.buffer <=> right.buffer) == (a <=> b), "the order differs");
  m.check((left.buffer <=> b) == (a <=> b) && (left.buffer <=> as_bytes(b)) == (a <=> b),
          "the order differs from the text's");
  m.check((left.buffer == b) == (a == b) && (left.buffer == as_bytes(b)) == (a == b), "equality with text differs");
  m.check(left.buffer.hash(a.size()) == weir::hash(as_bytes(a), a.size()), "the hash differs");
  m.check(std::hash<Buffer>()(right.buffer) == weir::hash(as_bytes(b)), "the hash for tables differs");
  ContentHash in_pieces(b.size());
  for (const Slice& slice : right.buffer.slices()) in_pieces.add(slice.bytes());
  m.check(in_pieces.value() == right.buffer.hash(b.size()), "the hash of the pieces differs");
}

/// The part of a buffer to be searched, and the text in it.
SearchRange some_range(Machine& m, const Content& content, std::string_view& searched) {
  const std::string_view head = content.head();
  const std::size_t from = m.rarely(3) ? m.below(head.size() + (content.is_text() ? 2 : 1)) : 0;
  const std::size_t within = m.rarely(3) ? m.below(head.size() + 100) : unlimited;
  const SearchRange range{.from = from, .within = content.is_safe() ? within : std::min(within, head.size())};
  searched = head.substr(0, range.within);
  return range;
}

/// Whether `found` tells that a part of the file was in the way when it was, and never else.
void check_why_not_found(Machine& m, const Content& content, const Found& found, const SearchRange& range) {
  if (found) return m.check(!found.error(), "found, and an error");
  const bool is_cut = std::min(range.within, content.size()) > std::max(range.from, content.head().size());
  m.check(found.error() == (is_cut ? make_error_code(errc::not_in_memory) : std::error_code()),
          "what was in the way is told otherwise");
}

void find(Machine& m) {
  Subject& in = m.subject();
  std::string_view searched;
  const SearchRange range = some_range(m, in.content, searched);
  const std::string_view foreign = m.text(1 + m.below(4));
  const std::size_t own_size = 1 + m.below(10);
  const std::size_t own = m.below(searched.size() + 1);
  const bool is_own = m.coin();
  const std::string needle(is_own && own < searched.size() ? searched.substr(own, own_size) : foreign);
  const std::size_t kind = m.below(6);
  const auto byte = static_cast<std::byte>(needle.front());
  const Found found = kind == 0   ? in.buffer.find(needle, range)
                      : kind == 1 ? in.buffer.find(needle, in.position, range)
                      : kind == 2 ? in.buffer.find_any(ByteSet(needle), range)
                      : kind == 3 ? in.buffer.find_any(ByteSet(needle), in.position, range)
                      : kind == 4 ? in.buffer.find(byte, range)
                                  : in.buffer.find(byte, in.position, range);
  const std::size_t expected = kind < 2   ? searched.find(needle, range.from)
                               : kind < 4 ? searched.find_first_of(needle, range.from)
                                          : searched.find(needle.front(), range.from);
  m.check(found == offset_of(expected), "found elsewhere");
  check_why_not_found(m, in.content, found, range);
  if (!in.content.is_safe()) return;
  // A position used with whatever buffer comes, and always the same needle.
  const Found newline = in.buffer.find("\n", m.newline_position());
  m.check(newline == offset_of(in.content.head().find('\n')), "found elsewhere, with a shared position");
  check_why_not_found(m, in.content, newline, {});
}

void find_line_end(Machine& m) {
  Subject& in = m.subject();
  std::string_view searched;
  const SearchRange range = some_range(m, in.content, searched);
  const auto style = static_cast<LineEnd>(m.below(5));
  const Found found =
      m.coin() ? in.buffer.find_line_end(style, in.position, range) : in.buffer.find_line_end(style, range);
  const auto expected = end_of_line(searched, style, range.from);
  m.check(static_cast<bool>(found) == expected.has_value(), "an end of a line was missed, or made up");
  check_why_not_found(m, in.content, found, range);
  if (!found || !expected) return;
  m.check(*found == expected->offset && found.size() == expected->size, "another end of a line");
}

/// With LineEnd::any, what is left in front of a run of ends is taken off first.
std::size_t ends_in_front(std::string_view head, LineEnd style) {
  return style == LineEnd::any ? std::min(head.find_first_not_of("\r\n"), head.size()) : 0;
}

void read_line(Machine& m) {
  Subject& in = m.subject(Need::front);
  const auto style = static_cast<LineEnd>(m.below(5));
  if (!in.content.is_safe()) return;
  LineReader reader(style, unlimited);
  const std::string_view head = in.content.head();
  const std::size_t skipped = ends_in_front(head, style);
  const auto end = end_of_line(head, style, skipped);
  const std::size_t count = end ? end->offset + end->size : skipped;
  if (count == in.content.size()) Machine::thaw(in, Need::both);
  Result<std::optional<Buffer>> line = std::optional<Buffer>();
  if (!m.attempt([&] { line = reader.next(in.buffer); }, {{.subject = &in, .removed = count}})) return;
  m.check(line || line.error() == errc::not_in_memory, "another error");
  m.check(static_cast<bool>(line) == (end || in.content.is_text()), "an error, or none");
  in.content.drop(skipped);
  if (!line) return;
  m.check(line->has_value() == end.has_value(), "a line was missed, or made up");
  if (!*line || !end) return;
  Content expected = in.content.take(end->offset - skipped);
  in.content.drop(end->size);
  m.check_content(**line, expected);
}

/// By a reader that has read this buffer before, or others, and leaves the line where it is. Lines have a limit.
void find_line(Machine& m) {
  Subject& in = m.subject(Need::front);
  LineReader& reader = m.line_reader();
  if (!in.content.is_safe()) return;
  const std::size_t skipped = ends_in_front(in.content.head(), reader.style());
  const std::string_view head = in.content.head().substr(skipped);
  const bool may_be_cut = reader.style() == LineEnd::crlf || reader.style() == LineEnd::crlf_strict;
  auto end = end_of_line(head.substr(0, reader.longest_frame()), reader.style(), 0);  // of a run, so much
  if (end && end->offset > reader.limit()) end.reset();
  const std::size_t left = in.content.size() - skipped;
  const bool is_cut = head.size() < left && head.size() < reader.longest_frame();
  const bool is_last_return =
      may_be_cut && left > reader.limit() && left - reader.limit() == 1 && head.size() == left && head.back() == '\r';
  std::error_code expected;
  if (!end && left > reader.limit() && !is_last_return) expected = errc::limit;
  if (!end && is_cut) expected = errc::not_in_memory;
  if (skipped == in.content.size()) Machine::thaw(in, Need::both);
  Found found;
  if (!m.attempt([&] { found = reader.find(in.buffer); }, {{.subject = &in, .removed = skipped}})) return;
  in.content.drop(skipped);
  m.check(found == (end ? std::optional(end->offset) : std::nullopt), "a line ends elsewhere");
  m.check(!found || found.size() == end->size, "a line has another end");
  m.check(found.error() == expected, "another error of a line");
}

constexpr std::array operations{
    Operation{"contiguous", 2, contiguous},
    Operation{"copy_out", 2, copy_out},
    Operation{"gather", 1, gather},
    Operation{"compare", 1, compare},
    Operation{"find", 4, find},
    Operation{"find_line_end", 2, find_line_end},
    Operation{"read_line", 2, read_line},
    Operation{"find_line", 2, find_line},
};

}  // namespace

std::span<const Operation> reading_operations() noexcept { return operations; }

}  // namespace weir::buffer_model
