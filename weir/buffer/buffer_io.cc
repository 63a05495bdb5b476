// weir: buffers read from descriptors and written to them, for programs that do their own waiting.
// SPDX-License-Identifier: MIT
#include "weir/buffer/buffer_io.h"

#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>

#include "weir/buffer/draft.h"
#include "weir/buffer/file_range.h"
#include "weir/sys/calls.h"

namespace weir {
namespace {

constexpr std::size_t most_pieces = 1024;  // IOV_MAX of Linux: writev(2) refuses more
constexpr std::size_t most_read_pieces = 8;
constexpr std::size_t file_step = std::size_t{64} << 10;  // of a file range, read to be written

/// Makes the call again while signals interrupt it.
template <class Call>
sys::CallResult uninterrupted(Call call) {
  for (;;) {
    const sys::CallResult result = call();
    if (result || result.error_number() != EINTR) return result;
  }
}

/// Stages up to `most` bytes, fills them by `call`, and commits what came.
template <class Call>
Result<std::size_t> read_pieces(Buffer& buffer, std::size_t most, Call call) {
  if (most == 0) return std::size_t{0};
  Draft draft = buffer.draft();
  std::array<iovec, most_read_pieces> pieces;
  std::size_t filled = 0;
  while (filled < pieces.size() && draft.size() < most) {
    const MutableBytes room = draft.allocate_up_to(most - draft.size());
    pieces[filled++] = {.iov_base = room.data(), .iov_len = room.size()};
  }
  const sys::CallResult count = uninterrupted([&] { return call(std::span(pieces).first(filled)); });
  if (!count) return count.error();
  if (count.count() == 0) return errc::eof;
  expects(draft.truncate(count.count()));
  draft.commit();
  return count.count();
}

/// Makes sure that the first bytes are in memory, if any can be had.
Result<void> materialize_front(Buffer& buffer, std::size_t most) {
  const std::optional<FileRange> file = buffer.front_file();
  if (!file) return {};
  return buffer.materialize(std::min({file->size(), file_step, most}));
}

/// Describes the front of the buffer, writes it by `call`, and drops what was taken.
template <class Call>
Result<std::size_t> write_pieces(Buffer& buffer, std::size_t most, Call call) {
  if (most == 0 || buffer.is_empty()) return std::size_t{0};
  if (auto read = materialize_front(buffer, most); !read) return read.error();
  std::array<iovec, most_pieces> pieces;
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
