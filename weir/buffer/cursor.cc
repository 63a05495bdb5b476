// weir: reads numbers, strings and pieces out of a buffer without consuming it.
// SPDX-License-Identifier: MIT
#include "weir/buffer/cursor.h"

#include <algorithm>
#include <cstring>

#include "weir/buffer/copy.h"

namespace weir {

Cursor::Cursor(const Buffer& buffer) noexcept
    : buffer_(&buffer),
      slice_(buffer.slices().begin()),
      run_(buffer.front()),
      left_(buffer.size()),
      size_(buffer.size()),
      front_(run_.data()) {}

/// Requires that the present run is used up.
void Cursor::next_run() noexcept {
  ++slice_;
  run_ = left_ > 0 ? slice_->bytes() : Bytes();
}

bool Cursor::skip(std::size_t count) noexcept {
  check();
  if (count > left_) return false;
  while (count > 0) {
    const std::size_t step = std::min(count, run_.size());
    advance_in_run(step);
    count -= step;
  }
  return true;
}

bool Cursor::read(MutableBytes into) noexcept {
  check();
  if (into.size() > left_) return false;
  while (!into.empty()) {
    const std::size_t step = std::min(into.size(), run_.size());
    copy_bytes(into.data(), run_.data(), step);
    advance_in_run(step);
    into = into.subspan(step);
  }
  return true;
}

Result<std::optional<std::uint64_t>> Cursor::read_varint() noexcept {
  const Cursor before = *this;
  VarintRead varint;
  while (varint.state == VarintRead::State::unfinished) {
    const std::optional<std::byte> byte = read_byte();
    if (!byte) break;
    varint.add(*byte);
  }
  if (varint.state == VarintRead::State::whole) return std::optional(varint.value);
  *this = before;
  if (varint.state == VarintRead::State::too_large) return std::make_error_code(std::errc::value_too_large);
  return std::optional<std::uint64_t>();
}

Result<std::optional<std::int64_t>> Cursor::read_signed_varint() noexcept {
  const Result<std::optional<std::uint64_t>> folded = read_varint();
  if (!folded) return folded.error();
  if (!*folded) return std::optional<std::int64_t>();
  return std::optional(unfold_sign(**folded));
}

std::optional<std::string> Cursor::read_string(std::size_t count) {
  if (count > left_) return std::nullopt;
  std::string text(count, '\0');
  (void)read(std::as_writable_bytes(std::span(text.data(), text.size())));
  return text;
}

Result<std::optional<std::string>> Cursor::read_terminated_string(std::size_t limit) {
  Cursor end = *this;
  std::size_t length = 0;
  while (!end.is_at_end() && length < limit) {
    const Bytes run = end.run().first(std::min(end.run().size(), limit - length));
    const void* nul = std::memchr(run.data(), 0, run.size());
    if (nul == nullptr) {
      length += run.size();
      (void)end.skip(run.size());
      continue;
    }
    length += static_cast<std::size_t>(static_cast<const std::byte*>(nul) - run.data());
    std::optional<std::string> text = read_string(length);
    (void)skip(1);
    return text;
  }
  if (length >= limit) return errc::limit;
  return std::optional<std::string>();
}

Slice Cursor::read_slice(std::size_t count) noexcept {
  check();
  if (is_at_end() || count == 0) return {};
  const std::size_t taken = std::min(count, run_.size());
  const auto offset = static_cast<std::size_t>(run_.data() - slice_->data());
  Slice slice = slice_->subslice(offset, taken);
  advance_in_run(taken);
  return slice;
}

/// Goes forward only when all of it was had: the cursor stays if memory runs out.
Buffer Cursor::read_buffer(std::size_t count) {
  expects(count <= left_);
  Cursor ahead = *this;
  Buffer result(buffer_->pool());
  while (count > 0) {
    Slice slice = ahead.read_slice(count);
    count -= slice.size();
    result.append(std::move(slice));
  }
  *this = ahead;
  return result;
}

}  // namespace weir
