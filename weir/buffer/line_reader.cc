// weir: lines out of a buffer.
// SPDX-License-Identifier: MIT
#include "weir/buffer/line_reader.h"

#include <algorithm>
#include <utility>

namespace weir {
namespace {

constexpr std::size_t longest_end = 2;

}  // namespace

std::size_t LineReader::longest_frame() const noexcept { return limit_ + std::min(longest_end, unlimited - limit_); }

/// Requires that no end begins in the first `limit_ + 1` bytes behind `skipped`. The last of them may be the first half of
/// one.
bool LineReader::is_too_long(const Buffer& input, std::size_t skipped) const {
  const std::size_t size = input.size() - skipped;
  if (size <= limit_) return false;
  const bool may_end = style_ == LineEnd::crlf || style_ == LineEnd::crlf_strict;
  if (!may_end || size - limit_ > 1) return true;
  std::byte last{};
  input.copy_to({&last, 1}, skipped + limit_);
  return last != std::byte{'\r'};
}

/// How many bytes in front are what is left of a run of line ends.
std::size_t LineReader::ends_in_front(const Buffer& input) const noexcept {
  if (style_ != LineEnd::any) return 0;
  std::size_t count = 0;
  for (SliceQueue::Iterator piece = input.queue_.begin(); piece && is_in_memory(*piece); ++piece) {
    const Bytes run(piece->data, piece->size);
    const auto line =
        std::find_if(run.begin(), run.end(), [](std::byte b) { return b != std::byte{'\r'} && b != std::byte{'\n'}; });
    count += static_cast<std::size_t>(line - run.begin());
    if (line != run.end()) break;
  }
  return count;
}

/// The end of the next line, which begins behind `skipped` bytes.
Found LineReader::find_behind(Buffer& input, std::size_t skipped) noexcept {
  const std::size_t within = skipped + std::min(longest_frame(), unlimited - skipped);
  const Found end = input.find_line_end(style_, position_, {.from = skipped, .within = within});
  if (end) [[likely]]
    return *end - skipped <= limit_ ? end : Found(errc::limit);
  return !end.error() && is_too_long(input, skipped) ? Found(errc::limit) : end;
}

Found LineReader::find(Buffer& input) noexcept {
  if (style_ != LineEnd::any) [[likely]]
    return find_behind(input, 0);
  const std::size_t skipped = ends_in_front(input);
  const Found end = find_behind(input, skipped);
  if (skipped != 0) input.drop(skipped);  // the last act on it: observers and release callbacks may end it
  return end ? Found(*end - skipped, end.size()) : end;
}

Result<std::optional<Buffer>> LineReader::next(Buffer& input) {
  Result<std::optional<Buffer>> line{std::optional<Buffer>()};  // the only thing returned, so that it is never moved
  const std::size_t skipped = ends_in_front(input);
  const Found end = find_behind(input, skipped);
  if (end) {
    input.take_to(line->emplace(), *end - skipped, end.size(), skipped);
    return line;
  }
  if (end.error()) line = end.error();
  if (skipped != 0) input.drop(skipped);
  return line;
}

}  // namespace weir
