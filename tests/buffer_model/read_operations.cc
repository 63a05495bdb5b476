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
  m.check((left.buffer <=> b) == (a <=> b), "the order differs from the text's");
  m.check(left.buffer.hash(a.size()) == weir::hash(as_bytes(a), a.size()), "the hash differs");
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

/// What std::string_view found, as an offset that may be none.
std::optional<std::size_t> offset_of(std::size_t found) {
  return found == std::string_view::npos ? std::nullopt : std::optional(found);
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
  const std::size_t kind = m.below(4);
  const Found found = kind == 0   ? in.buffer.find(needle, range)
                      : kind == 1 ? in.buffer.find(needle, in.position, range)
                      : kind == 2 ? in.buffer.find_any(ByteSet(needle), range)
                                  : in.buffer.find_any(ByteSet(needle), in.position, range);
  const std::size_t expected =
      kind < 2 ? searched.find(needle, range.from) : searched.find_first_of(needle, range.from);
  m.check(found == offset_of(expected), "found elsewhere");
  check_why_not_found(m, in.content, found, range);
  if (!in.content.is_safe()) return;
  // A position used with whatever buffer comes, and always the same needle.
  const Found newline = in.buffer.find("\n", m.newline_position());
  m.check(newline == offset_of(in.content.head().find('\n')), "found elsewhere, with a shared position");
  check_why_not_found(m, in.content, newline, {});
}

/// The first end of a line, plainly.
std::optional<std::pair<std::size_t, std::size_t>> end_of_line(std::string_view text, LineEnd style, std::size_t from) {
  for (std::size_t i = from; i < text.size(); ++i) {
    const bool is_pair = text.substr(i, 2) == "\r\n";
    switch (style) {
      case LineEnd::crlf:
        if (is_pair || text[i] == '\n') return std::pair(i, is_pair ? 2 : 1);
        break;
      case LineEnd::crlf_strict:
        if (is_pair) return std::pair(i, 2);
        break;
      case LineEnd::lf:
        if (text[i] == '\n') return std::pair(i, 1);
        break;
      case LineEnd::nul:
        if (text[i] == '\0') return std::pair(i, 1);
        break;
      case LineEnd::any: {
        if (text[i] != '\r' && text[i] != '\n') break;
        const std::size_t end = std::min(text.find_first_not_of("\r\n", i), text.size());
        return std::pair(i, end - i);
      }
    }
  }
  return std::nullopt;
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
  m.check(*found == expected->first && found.size() == expected->second, "another end of a line");
}

void read_line(Machine& m) {
  Subject& in = m.subject(Need::front);
  const auto style = static_cast<LineEnd>(m.below(4));
  if (!in.content.is_safe()) return;
  LineReader reader(style, unlimited);
  const auto end = end_of_line(in.content.head(), style, 0);
  const std::size_t count = end ? end->first + end->second : 0;
  Result<std::optional<Buffer>> line = std::optional<Buffer>();
  if (!m.attempt([&] { line = reader.next(in.buffer); }, {{.subject = &in, .removed = count}})) return;
  m.check(line || line.error() == errc::not_in_memory, "another error");
  m.check(static_cast<bool>(line) == (end || in.content.is_text()), "an error, or none");
  if (!line) return;
  m.check(line->has_value() == end.has_value(), "a line was missed, or made up");
  if (!*line || !end) return;
  Content expected = in.content.take(end->first);
  in.content.drop(end->second);
  m.check_content(**line, expected);
}

constexpr std::array operations{
    Operation{"contiguous", 2, contiguous},
    Operation{"copy_out", 2, copy_out},
    Operation{"gather", 1, gather},
    Operation{"compare", 1, compare},
    Operation{"find", 4, find},
    Operation{"find_line_end", 2, find_line_end},
    Operation{"read_line", 2, read_line},
};

}  // namespace

std::span<const Operation> reading_operations() noexcept { return operations; }

}  // namespace weir::buffer_model
