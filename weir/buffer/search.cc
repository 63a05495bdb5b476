// weir: search for bytes across slices.
// SPDX-License-Identifier: MIT
#include "weir/buffer/search.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <new>

#include "weir/buffer/slice_queue.h"

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

/// Calls `visit(run, offset)` for the parts of the pieces that lie in [from, to), until it returns true.
template <class Visit>
void visit_runs(const SliceQueue& queue, std::size_t from, std::size_t to, Visit visit) noexcept {
  std::size_t begin = 0;
  for (SliceQueue::Iterator piece = queue.begin(); piece && begin < to; ++piece) {
    const std::size_t end = begin + piece->size;
    const std::size_t first = std::max(begin, from);
    const std::size_t last = std::min(end, to);
    if (first < last && visit(Bytes(piece->data + (first - begin), last - first), first)) return;
    begin = end;
  }
}

std::optional<std::size_t> search_byte(const SliceQueue& queue, std::byte wanted, std::size_t from,
                                       std::size_t to) noexcept {
  const std::byte* hit = nullptr;
  std::size_t found = 0;
  visit_runs(queue, from, to, [&](Bytes run, std::size_t offset) {
    hit = static_cast<const std::byte*>(std::memchr(run.data(), static_cast<int>(wanted), run.size()));
    if (hit != nullptr) found = offset + static_cast<std::size_t>(hit - run.data());
    return hit != nullptr;
  });
  if (hit == nullptr) return std::nullopt;
  return found;
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

std::optional<std::size_t> search(const SliceQueue& queue, Bytes needle, std::size_t from,
                                  std::size_t within) noexcept {
  if (needle.empty()) return from;
  if (needle.size() == 1) return search_byte(queue, needle[0], from, within);
  Matcher matcher(needle);
  std::optional<std::size_t> found;
  visit_runs(queue, from, within, [&](Bytes run, std::size_t offset) {
    if (const std::optional<std::size_t> end = search_run(run, needle, matcher)) found = offset + *end - needle.size();
    return found.has_value();
  });
  return found;
}

}  // namespace weir
