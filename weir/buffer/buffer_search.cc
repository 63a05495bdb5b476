// weir: searching a buffer, and going on where a search ended.
// SPDX-License-Identifier: MIT
#include <algorithm>

#include "weir/buffer/buffer.h"
#include "weir/buffer/pool.h"
#include "weir/buffer/search_pieces.h"

namespace weir {
namespace {

/// FNV-1a, with a beginning for each kind of search; never 0, which stands for none.
std::uint64_t hash_of(Bytes bytes, std::uint64_t kind) noexcept {
  std::uint64_t hash = 0xCBF29CE484222325 + kind + (bytes.size() << 8);
  for (const std::byte byte : bytes) hash = (hash ^ static_cast<std::uint64_t>(byte)) * 0x100000001B3;
  return hash | 1;
}

std::uint64_t pattern_of(Bytes needle) noexcept { return hash_of(needle, 0); }
std::uint64_t pattern_of(const ByteSet& wanted) noexcept {
  std::uint64_t hash = 1;
  for (const std::uint64_t word : wanted.words()) hash = hash_of(std::as_bytes(std::span(&word, 1)), hash);
  return hash;
}
std::uint64_t pattern_of(LineEnd style) noexcept { return 2 + 2 * static_cast<std::uint64_t>(style); }

}  // namespace

Found Buffer::find(Bytes needle, SearchRange range) const noexcept {
  return search({.piece = queue_.begin(), .size = size_}, needle, range).found;
}

Found Buffer::find_any(const ByteSet& wanted, SearchRange range) const noexcept {
  return search({.piece = queue_.begin(), .size = size_}, wanted, range).found;
}

Found Buffer::find_line_end(LineEnd style, SearchRange range) const noexcept {
  return search({.piece = queue_.begin(), .size = size_}, style, range).found;
}

/// The token remembers an interval, not a single position: what lies before it (prepended, or outside of the range of the
/// last search) was never looked at.
template <class Wanted>
Found Buffer::find_on(const Wanted& wanted, SearchPosition& resume, SearchRange range) noexcept {
  if (range.from > size_) return {};
  if ((state_ & searched_flag) == 0) {
    state_ = pool().unique_number() / consumed_byte * consumed_byte | (state_ & prepared_flag) | searched_flag;
  }
  // The counts wrap at 2^62: what lies before another lies hugely far behind it.
  const auto distance = [](std::uint64_t from, std::uint64_t to) {
    return (to - from) * consumed_byte / consumed_byte;
  };
  const std::uint64_t pattern = pattern_of(wanted);
  const std::uint64_t from = position() + range.from;
  const std::uint64_t known = distance(from, resume.end_);
  const bool is_known = resume.pattern_ == pattern && known <= size_ - range.from &&
                        distance(resume.begin_, from) <= distance(resume.begin_, resume.end_);
  if (is_known) {
    range.from += known;
  } else {
    resume.pattern_ = pattern;
    resume.begin_ = from;
  }
  const SearchEnd end = search({.piece = queue_.begin(), .size = size_}, wanted, range);
  resume.end_ = position() + end.next;
  return end.found;
}

Found Buffer::find(Bytes needle, SearchPosition& resume, SearchRange range) noexcept {
  return find_on(needle, resume, range);
}

Found Buffer::find_any(const ByteSet& wanted, SearchPosition& resume, SearchRange range) noexcept {
  return find_on(wanted, resume, range);
}

Found Buffer::find_line_end(LineEnd style, SearchPosition& resume, SearchRange range) noexcept {
  return find_on(style, resume, range);
}

}  // namespace weir
