// weir: the kernel that sequences run on: one file, and one stream that takes and gives what it is told to.
// SPDX-License-Identifier: MIT
#include "tests/buffer_model/model_kernel.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "tests/buffer_model/material.h"
#include "weir/buffer/allocation_plan.h"

namespace weir::buffer_model {
namespace {

std::size_t total(std::span<const iovec> pieces) {
  std::size_t size = 0;
  for (const iovec& piece : pieces) size += piece.iov_len;
  return size;
}

/// Fills the pieces, one after the other, as far as `text` goes.
void scatter(std::string_view text, std::span<const iovec> pieces) {
  for (const iovec& piece : pieces) {
    const std::string_view part = text.substr(0, piece.iov_len);
    if (!part.empty()) std::memcpy(piece.iov_base, part.data(), part.size());
    text.remove_prefix(part.size());
  }
}

}  // namespace

void ModelKernel::begin(Choices& choices, std::string_view incoming) {
  choices_ = &choices;
  incoming_ = incoming;
  received_ = 0;
  written_.clear();
}

/// 0: none.
int ModelKernel::chosen_error() {
  const std::uint64_t kind = choices_->below(16);
  return kind == 15 ? EIO : kind == 14 ? EAGAIN : kind >= 12 ? EINTR : 0;
}

/// From 1 to `most`; 0 if that is 0.
std::size_t ModelKernel::chosen_count(std::size_t most) {
  const bool is_short = choices_->coin();
  const std::size_t less = choices_->below(most);
  return is_short ? most - less : most;
}

sys::CallResult ModelKernel::file_size(int descriptor) {
  if (descriptor != file) return sys::CallResult::failure(EBADF);
  return sys::CallResult::success(static_cast<std::int64_t>(file_text().size()));
}

sys::CallResult ModelKernel::read_at(int descriptor, MutableBytes into, std::uint64_t offset) {
  const iovec piece{.iov_base = into.data(), .iov_len = into.size()};
  return read_pieces_at(descriptor, {&piece, 1}, offset);
}

sys::CallResult ModelKernel::read_pieces_at(int descriptor, std::span<const iovec> pieces, std::uint64_t offset) {
  const AllocationPause pause;
  if (descriptor != file || pieces.size() > most_pieces) return sys::CallResult::failure(EINVAL);
  if (const int error = chosen_error(); error != 0) return sys::CallResult::failure(error);
  const std::string_view rest = file_text().substr(std::min<std::uint64_t>(offset, file_text().size()));
  const std::size_t count = chosen_count(std::min(total(pieces), rest.size()));
  scatter(rest.substr(0, count), pieces);
  return sys::CallResult::success(static_cast<std::int64_t>(count));
}

sys::CallResult ModelKernel::read_pieces(int descriptor, std::span<const iovec> pieces) {
  const AllocationPause pause;
  if (descriptor != stream || pieces.size() > most_pieces) return sys::CallResult::failure(EINVAL);
  if (const int error = chosen_error(); error != 0) return sys::CallResult::failure(error);
  received_ = chosen_count(std::min(total(pieces), incoming_.size()));
  scatter(incoming_.substr(0, received_), pieces);
  return sys::CallResult::success(static_cast<std::int64_t>(received_));
}

sys::CallResult ModelKernel::write_pieces(int descriptor, std::span<const iovec> pieces) {
  const AllocationPause pause;
  if (descriptor != stream || pieces.size() > most_pieces) return sys::CallResult::failure(EINVAL);
  if (const int error = chosen_error(); error != 0) return sys::CallResult::failure(error);
  const std::size_t count = chosen_count(total(pieces));
  const std::size_t before = written_.size();
  for (const iovec& piece : pieces) {
    const std::size_t part = std::min(piece.iov_len, count - (written_.size() - before));
    written_.append(static_cast<const char*>(piece.iov_base), part);
  }
  return sys::CallResult::success(static_cast<std::int64_t>(count));
}

sys::CallResult ModelKernel::write_pieces_at(int descriptor, std::span<const iovec> pieces, std::uint64_t) {
  return write_pieces(descriptor, pieces);
}

}  // namespace weir::buffer_model
