// weir: lines out of a buffer.
// SPDX-License-Identifier: MIT
#include "weir/buffer/line_reader.h"

#include <algorithm>
#include <utility>

namespace weir {
namespace {

constexpr std::size_t longest_end = 2;

/// Takes off what is left of a run of line ends.
[[gnu::noinline]] void drop_ends(Buffer& input) {
  for (Bytes front = input.front(); !front.empty(); front = input.front()) {
    const auto line = std::find_if(front.begin(), front.end(),
                                   [](std::byte b) { return b != std::byte{'\r'} && b != std::byte{'\n'}; });
    const bool is_line = line != front.end();
    input.drop(static_cast<std::size_t>(line - front.begin()));
    if (is_line) return;
  }
}

}  // namespace

std::size_t LineReader::longest_frame() const noexcept { return limit_ + std::min(longest_end, unlimited - limit_); }

/// Requires that no end begins in the first `limit_ + 1` bytes. The last of them may be the first half of one.
bool LineReader::is_too_long(const Buffer& input) const {
  if (input.size() <= limit_) return false;
  const bool may_end = style_ == LineEnd::crlf || style_ == LineEnd::crlf_strict;
  if (!may_end || input.size() - limit_ > 1) return true;
  std::byte last{};
  input.copy_to({&last, 1}, limit_);
  return last != std::byte{'\r'};
}

Found LineReader::find(Buffer& input) noexcept {
  if (style_ == LineEnd::any) drop_ends(input);
  const Found end = input.find_line_end(style_, position_, {.within = longest_frame()});
  if (end) [[likely]]
    return *end <= limit_ ? end : Found(errc::limit);
  return !end.error() && is_too_long(input) ? Found(errc::limit) : end;
}

Result<std::optional<Buffer>> LineReader::next(Buffer& input) {
  Result<std::optional<Buffer>> line{std::optional<Buffer>()};  // the only thing returned, so that it is never moved
  const Found end = find(input);
  if (end) {
    input.take_to(line->emplace(), *end, end.size());
  } else if (end.error()) {
    line = end.error();
  }
  return line;
}

}  // namespace weir
