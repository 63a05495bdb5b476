// weir: things to search for, and a search that is too simple to be wrong.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "fuzz/fuzz.h"
#include "weir/buffer/search.h"

namespace weir::fuzz {

/// What is searched for, and where.
struct Wanted {
  enum class Kind : std::uint8_t { byte, bytes, any_of, line_end };

  /// As the input chooses, for a search in `text`: often something that is there, or nearly.
  static Wanted chosen(Input& input, std::string_view text);

  Kind kind = Kind::byte;
  std::string bytes;  ///< one for a byte; the members of a set
  LineEnd style = LineEnd::crlf;
  SearchRange range;
};

/// What every search should find.
Found plain_find(std::string_view text, const Wanted& wanted);

/// The first end of a line in the range, as the comments on LineEnd tell.
Found plain_line_end(std::string_view text, LineEnd style, SearchRange range = {});

/// What a Buffer, a Cursor or a RingBuffer finds; `resume` is nothing, or a SearchPosition.
template <class Searched, class... Resume>
Found find_in(Searched& searched, const Wanted& wanted, Resume&... resume) {
  switch (wanted.kind) {
    case Wanted::Kind::byte: return searched.find(static_cast<std::byte>(wanted.bytes[0]), resume..., wanted.range);
    case Wanted::Kind::bytes: return searched.find(wanted.bytes, resume..., wanted.range);
    case Wanted::Kind::any_of: return searched.find_any(ByteSet(wanted.bytes), resume..., wanted.range);
    case Wanted::Kind::line_end: break;
  }
  return searched.find_line_end(wanted.style, resume..., wanted.range);
}

/// Gives up unless both are the same, and tells what was searched for.
void require_same(const Found& found, const Found& expected, const Wanted& wanted, std::string_view where);

}  // namespace weir::fuzz
