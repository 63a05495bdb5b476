// weir: search for bytes across slices.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <optional>
#include <span>

#include "weir/buffer/buffer.h"
#include "weir/buffer/find_byte.h"
#include "weir/buffer/needle_search.h"
#include "weir/buffer/pool.h"
#include "weir/buffer/search_pieces.h"

namespace weir {
namespace {

/// How far the pieces were looked at.
struct Seen {
  std::size_t end;      ///< offset behind the last byte
  bool is_cut = false;  ///< more is there, but not in memory
};

/// Calls `visit(run, offset)` for the parts of the pieces that lie in the range, until it returns true.
template <class Visit>
Seen visit_runs(const SearchSpace& space, SearchRange range, Visit visit) noexcept {
  Seen seen{.end = range.from};
  std::size_t begin = space.offset;
  for (SliceQueue::Iterator piece = space.piece; piece && begin < range.within; ++piece) {
    const std::size_t end = begin + piece->size;
    const std::size_t first = std::max(begin, range.from);
    const std::size_t last = std::min(end, range.within);
    if (first < last) {
      if (!is_in_memory(*piece)) return {.end = seen.end, .is_cut = true};
      seen.end = last;
      if (visit(Bytes(piece->data + (first - begin), last - first), first)) break;
    }
    begin = end;
  }
  return seen;
}

SearchEnd found_at(std::size_t offset, std::size_t size) noexcept { return {.found = {offset, size}, .next = offset}; }

/// Nothing was found; the last `kept` bytes may be the beginning of an occurrence.
SearchEnd found_nothing(const Seen& seen, std::size_t kept) noexcept {
  return {.found = seen.is_cut ? Found(errc::not_in_memory) : Found(), .next = seen.end - kept};
}

/// Looks for single bytes: `find(run)` tells where in the run the first one is, or null.
template <class Find>
SearchEnd search_single(const SearchSpace& space, SearchRange range, Find find) noexcept {
  std::size_t offset = unlimited;
  const Seen seen = visit_runs(space, range, [&](Bytes run, std::size_t begin) {
    const std::byte* hit = find(run);
    if (hit != nullptr) offset = begin + static_cast<std::size_t>(hit - run.data());
    return hit != nullptr;
  });
  return offset != unlimited ? found_at(offset, 1) : found_nothing(seen, 0);
}

/// The ends "\n" and "\r\n"; only the second when it is `strict`.
SearchEnd search_newline(const SearchSpace& space, bool strict, SearchRange range) noexcept {
  std::size_t offset = unlimited;
  std::size_t size = 0;
  bool is_after_return = false;  // the last byte of the run before, then of the last run
  const Seen seen = visit_runs(space, range, [&](Bytes run, std::size_t begin) {
    const std::byte* const first = run.data();
    const std::byte* const last = first + run.size();
    for (const std::byte* at = first; at != last; ++at) {
      at = find_byte({at, last}, std::byte{'\n'});
      if (at == nullptr) break;
      const bool has_return = at == first ? is_after_return : at[-1] == std::byte{'\r'};
      if (strict && !has_return) continue;
      size = has_return ? 2 : 1;
      offset = begin + static_cast<std::size_t>(at - first) + 1 - size;
      return true;
    }
    is_after_return = last[-1] == std::byte{'\r'};
    return false;
  });
  return offset != unlimited ? found_at(offset, size) : found_nothing(seen, is_after_return ? 1 : 0);
}

/// The first run of "\r" and "\n", as long as it is in memory and in the range.
SearchEnd search_any_end(const SearchSpace& space, SearchRange range) noexcept {
  static constexpr ByteSet ends("\r\n");
  const SearchEnd first = search(space, ends, range);
  if (!first.found) return first;
  std::size_t end = *first.found;
  range.from = end;
  (void)visit_runs(space, range, [&](Bytes run, std::size_t) {
    const auto other = std::find_if_not(run.begin(), run.end(), [](std::byte byte) { return ends.has(byte); });
    end += static_cast<std::size_t>(other - run.begin());
    return other != run.end();
  });
  return found_at(*first.found, end - *first.found);
}

/// FNV-1a, with a beginning for each kind of search. Odd, as those of line ends are not.
std::uint64_t hash_of(Bytes bytes, std::uint64_t kind) noexcept {
  std::uint64_t hash = 0xCBF29CE484222325 + kind + (bytes.size() << 8);
  for (const std::byte byte : bytes) hash = (hash ^ static_cast<std::uint64_t>(byte)) * 0x100000001B3;
  return hash | 1;
}

}  // namespace

std::uint64_t pattern_of(Bytes needle) noexcept { return hash_of(needle, 0); }

std::uint64_t pattern_of(const ByteSet& wanted) noexcept {
  std::uint64_t hash = 1;
  for (const std::uint64_t word : wanted.words()) hash = hash_of(std::as_bytes(std::span(&word, 1)), hash);
  return hash;
}

SearchEnd search(const SearchSpace& space, std::byte wanted, SearchRange range) noexcept {
  return search_single(space, range, [wanted](Bytes run) { return find_byte(run, wanted); });
}

SearchEnd search(const SearchSpace& space, Bytes needle, SearchRange range) noexcept {
  if (needle.empty()) {
    const bool is_inside = range.from <= std::min(range.within, space.size);
    return {.found = is_inside ? Found(range.from, 0) : Found(), .next = range.from};
  }
  if (needle.size() == 1) return search(space, needle[0], range);
  NeedleSearch needles(needle);
  std::size_t offset = unlimited;
  const Seen seen = visit_runs(space, range, [&](Bytes run, std::size_t begin) {
    const std::optional<std::size_t> end = needles.find_end(run);
    if (end) offset = begin + *end - needle.size();
    return end.has_value();
  });
  return offset != unlimited ? found_at(offset, needle.size()) : found_nothing(seen, needles.matched());
}

SearchEnd search(const SearchSpace& space, const ByteSet& wanted, SearchRange range) noexcept {
  return search_single(space, range, [&wanted](Bytes run) { return find_any(run, wanted); });
}

SearchEnd search(const SearchSpace& space, LineEnd style, SearchRange range) noexcept {
  switch (style) {
    case LineEnd::crlf: return search_newline(space, false, range);
    case LineEnd::crlf_strict: return search_newline(space, true, range);
    case LineEnd::lf: return search(space, std::byte{'\n'}, range);
    case LineEnd::nul: return search(space, std::byte{0}, range);
    case LineEnd::any: return search_any_end(space, range);
  }
  return {};
}

// --- a buffer's ---

/// All pieces; or, as what is new lies mostly in the last one, only that if nothing before it is to be searched.
SearchSpace Buffer::space_from(std::size_t from) const noexcept {
  const Piece* last = queue_.last();
  if (last != nullptr && from >= size_ - last->size) {
    return {.piece = queue_.at_last(), .offset = size_ - last->size, .size = size_};
  }
  return {.piece = queue_.begin(), .offset = 0, .size = size_};
}

/// Gives the first byte a number that no token of another buffer, or of other bytes in this one, knows.
void Buffer::begin_searches() noexcept {
  state_ = pool().unique_number() / consumed_byte * consumed_byte | state_ % consumed_byte | searched_flag;
}

template <class Wanted>
Found Buffer::find_on(const Wanted& wanted, SearchPosition& resume, SearchRange range) noexcept {
  if (range.from > size_) return {};
  const std::uint64_t front = search_origin();
  range.from = resume.begin(pattern_of(wanted), front, range.from, size_);
  const SearchEnd end = search(space_from(range.from), wanted, range);
  resume.end(front + end.next);
  return end.found;
}

Found Buffer::find(std::byte wanted, SearchRange range) const noexcept {
  return search(space_from(range.from), wanted, range).found;
}

Found Buffer::find(Bytes needle, SearchRange range) const noexcept {
  return search(space_from(range.from), needle, range).found;
}

Found Buffer::find_any(const ByteSet& wanted, SearchRange range) const noexcept {
  return search(space_from(range.from), wanted, range).found;
}

Found Buffer::find_line_end(LineEnd style, SearchRange range) const noexcept {
  return search(space_from(range.from), style, range).found;
}

Found Buffer::find(std::byte wanted, SearchPosition& resume, SearchRange range) noexcept {
  return find_on(wanted, resume, range);
}

Found Buffer::find(Bytes needle, SearchPosition& resume, SearchRange range) noexcept {
  return find_on(needle, resume, range);
}

Found Buffer::find_any(const ByteSet& wanted, SearchPosition& resume, SearchRange range) noexcept {
  return find_on(wanted, resume, range);
}

/// Most lines end in the slice that they begin in: that is looked at here, and the rest is left to the search.
Found Buffer::find_line_end(LineEnd style, SearchPosition& resume, SearchRange range) noexcept {
  if (range.from > size_) return {};
  const std::uint64_t number = search_origin();
  range.from = resume.begin(pattern_of(style), number, range.from, size_);
  const Bytes front = this->front();
  const std::size_t within = std::min(range.within, front.size());
  if (range.from >= within || (style != LineEnd::crlf && style != LineEnd::lf)) {
    return find_line_end_beyond_front(style, resume, range);
  }
  const Bytes run(front.data() + range.from, within - range.from);
  const std::byte* const at = find_byte(run, std::byte{'\n'});
  if (at == nullptr) {
    range.from = within - (front[within - 1] == std::byte{'\r'} ? 1 : 0);
    return find_line_end_beyond_front(style, resume, range);
  }
  const bool has_return = style == LineEnd::crlf && at != run.data() && at[-1] == std::byte{'\r'};
  const std::size_t offset = static_cast<std::size_t>(at - front.data()) - (has_return ? 1 : 0);
  resume.end(number + offset);
  return {offset, has_return ? std::size_t{2} : std::size_t{1}};
}

/// Goes on from `range.from`, where `resume` has begun already.
Found Buffer::find_line_end_beyond_front(LineEnd style, SearchPosition& resume, SearchRange range) noexcept {
  const SearchEnd end = search(space_from(range.from), style, range);
  resume.end(position() + end.next);
  return end.found;
}

}  // namespace weir
