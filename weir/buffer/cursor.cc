// weir: reads numbers, strings and pieces out of a buffer without consuming it.
// SPDX-License-Identifier: MIT
#include "weir/buffer/cursor.h"

#include <algorithm>
#include <array>

#include "weir/buffer/copy.h"
#include "weir/buffer/search_pieces.h"

namespace weir {

Cursor::Cursor(const Buffer& buffer) noexcept
    : buffer_(&buffer),
      piece_(buffer.queue_.begin()),
      left_(buffer.size()),
      size_(buffer.size()),
      state_(buffer.state_),
      front_(buffer.front().data()) {
  enter_piece();
}

/// Prepared room is no change, and neither is that a search gave the buffer's count of bytes an origin.
bool Cursor::is_unchanged() const noexcept {
  if (buffer_->size() != size_ || buffer_->front().data() != front_) return false;
  constexpr std::uint64_t flags = Buffer::prepared_flag | Buffer::searched_flag;
  const std::uint64_t difference = (buffer_->state_ ^ state_) & ~flags;
  const bool has_new_origin = (state_ & Buffer::searched_flag) == 0 && (buffer_->state_ & Buffer::searched_flag) != 0;
  return (has_new_origin ? difference % Buffer::consumed_byte : difference) == 0;
}

void Cursor::enter_piece() noexcept {
  run_ = {};
  file_left_ = 0;
  if (!piece_) return;
  if (is_in_memory(*piece_)) {
    run_ = {piece_->data, piece_->size};
  } else {
    file_left_ = piece_->size;
  }
}

/// Requires that nothing is left of the present piece.
void Cursor::next_run() noexcept {
  ++piece_;
  enter_piece();
}

bool Cursor::skip(std::size_t count) noexcept {
  check();
  if (count > left_) return false;
  while (count > 0) {
    const std::size_t step = std::min(count, run_.size() + file_left_);
    if (file_left_ == 0) {
      advance_in_run(step);
    } else {
      file_left_ -= step;
      left_ -= step;
      if (file_left_ == 0) next_run();
    }
    count -= step;
  }
  return true;
}

bool Cursor::seek(std::size_t position) noexcept {
  check();
  if (position > size_) return false;
  if (position < this->position()) *this = Cursor(*buffer_);
  return skip(position - this->position());
}

/// Offsets are the buffer's during the search.
template <class Wanted>
Found Cursor::find_ahead(const Wanted& wanted, SearchRange range) const noexcept {
  check();
  if (range.from > left_) return {};
  SearchSpace space{.piece = piece_, .offset = position(), .size = size_};
  if (piece_) space.offset -= piece_->size - run_.size() - file_left_;
  range.from += position();
  range.within += std::min(position(), unlimited - range.within);
  const Found found = search(space, wanted, range).found;
  return found ? Found(*found - position(), found.size()) : found;
}

Found Cursor::find(Bytes needle, SearchRange range) const noexcept { return find_ahead(needle, range); }

Found Cursor::find_any(const ByteSet& wanted, SearchRange range) const noexcept { return find_ahead(wanted, range); }

Found Cursor::find_line_end(LineEnd style, SearchRange range) const noexcept { return find_ahead(style, range); }

bool Cursor::read(MutableBytes into) noexcept {
  check();
  if (into.size() > left_) return false;
  const Cursor before = *this;
  while (!into.empty()) {
    if (is_at_file()) {
      *this = before;
      return false;
    }
    const std::size_t step = std::min(into.size(), run_.size());
    copy_bytes(into.data(), run_.data(), step);
    advance_in_run(step);
    into = into.subspan(step);
  }
  return true;
}

std::optional<std::uint64_t> Cursor::read_unsigned(std::size_t bytes, std::endian order) noexcept {
  expects(bytes >= 1 && bytes <= 8);
  std::array<std::byte, 8> read_bytes;
  if (!read(MutableBytes(read_bytes).first(bytes))) return std::nullopt;
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes; ++i) {
    const std::size_t from_the_top = order == std::endian::big ? i : bytes - 1 - i;
    value = value << 8 | static_cast<std::uint64_t>(read_bytes[from_the_top]);
  }
  return value;
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
  if (!read(std::as_writable_bytes(std::span(text.data(), text.size())))) return std::nullopt;
  return text;
}

Result<std::optional<std::string>> Cursor::read_terminated_string(std::size_t limit) {
  const Found nul = find(std::byte{0}, {.within = limit});
  if (nul.error()) return nul.error();
  if (!nul && left_ >= limit) return errc::limit;
  if (!nul) return std::optional<std::string>();
  std::optional<std::string> text = read_string(*nul);
  (void)skip(1);
  return text;
}

Slice Cursor::read_slice(std::size_t count) noexcept {
  check();
  if (run_.empty() || count == 0) return {};
  const std::size_t taken = std::min(count, run_.size());
  hold_block(piece_->owner);
  const Slice slice(Piece{run_.data(), taken, piece_->owner});
  advance_in_run(taken);
  return slice;
}

/// Goes forward only when all of it was had: the cursor stays if memory runs out.
Buffer Cursor::read_buffer(std::size_t count) {
  expects(count <= left_);
  Cursor ahead = *this;
  Buffer result(buffer_->pool());
  for (std::size_t left = count; left > 0;) {
    if (ahead.is_at_file()) {
      result = buffer_->share(position(), count);
      ahead = *this;
      (void)ahead.skip(count);
      break;
    }
    Slice slice = ahead.read_slice(left);
    left -= slice.size();
    result.append(std::move(slice));
  }
  *this = ahead;
  return result;
}

}  // namespace weir
