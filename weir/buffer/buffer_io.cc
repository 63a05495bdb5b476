// weir: buffers read from descriptors and written to them, for programs that do their own waiting.
// SPDX-License-Identifier: MIT
#include "weir/buffer/buffer_io.h"

#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <utility>

#include "weir/buffer/copy.h"
#include "weir/buffer/file_range.h"
#include "weir/buffer/pool.h"
#include "weir/sys/calls.h"

namespace weir {
namespace {

using namespace weir::literals;

constexpr std::size_t largest_read = 1_MiB;
constexpr std::size_t least_used_part = 16;  // of a block that was read into; less is copied out of it
constexpr std::size_t file_step = 64_KiB;    // of a file range, read to be written

/// Makes the call again while signals interrupt it.
template <class Call>
sys::CallResult uninterrupted(Call call) {
  for (;;) {
    const sys::CallResult result = call();
    if (result || result.error_number() != EINTR) return result;
  }
}

}  // namespace

/// Room for one read into a buffer, such that nothing remains to be allocated once the bytes are there.
class ReadRoom {
 public:
  /// Throws std::bad_alloc.
  ReadRoom(Buffer& buffer, std::size_t most) : buffer_(buffer) {
    expects(!buffer.is_back_frozen());
    most = std::min({most, Buffer::max_size - buffer.size_, largest_read});
    // One place is certain, so there may be two parts only if the first one lengthens the last slice.
    if (most == 0 || !buffer.queue_.reserve_one()) throw_bad_alloc();
    const std::size_t room = buffer.block_room();
    if (buffer.is_attached() || room >= most) in_tail_ = std::min(room, most);
    if (in_tail_ != 0) parts_[count_++] = {.iov_base = buffer.write_, .iov_len = in_tail_};
    if (in_tail_ == most) return;
    block_ = buffer.pool().acquire(most - in_tail_);
    if (block_ == nullptr) throw_bad_alloc();
    parts_[count_++] = {.iov_base = block_->memory, .iov_len = most - in_tail_};
  }
  ReadRoom(const ReadRoom&) = delete;
  ReadRoom& operator=(const ReadRoom&) = delete;
  ~ReadRoom() { let_go_block(block_); }

  std::span<const iovec> parts() const noexcept { return std::span(parts_).first(count_); }

  /// Makes the first `count` bytes of the room content. At least one.
  void commit(std::size_t count) noexcept {
    DeadBlocks dead;
    buffer_.end_preparation();
    if (in_tail_ != 0) buffer_.grow_into_room(std::min(count, in_tail_));
    if (count > in_tail_) {
      const std::size_t in_block = count - in_tail_;
      BlockHeader* block = fitting_block(in_block);
      block->hold();  // once for the slice, once for the window
      buffer_.queue_.push_reserved({block->memory, in_block, block});
      buffer_.size_ += in_block;
      buffer_.set_window(block, block->memory + in_block, dead);
    }
    buffer_.tell_changed(count, 0);
  }

 private:
  /// The block with what was read into it; or a copy if that is little, and there is memory: few bytes do not hold a large
  /// block.
  BlockHeader* fitting_block(std::size_t count) noexcept {
    if (count <= block_->capacity / least_used_part) {
      if (BlockHeader* small = buffer_.pool().acquire(buffer_.next_block_bytes(count))) {
        copy_bytes(small->memory, block_->memory, count);
        return small;
      }
    }
    return std::exchange(block_, nullptr);
  }

  Buffer& buffer_;
  std::size_t in_tail_ = 0;  ///< bytes of the room that lie behind the content
  BlockHeader* block_ = nullptr;
  std::array<iovec, 2> parts_{};
  std::size_t count_ = 0;
};

namespace {

/// Reads up to `most` bytes into the buffer by `call`.
template <class Call>
Result<std::size_t> read_pieces(Buffer& buffer, std::size_t most, Call call) {
  if (most == 0) return std::size_t{0};
  ReadRoom room(buffer, most);
  const sys::CallResult count = uninterrupted([&] { return call(room.parts()); });
  if (!count) return count.error();
  if (count.count() == 0) return errc::eof;
  room.commit(count.count());
  return count.count();
}

/// Describes the front of the buffer, writes it by `call`, and drops what was taken.
template <class Call>
Result<std::size_t> write_pieces(Buffer& buffer, std::size_t most, Call call) {
  if (most == 0 || buffer.is_empty()) return std::size_t{0};
  const std::optional<FileRange> file = buffer.front_file();  // kept open: its release might be the end of the buffer
  if (file) {
    const Result<void> read = buffer.materialize(std::min({file->size(), file_step, most}));
    if (!read && buffer.front().empty()) return read.error();
  }
  std::array<iovec, sys::Kernel::most_pieces> pieces;  // set as far as it is used
  const std::size_t filled = buffer.gather(pieces, 0, most);
  const sys::CallResult count = uninterrupted([&] { return call(std::span<const iovec>(pieces).first(filled)); });
  if (!count) return count.error();
  buffer.drop(count.count());
  return count.count();
}

}  // namespace

Result<std::size_t> read_from(int descriptor, Buffer& buffer, std::size_t most) {
  return read_pieces(buffer, most, [&](auto pieces) { return sys::read_pieces(descriptor, pieces); });
}

Result<std::size_t> read_from_at(int descriptor, std::uint64_t offset, Buffer& buffer, std::size_t most) {
  return read_pieces(buffer, most, [&](auto pieces) { return sys::read_pieces_at(descriptor, pieces, offset); });
}

Result<std::size_t> write_to(int descriptor, Buffer& buffer, std::size_t most) {
  return write_pieces(buffer, most, [&](auto pieces) { return sys::write_pieces(descriptor, pieces); });
}

Result<std::size_t> write_to_at(int descriptor, std::uint64_t offset, Buffer& buffer, std::size_t most) {
  return write_pieces(buffer, most, [&](auto pieces) { return sys::write_pieces_at(descriptor, pieces, offset); });
}

Result<void> write_all_to(int descriptor, Buffer& buffer) {
  while (!buffer.is_empty()) {
    const Result<std::size_t> written = write_to(descriptor, buffer);
    if (!written) return written.error();
    if (*written == 0) return system_error(EIO);  // or it would be tried for ever
  }
  return {};
}

}  // namespace weir
