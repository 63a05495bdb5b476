// weir: files, and parts of them, that buffers hold without reading them.
// SPDX-License-Identifier: MIT
#include "weir/buffer/file_range.h"

#include <fcntl.h>

#include "weir/buffer/owned_header.h"
#include "weir/sys/calls.h"

namespace weir {

Result<SharedFile> SharedFile::open(const std::string& path) {
  if (path.find('\0') != std::string::npos) return std::make_error_code(std::errc::invalid_argument);
  sys::CallResult opened = sys::open_file(path.c_str(), O_RDONLY);
  while (opened.error_number() == EINTR) opened = sys::open_file(path.c_str(), O_RDONLY);
  if (!opened) return opened.error();
  return adopt(sys::Descriptor(opened.number()));
}

SharedFile SharedFile::adopt(sys::Descriptor&& descriptor, Callback<void()>&& release) {
  expects(static_cast<bool>(descriptor));
  BlockHeader* header = create_owned({descriptor.number(), true}, std::move(release));
  if (header == nullptr) throw_bad_alloc();
  (void)descriptor.release();
  return SharedFile(header);
}

SharedFile SharedFile::borrow(int descriptor, Callback<void()>&& release) {
  expects(descriptor >= 0);
  BlockHeader* header = create_owned({descriptor, false}, std::move(release));
  if (header == nullptr) throw_bad_alloc();
  return SharedFile(header);
}

int SharedFile::descriptor() const noexcept { return owned_file(*header_).descriptor; }

Result<std::uint64_t> SharedFile::size() const {
  const sys::CallResult size = sys::file_size(descriptor());
  if (!size) return size.error();
  return std::uint64_t{size.count()};
}

FileRange SharedFile::range(std::uint64_t offset, std::size_t count) const {
  expects(offset <= FileRange::max_end && count <= FileRange::max_end - offset);
  if (count == 0) return {};
  hold_block(header_);
  return FileRange(Piece{place_in_file(offset), count, header_});
}

Result<FileRange> SharedFile::whole() const {
  const Result<std::uint64_t> length = size();
  if (!length) return length.error();
  if (*length > FileRange::max_end) return std::make_error_code(std::errc::file_too_large);
  return range(0, *length);
}

SharedFile FileRange::file() const {
  expects(!is_empty());
  hold_block(piece_.owner);
  return SharedFile(piece_.owner);
}

FileRange FileRange::subrange(std::size_t offset, std::size_t count) const {
  expects(offset <= size() && count <= size() - offset);
  if (count == 0) return {};
  hold_block(piece_.owner);
  return FileRange(Piece{piece_.data + offset, count, piece_.owner});
}

}  // namespace weir
