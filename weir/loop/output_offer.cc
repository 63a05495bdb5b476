// weir: one system call's part of what a stream has to send; internal.
// SPDX-License-Identifier: MIT
#include "weir/loop/output_offer.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include "weir/buffer/file_range.h"
#include "weir/sys/calls.h"

namespace weir {
namespace {

using namespace weir::literals;

constexpr std::size_t pieces_per_send = 64;  // iovecs of one sendmsg(2)
constexpr std::size_t copied_of_file =
    32_KiB;  // of a file at once, where it has to be read: half of the loop's reserve

sys::CallResult offer_pieces(const Sink& sink, std::span<const iovec> pieces, bool precedes_file = false) {
  if (!sink.passed.empty()) [[unlikely]]
    return sys::send_with_descriptors(sink.descriptor, pieces, sink.passed);
  if (sink.is_file) return sys::write_pieces(sink.descriptor, pieces);  // write(2) could raise SIGPIPE
  if (pieces.size() > 1 || precedes_file) return sys::send_pieces(sink.descriptor, pieces, precedes_file);
  return sys::send(sink.descriptor, {static_cast<const std::byte*>(pieces[0].iov_base), pieces[0].iov_len});
}

/// Reads the beginning of the range and offers that. The rest of what the socket does not take is read again, later.
Offer offer_copy(const Sink& sink, const FileRange& file, std::size_t size, PoolReserve& reserve) {
  (void)reserve.refill();
  Result<Block> block = reserve.allocate(std::min(size, copied_of_file));
  if (!block) return {.taken = sys::CallResult::failure(ENOMEM), .must_retry = true};
  const MutableBytes room = block->room().first(std::min(size, copied_of_file));
  const sys::CallResult got = sys::read_at(file.descriptor(), room, file.offset());
  // EAGAIN is the file's here, and would be taken for the socket's, which reports when it has room again.
  if (got.error_number() == EAGAIN) return {.taken = sys::CallResult::failure(EIO)};
  if (!got || got.count() == 0) return {.taken = got, .is_file = true};
  const iovec piece{.iov_base = room.data(), .iov_len = got.count()};
  return {.taken = offer_pieces(sink, {&piece, 1}), .size = got.count()};
}

/// What sendfile(2) answers for a file, or a system, that has no such thing.
bool is_unsupported(int error) { return error == EINVAL || error == ENOSYS || error == EOPNOTSUPP; }

}  // namespace

Offer offer_front(const Sink& sink, const Buffer& output, OfferLimits most, PoolReserve& reserve) {
  std::array<iovec, pieces_per_send> pieces;  // filled as far as it is used
  const std::size_t count = output.gather(pieces, 0, most.memory);
  if (count == 0) [[unlikely]] {
    const FileRange file = *output.front_file();
    const std::size_t size = std::min(file.size(), most.file);
    const bool must_copy = sink.is_file || !sink.passed.empty();
    if (must_copy) return offer_copy(sink, file, std::min(size, most.memory), reserve);
    const sys::CallResult taken = sys::send_file(sink.descriptor, file.descriptor(), file.offset(), size);
    if (is_unsupported(taken.error_number())) return offer_copy(sink, file, std::min(size, most.memory), reserve);
    return {.taken = taken, .size = size, .is_file = true};
  }
  std::size_t size = 0;
  for (std::size_t i = 0; i < count; ++i) size += pieces[i].iov_len;
  // A file comes next, and at once: a small head and its beginning make one segment.
  const bool precedes_file = count < pieces_per_send && size < most.memory && size < output.size();
  return {.taken = offer_pieces(sink, std::span(pieces.data(), count), precedes_file), .size = size};
}

}  // namespace weir
