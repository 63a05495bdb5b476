// weir: what a buffer does with parts of files.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cerrno>
#include <utility>

#include "weir/buffer/buffer.h"
#include "weir/buffer/file_range.h"
#include "weir/buffer/owned_header.h"
#include "weir/buffer/pool.h"
#include "weir/sys/calls.h"

namespace weir {
namespace {

using namespace weir::literals;

constexpr std::size_t largest_read_block = 64_KiB;  // what is read goes into blocks of this size

/// Fills `into` from the file; `*got` says how far, also after an error.
std::error_code read_file(int descriptor, std::uint64_t offset, MutableBytes into, std::size_t* got) {
  for (*got = 0; *got < into.size();) {
    const sys::CallResult read = sys::read_at(descriptor, into.subspan(*got), offset + *got);
    if (read.error_number() == EINTR) continue;
    if (!read) return read.error();
    if (read.count() == 0) return errc::file_too_short;
    *got += read.count();
  }
  return {};
}

}  // namespace

void Buffer::append(const FileRange& range) { append(FileRange(range)); }

void Buffer::append(FileRange&& range) {
  if (range.is_empty()) return;
  if (!try_append_piece(range.piece_)) throw_bad_alloc();
  const std::size_t added = range.release().size;
  tell_changed(added, 0);
}

std::size_t Buffer::memory_size() const noexcept {
  std::size_t sum = 0;
  for (SliceQueue::Iterator piece = queue_.begin(); piece && is_in_memory(*piece); ++piece) sum += piece->size;
  return sum;
}

std::optional<FileRange> Buffer::front_file() const noexcept {
  if (is_empty() || is_in_memory(queue_.front())) return std::nullopt;
  hold_block(queue_.front().owner);
  return FileRange(queue_.front());
}

/// Reads the first `count` bytes of `file` to the end. After an error, what was read before it is there.
std::error_code Buffer::append_read(const Piece& file, std::size_t count) noexcept {
  while (size_ < count) {
    std::error_code error;
    if (!queue_.reserve_one()) return std::make_error_code(std::errc::not_enough_memory);
    BlockHeader* block = pool().acquire(std::min(count - size_, largest_read_block), &error);
    if (block == nullptr) return error;
    const MutableBytes room(block->memory, std::min(count - size_, largest_read_block));
    std::size_t got = 0;
    error = read_file(owned_file(*file.owner).descriptor, offset_in_file(file) + size_, room, &got);
    if (got != 0) {
      push_piece({block->memory, got, block});
    } else {
      let_go_block(block);
    }
    if (error) return error;
  }
  return {};
}

Result<void> Buffer::materialize(std::size_t count) {
  expects(count <= size_);
  DeadBlocks dead;  // a file that is read to its end may be closed, and tell so
  for (std::size_t before = memory_size(); before < count; before = memory_size()) {
    std::size_t offset = before;
    const SliceQueue::Place place = queue_.find(&offset);
    const Piece file = queue_.at(place);
    Buffer read(pool());
    const std::error_code error = read.append_read(file, std::min(file.size, count - before));
    if (const std::size_t got = read.size_; got != 0) {
      if (!queue_.replace(place, got, read.queue_)) return std::make_error_code(std::errc::not_enough_memory);
      read.size_ = 0;
      count_new_slices();
      if (got == file.size) dead.let_go(file.owner);
      open_window();
    }
    if (error) return error;
  }
  return {};
}

}  // namespace weir
