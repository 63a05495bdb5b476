// weir: a byte ring whose content, and whose room, is always one contiguous piece.
// SPDX-License-Identifier: MIT
#include "weir/buffer/ring_buffer.h"

#include <algorithm>
#include <bit>
#include <cerrno>

#include "weir/buffer/copy.h"
#include "weir/buffer/pool.h"
#include "weir/buffer/search_pieces.h"
#include "weir/buffer/slice_queue.h"
#include "weir/sys/memory.h"

namespace weir {

Result<RingBuffer> RingBuffer::create(std::size_t capacity) {
  if (capacity == 0 || capacity > max_capacity) return system_error(EINVAL);
  const std::size_t rounded = std::bit_ceil(std::max(capacity, sys::page_bytes()));
  std::error_code error;
  auto* memory = static_cast<std::byte*>(sys::map_twice(rounded, error));
  if (memory == nullptr) return error;
  return RingBuffer(memory, rounded, Pool::default_pool().unique_number());
}

RingBuffer::~RingBuffer() {
  if (memory_ != nullptr) sys::unmap_pages(memory_, 2 * capacity_);
}

void RingBuffer::commit(std::size_t count) {
  expects(count <= capacity_ - size_);
  size_ += count;
}

bool RingBuffer::append(Bytes bytes) noexcept {
  if (bytes.size() > capacity_ - size_) return false;
  if (!bytes.empty()) copy_bytes(memory_ + head_ + size_, bytes.data(), bytes.size());
  size_ += bytes.size();
  return true;
}

std::size_t RingBuffer::append_some(Bytes bytes) noexcept {
  const Bytes some = bytes.first(std::min(bytes.size(), capacity_ - size_));
  (void)append(some);
  return some.size();
}

void RingBuffer::drop(std::size_t count) {
  expects(count <= size_);
  size_ -= count;
  dropped_ += count;
  head_ = size_ == 0 ? 0 : (head_ + count) & (capacity_ - 1);  // from the start again: the same pages stay warm
}

std::size_t RingBuffer::copy_to(MutableBytes to, std::size_t offset) const {
  expects(offset <= size_);
  const std::size_t count = std::min(to.size(), size_ - offset);
  if (count != 0) copy_bytes(to.data(), memory_ + head_ + offset, count);
  return count;
}

std::size_t RingBuffer::take(MutableBytes to) {
  const std::size_t count = copy_to(to);
  drop(count);
  return count;
}

template <class Wanted>
SearchEnd RingBuffer::search(const Wanted& wanted, SearchRange range) const noexcept {
  SliceQueue content;
  if (size_ != 0) content.push_reserved({memory_ + head_, size_, nullptr});
  const SearchEnd end = weir::search({.piece = content.begin(), .size = size_}, wanted, range);
  content.forget();
  return end;
}

template <class Wanted>
Found RingBuffer::find_on(const Wanted& wanted, SearchPosition& resume, SearchRange range) const noexcept {
  if (range.from > size_) return {};
  range.from = resume.begin(pattern_of(wanted), dropped_, range.from, size_);
  const SearchEnd end = search(wanted, range);
  resume.end(dropped_ + end.next);
  return end.found;
}

Found RingBuffer::find(Bytes needle, SearchRange range) const noexcept { return search(needle, range).found; }

Found RingBuffer::find_any(const ByteSet& wanted, SearchRange range) const noexcept {
  return search(wanted, range).found;
}

Found RingBuffer::find_line_end(LineEnd style, SearchRange range) const noexcept { return search(style, range).found; }

Found RingBuffer::find(Bytes needle, SearchPosition& resume, SearchRange range) const noexcept {
  return find_on(needle, resume, range);
}

Found RingBuffer::find_any(const ByteSet& wanted, SearchPosition& resume, SearchRange range) const noexcept {
  return find_on(wanted, resume, range);
}

Found RingBuffer::find_line_end(LineEnd style, SearchPosition& resume, SearchRange range) const noexcept {
  return find_on(style, resume, range);
}

}  // namespace weir
