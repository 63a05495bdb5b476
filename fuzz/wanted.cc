// weir: things to search for, and a search that is too simple to be wrong.
// SPDX-License-Identifier: MIT
#include "fuzz/wanted.h"

#include <algorithm>
#include <array>

namespace weir::fuzz {
namespace {

/// A part of the text, with or without a last byte that is another; or bytes of the input's own.
std::string some_needle(Input& input, std::string_view text, std::size_t size) {
  const std::size_t form = input.below(4);
  if (form == 0 || text.empty()) return std::string(input.text(size));
  std::string needle(text.substr(input.below(text.size()), size));
  if (form == 1 && !needle.empty()) needle.back() = static_cast<char>(needle.back() ^ 1);
  return needle;
}

std::string told(const Found& found) {
  if (found.error()) return found.error().message();
  if (!found) return "nothing";
  return std::to_string(found.size()) + " bytes at " + std::to_string(*found);
}

std::string told(const Wanted& wanted) {
  constexpr std::array<std::string_view, 4> kinds{"a byte", "bytes", "any of some bytes", "the end of a line"};
  const std::size_t detail =
      wanted.kind == Wanted::Kind::line_end ? static_cast<std::size_t>(wanted.style) : wanted.bytes.size();
  return std::string(kinds[static_cast<std::size_t>(wanted.kind)]) + " (" + std::to_string(detail) + ") from " +
         std::to_string(wanted.range.from) + " within " +
         (wanted.range.within == unlimited ? "all" : std::to_string(wanted.range.within));
}

}  // namespace

Wanted Wanted::chosen(Input& input, std::string_view text) {
  Wanted wanted;
  const std::size_t form = input.byte();
  wanted.kind = static_cast<Kind>(form % 4);
  switch (wanted.kind) {
    case Kind::byte:
      wanted.bytes = some_needle(input, text, 1);
      if (wanted.bytes.empty()) wanted.bytes = "\n";
      break;
    case Kind::bytes: wanted.bytes = some_needle(input, text, input.below(40)); break;
    case Kind::any_of: wanted.bytes = some_needle(input, text, input.below(9)); break;
    case Kind::line_end: wanted.style = static_cast<LineEnd>(input.below(5)); break;
  }
  if (form / 4 % 2 != 0) wanted.range.from = input.below(text.size() + 2);
  if (form / 8 % 2 != 0) wanted.range.within = input.below(text.size() + 2);
  return wanted;
}

Found plain_line_end(std::string_view text, LineEnd style, SearchRange range) {
  text = text.substr(0, range.within);
  for (std::size_t i = range.from; i < text.size(); ++i) {
    const std::string_view here = text.substr(i);
    switch (style) {
      case LineEnd::crlf:
      case LineEnd::crlf_strict:
        if (here.starts_with("\r\n")) return {i, 2};
        if (here[0] == '\n' && style == LineEnd::crlf) return {i, 1};
        break;
      case LineEnd::lf:
        if (here[0] == '\n') return {i, 1};
        break;
      case LineEnd::nul:
        if (here[0] == '\0') return {i, 1};
        break;
      case LineEnd::any:
        if (here[0] == '\r' || here[0] == '\n') return {i, std::min(here.find_first_not_of("\r\n"), here.size())};
        break;
    }
  }
  return {};
}

Found plain_find(std::string_view text, const Wanted& wanted) {
  if (wanted.kind == Wanted::Kind::line_end) return plain_line_end(text, wanted.style, wanted.range);
  const std::string_view searched = text.substr(0, wanted.range.within);
  const bool is_set = wanted.kind == Wanted::Kind::any_of;
  if (wanted.range.from > searched.size()) return {};
  const std::size_t offset =
      is_set ? searched.find_first_of(wanted.bytes, wanted.range.from) : searched.find(wanted.bytes, wanted.range.from);
  if (offset == std::string_view::npos) return {};
  return {offset, is_set ? 1 : wanted.bytes.size()};
}

void require_same(const Found& found, const Found& expected, const Wanted& wanted, std::string_view where) {
  if (found == expected) [[likely]]
    return;
  give_up("the search for " + told(wanted) + ' ' + std::string(where) + " found " + told(found) + " instead of " +
          told(expected));
}

}  // namespace weir::fuzz
