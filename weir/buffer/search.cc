// weir: search for bytes across slices.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <new>
#include <optional>

#include "weir/buffer/search_pieces.h"

namespace weir {
namespace {

/// Below this a run is matched byte by byte: setting memmem up costs more.
constexpr std::size_t shortest_fast_run = 64;

/// Matches a needle byte by byte across slices (Knuth, Morris, Pratt): never looks back at the bytes searched.
class Matcher {
 public:
  explicit Matcher(Bytes needle) noexcept : needle_(needle) {}

  std::size_t matched() const noexcept { return matched_; }
  void restart() noexcept { matched_ = 0; }

  /// True when this byte completes the needle.
  bool step(std::byte byte) noexcept {
    while (matched_ != 0 && needle_[matched_] != byte) matched_ = border(matched_);
    if (needle_[matched_] == byte) ++matched_;
    return matched_ == needle_.size();
  }

 private:
  /// The longest proper beginning of the needle that is also an end of its first `length` bytes.
  std::size_t border(std::size_t length) noexcept {
    if (table_ == nullptr && !build()) return compare_for_border(length);
    return table_[length - 1];
  }

  /// False when there is no memory for the table of a long needle.
  bool build() noexcept {
    table_ = short_table_.data();
    if (needle_.size() > short_table_.size()) {
      long_table_.reset(new (std::nothrow) std::size_t[needle_.size()]);
      table_ = long_table_.get();
      if (table_ == nullptr) return false;
    }
    table_[0] = 0;
    std::size_t length = 0;
    for (std::size_t i = 1; i < needle_.size(); ++i) {
      while (length != 0 && needle_[i] != needle_[length]) length = table_[length - 1];
      if (needle_[i] == needle_[length]) ++length;
      table_[i] = length;
    }
    return true;
  }

  /// The same answer without a table, slowly.
  std::size_t compare_for_border(std::size_t length) const noexcept {
    std::size_t border = length - 1;
    while (border != 0 && std::memcmp(needle_.data(), needle_.data() + length - border, border) != 0) --border;
    return border;
  }

  Bytes needle_;
  std::size_t matched_ = 0;
  std::size_t* table_ = nullptr;
  std::array<std::size_t, 64> short_table_;
  std::unique_ptr<std::size_t[]> long_table_;
};

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

/// Null when it is not there.
const std::byte* find_byte(Bytes run, std::byte wanted) noexcept {
  return static_cast<const std::byte*>(std::memchr(run.data(), static_cast<int>(wanted), run.size()));
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

SearchEnd search_byte(const SearchSpace& space, std::byte wanted, SearchRange range) noexcept {
  return search_single(space, range, [wanted](Bytes run) { return find_byte(run, wanted); });
}

const std::byte* find_any(Bytes run, const ByteSet& wanted) noexcept {
  for (const std::byte& byte : run) {
    if (wanted.has(byte)) return &byte;
  }
  return nullptr;
}

/// The ends "\n" and "\r\n"; only the second when it is `strict`.
SearchEnd search_newline(const SearchSpace& space, bool strict, SearchRange range) noexcept {
  Found found;
  bool is_after_return = false;  // the last byte of the run before, then of the last run
  const Seen seen = visit_runs(space, range, [&](Bytes run, std::size_t begin) {
    const std::byte* const first = run.data();
    const std::byte* const last = first + run.size();
    for (const std::byte* at = first; at != last; ++at) {
      at = find_byte({at, last}, std::byte{'\n'});
      if (at == nullptr) break;
      const bool has_return = at == first ? is_after_return : at[-1] == std::byte{'\r'};
      if (strict && !has_return) continue;
      const std::size_t size = has_return ? 2 : 1;
      found = {begin + static_cast<std::size_t>(at - first) + 1 - size, size};
      return true;
    }
    is_after_return = last[-1] == std::byte{'\r'};
    return false;
  });
  return found ? found_at(*found, found.size()) : found_nothing(seen, is_after_return ? 1 : 0);
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

/// Where in `run` a match ends, given what `matcher` matched before it; leaves in `matcher` what may continue behind it.
/// A match that lies inside the run is left to memmem; the matcher sees only the bytes near the run's ends.
std::optional<std::size_t> search_run(Bytes run, Bytes needle, Matcher& matcher) noexcept {
  std::size_t i = 0;
  while (i < run.size() && matcher.matched() > i) {  // what is matched began in an earlier run
    if (matcher.step(run[i++])) return i;
  }
  if (matcher.matched() > i) return std::nullopt;
  i -= matcher.matched();
  matcher.restart();
  if (run.size() - i >= std::max(needle.size(), shortest_fast_run)) {
    const void* hit = memmem(run.data() + i, run.size() - i, needle.data(), needle.size());
    if (hit != nullptr)
      return static_cast<std::size_t>(static_cast<const std::byte*>(hit) - run.data()) + needle.size();
    i = run.size() - needle.size() + 1;
  }
  while (i < run.size()) {
    if (matcher.step(run[i++])) return i;
  }
  return std::nullopt;
}

}  // namespace

SearchEnd search(const SearchSpace& space, Bytes needle, SearchRange range) noexcept {
  if (needle.empty()) {
    const bool is_inside = range.from <= std::min(range.within, space.size);
    return {.found = is_inside ? Found(range.from, 0) : Found(), .next = range.from};
  }
  if (needle.size() == 1) return search_byte(space, needle[0], range);
  Matcher matcher(needle);
  std::size_t offset = unlimited;
  const Seen seen = visit_runs(space, range, [&](Bytes run, std::size_t begin) {
    const std::optional<std::size_t> end = search_run(run, needle, matcher);
    if (end) offset = begin + *end - needle.size();
    return end.has_value();
  });
  return offset != unlimited ? found_at(offset, needle.size()) : found_nothing(seen, matcher.matched());
}

SearchEnd search(const SearchSpace& space, const ByteSet& wanted, SearchRange range) noexcept {
  return search_single(space, range, [&wanted](Bytes run) { return find_any(run, wanted); });
}

SearchEnd search(const SearchSpace& space, LineEnd style, SearchRange range) noexcept {
  switch (style) {
    case LineEnd::crlf: return search_newline(space, false, range);
    case LineEnd::crlf_strict: return search_newline(space, true, range);
    case LineEnd::lf: return search_byte(space, std::byte{'\n'}, range);
    case LineEnd::nul: return search_byte(space, std::byte{0}, range);
    case LineEnd::any: return search_any_end(space, range);
  }
  return {};
}

}  // namespace weir
