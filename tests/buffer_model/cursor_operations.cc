// weir: the model's operations with cursors: going about, looking ahead, numbers, strings and searches.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "tests/buffer_model/machine.h"
#include "tests/buffer_model/plain_search.h"
#include "weir/buffer/cursor.h"
#include "weir/buffer/varint.h"

namespace weir::buffer_model {
namespace {

/// Whether a cursor stands where it should, and sees what lies there.
void check_cursor(Machine& m, const Cursor& cursor, const Content& content, std::size_t position) {
  const std::string_view head = content.head();
  m.check(cursor.position() == position && cursor.left() == content.size() - position, "the cursor is elsewhere");
  m.check(cursor.is_at_end() == (position == content.size()), "an end that is none, or the other way round");
  if (position > head.size()) return;
  const bool is_in_head = position < head.size();
  if (is_in_head) {
    m.check(!cursor.run().empty() && !cursor.is_at_file(), "nothing is there");
    m.check(head.substr(position).starts_with(as_text(cursor.run())), "another run");
  } else if (content.is_safe()) {
    m.check(cursor.run().empty() && cursor.is_at_file() == (position != content.size()), "something is there");
  }
}

/// To and fro, also across what is no text.
void cursor_walk(Machine& m) {
  Subject& of = m.subject();
  const std::size_t steps = m.below(12);
  const Content& content = of.content;
  Cursor cursor(of.buffer);
  std::size_t position = 0;
  for (std::size_t i = 0; i < steps && !m.has_failed(); ++i) {
    const std::size_t left = content.size() - position;
    switch (m.below(4)) {
      case 0: {
        const std::size_t count = m.below(left + 1);
        m.check(cursor.skip(count), "the cursor did not skip what is there");
        position += count;
        break;
      }
      case 1: {
        const std::size_t to = m.coin() ? m.below(content.head().size() + 1) : m.below(content.size() + 1);
        m.check(cursor.seek(to), "the cursor did not go to what is there");
        position = to;
        break;
      }
      case 2: m.check(!cursor.skip(left + 1 + m.below(1000)), "the cursor skipped what is not there"); break;
      default: m.check(!cursor.seek(content.size() + 1 + m.below(1000)), "the cursor went beyond the end");
    }
    check_cursor(m, cursor, content, position);
  }
}

/// Where to read, and what is there: nothing can be read but the text before whatever is no text.
struct Place {
  Cursor cursor;
  std::string_view text;     ///< behind the cursor
  bool is_followed = false;  ///< by a part of the file
};

std::optional<Place> some_place(Machine& m) {
  Subject& of = m.subject();
  const std::string_view head = of.content.head();
  const std::size_t at = m.below(head.size() + 1);
  if (!of.content.is_safe()) return std::nullopt;
  Place place{Cursor(of.buffer), head.substr(at), !of.content.is_text()};
  m.check(place.cursor.seek(at), "the cursor cannot go there");
  return place;
}

/// Checks that what was read is there, and that the cursor moved by so much, or not at all.
template <class Value>
void check_read(Machine& m, const Place& place, const Cursor& before, const std::optional<Value>& value,
                const std::optional<Value>& expected, std::size_t size) {
  m.check(value == expected, "another value, or none");
  m.check(place.cursor.position() == before.position() + (expected ? size : 0), "the cursor moved otherwise");
}

std::uint64_t number_of(std::string_view text, std::endian order) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < text.size(); ++i)
    value = value << 8 | static_cast<unsigned char>(text[order == std::endian::big ? i : text.size() - 1 - i]);
  return value;
}

/// Looks ahead first: that must not move it.
template <class Number>
void peek_number(Machine& m, Place& place) {
  const Cursor before = place.cursor;
  const std::size_t size = sizeof(Number);
  std::optional<Number> big;
  std::optional<Number> little;
  if (place.text.size() >= size) {
    big = static_cast<Number>(number_of(place.text.substr(0, size), std::endian::big));
    little = static_cast<Number>(number_of(place.text.substr(0, size), std::endian::little));
  }
  m.check(place.cursor.peek_big_endian<Number>() == big && place.cursor.peek_little_endian<Number>() == little,
          "another number ahead");
  m.check(place.cursor.position() == before.position(), "looking ahead moved the cursor");
  check_read(m, place, before, place.cursor.read_little_endian<Number>(), little, size);
}

void read_plain(Machine& m, Place& place, std::size_t count, std::endian order) {
  const Cursor before = place.cursor;
  std::optional<std::uint64_t> expected;
  if (count <= place.text.size()) expected = number_of(place.text.substr(0, count), order);
  check_read(m, place, before, place.cursor.read_unsigned(count, order), expected, count);
}

void read_varint(Machine& m, Place& place, bool is_signed) {
  const Cursor before = place.cursor;
  VarintRead varint;
  for (std::size_t i = 0; i < place.text.size() && varint.state == VarintRead::State::unfinished; ++i)
    varint.add(as_bytes(place.text)[i]);
  const bool is_whole = varint.state == VarintRead::State::whole;
  const bool is_too_large = varint.state == VarintRead::State::too_large;
  std::error_code error;
  if (is_signed) {
    const Result<std::optional<std::int64_t>> read = place.cursor.read_signed_varint();
    const std::optional<std::int64_t> expected = is_whole ? std::optional(unfold_sign(varint.value)) : std::nullopt;
    read ? check_read(m, place, before, *read, expected, varint.size) : void(error = read.error());
  } else {
    const Result<std::optional<std::uint64_t>> read = place.cursor.read_varint();
    const std::optional<std::uint64_t> expected = is_whole ? std::optional(varint.value) : std::nullopt;
    read ? check_read(m, place, before, *read, expected, varint.size) : void(error = read.error());
  }
  m.check(error == (is_too_large ? std::make_error_code(std::errc::value_too_large) : std::error_code()),
          "another error of a varint");
  if (error) m.check(place.cursor.position() == before.position(), "the cursor moved in spite of an error");
}

void cursor_numbers(Machine& m) {
  std::optional<Place> place = some_place(m);
  if (!place) return;
  const std::size_t kind = m.below(6);
  const std::size_t count = 1 + m.below(8);
  const std::endian order = m.coin() ? std::endian::little : std::endian::big;
  switch (kind) {
    case 0: return peek_number<std::uint8_t>(m, *place);
    case 1: return peek_number<std::int16_t>(m, *place);
    case 2: return peek_number<std::uint64_t>(m, *place);
    case 3: return read_plain(m, *place, count, order);
    case 4: return read_varint(m, *place, false);
    default: return read_varint(m, *place, true);
  }
}

/// A string that a NUL ends, or why there is none.
void read_terminated(Machine& m, Place& place, std::size_t limit) {
  const Cursor before = place.cursor;
  const std::string_view seen = place.text.substr(0, limit);
  const std::size_t end = seen.find('\0');
  std::error_code expected;
  if (end == std::string_view::npos && limit <= before.left()) expected = errc::limit;
  if (end == std::string_view::npos && place.is_followed && limit > place.text.size()) expected = errc::not_in_memory;
  const std::optional<std::string> text =
      end == std::string_view::npos ? std::nullopt : std::optional(std::string(seen.substr(0, end)));
  Result<std::optional<std::string>> read = std::optional<std::string>();
  if (!m.attempt([&] { read = place.cursor.read_terminated_string(limit); }, {})) {
    m.check(place.cursor.position() == before.position(), "the cursor moved without memory");
    return;
  }
  m.check((read ? std::error_code() : read.error()) == expected, "another error of a string");
  if (read) check_read(m, place, before, *read, text, end + 1);
  if (!read) m.check(place.cursor.position() == before.position(), "the cursor moved in spite of an error");
}

void cursor_strings(Machine& m) {
  std::optional<Place> place = some_place(m);
  if (!place) return;
  const std::size_t kind = m.below(4);
  const std::size_t count = m.coin() ? m.below(place->text.size() + 2) : m.below(40);
  if (kind == 3) return read_terminated(m, *place, m.rarely(3) ? unlimited : count);
  const Cursor before = place->cursor;
  const bool is_there = count <= place->text.size();
  const std::optional<std::string> expected =
      is_there ? std::optional(std::string(place->text.substr(0, count))) : std::nullopt;
  if (kind == 2) {
    std::optional<std::string> read;
    if (m.attempt([&] { read = place->cursor.read_string(count); }, {}))
      return check_read(m, *place, before, read, expected, count);
    return m.check(place->cursor.position() == before.position(), "the cursor moved without memory");
  }
  std::string copy(count, '\0');
  const MutableBytes into = std::as_writable_bytes(std::span(copy));
  const bool is_read = kind == 0 ? place->cursor.peek(into) : place->cursor.read(into);
  m.check(is_read == is_there && (!is_read || copy == *expected), "other bytes, or none");
  m.check(place->cursor.position() == before.position() + (kind == 1 && is_there ? count : 0),
          "the cursor moved otherwise");
}

/// As the buffer's searches, from the cursor on.
void cursor_find(Machine& m) {
  std::optional<Place> place = some_place(m);
  if (!place) return;
  const std::size_t from = m.rarely(3) ? m.below(place->text.size() + (place->is_followed ? 1 : 2)) : 0;
  const SearchRange range{.from = from, .within = m.rarely(3) ? m.below(place->text.size() + 100) : unlimited};
  const std::string_view searched = place->text.substr(0, range.within);
  const std::size_t own = m.below(searched.size() + 1);
  const std::string_view foreign = m.text(1 + m.below(4));
  const std::size_t own_size = 1 + m.below(10);
  const std::string needle(m.coin() && own < searched.size() ? searched.substr(own, own_size) : foreign);
  const std::size_t kind = m.below(4);
  const auto style = static_cast<LineEnd>(m.below(5));
  const auto byte = static_cast<std::byte>(needle.front());
  const Found found = kind == 0   ? place->cursor.find(needle, range)
                      : kind == 1 ? place->cursor.find(byte, range)
                      : kind == 2 ? place->cursor.find_any(ByteSet(needle), range)
                                  : place->cursor.find_line_end(style, range);
  const bool is_outside = range.from > place->cursor.left();
  const std::optional<std::size_t> expected = kind == 0   ? offset_of(searched.find(needle, from))
                                              : kind == 1 ? offset_of(searched.find(needle.front(), from))
                                              : kind == 2 ? offset_of(searched.find_first_of(needle, from))
                                                          : std::nullopt;
  const auto line_end = kind == 3 ? end_of_line(searched, style, from) : std::nullopt;
  m.check(found == (line_end ? std::optional(line_end->offset) : expected), "found elsewhere by a cursor");
  if (found && line_end) m.check(found.size() == line_end->size, "another end of a line");
  const bool is_cut = !is_outside && std::min(range.within, place->cursor.left()) > std::max(from, place->text.size());
  m.check(found || found.error() == (is_cut ? make_error_code(errc::not_in_memory) : std::error_code()),
          "what was in the cursor's way is told otherwise");
}

constexpr std::array operations{
    Operation{"cursor_walk", 2, cursor_walk},
    Operation{"cursor_numbers", 2, cursor_numbers},
    Operation{"cursor_strings", 2, cursor_strings},
    Operation{"cursor_find", 2, cursor_find},
};

}  // namespace

std::span<const Operation> cursor_operations() noexcept { return operations; }

}  // namespace weir::buffer_model
