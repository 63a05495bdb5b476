// weir: files, and parts of them, that buffers hold without reading them.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "weir/base/callback.h"
#include "weir/base/export.h"
#include "weir/base/result.h"
#include "weir/buffer/slice.h"
#include "weir/sys/descriptor.h"

namespace weir {

class FileRange;

/// An open file that any number of ranges, in any number of buffers, read from.
///
///     Result<SharedFile> file = SharedFile::open("/srv/page.html");
///     if (!file) return file.error();
///     buffer.append(header);
///     buffer.append(file->range(0, 4096));      // nothing is read yet
///
/// Lifetime: the file is closed when the last SharedFile and the last range of it, in whatever buffer, is gone.
/// Threads:  copies may be used and destroyed on different threads at the same time; a single one, by one at a time.
class WEIR_API SharedFile {
 public:
  SharedFile(const SharedFile& other) noexcept : header_(other.header_) { hold_block(header_); }
  SharedFile(SharedFile&& other) noexcept : header_(std::exchange(other.header_, nullptr)) {}
  SharedFile& operator=(SharedFile other) noexcept {
    std::swap(header_, other.header_);
    return *this;
  }
  ~SharedFile() { let_go_block(header_); }

  /// Opens a file to read from it. Errors: those of open(2); EINVAL for a path with a NUL in it. Throws std::bad_alloc.
  static Result<SharedFile> open(const std::string& path);

  /// Takes `descriptor` over, and closes it when the file is needed no more; then calls `release`, if there is one, as the
  /// release callback of foreign memory: once, on the thread that lets the last range go. It must not throw, and may use or
  /// destroy any buffer. The descriptor must allow pread(2). Throws std::bad_alloc; both arguments are then unchanged.
  static SharedFile adopt(sys::Descriptor&& descriptor, Callback<void()>&& release = {});

  /// The same with a descriptor that stays open and must not be closed before `release` is called.
  static SharedFile borrow(int descriptor, Callback<void()>&& release = {});

  int descriptor() const noexcept;

  /// How long the file is at the moment. Errors: those of fstat(2).
  Result<std::uint64_t> size() const;

  /// `count` bytes from `offset` on, whether the file has them or not: that shows when they are read.
  /// Requires `offset + count <= FileRange::max_end`.
  FileRange range(std::uint64_t offset, std::size_t count) const;

  /// All of the file, as long as it is at the moment. Errors: those of `size`; std::errc::file_too_large beyond
  /// FileRange::max_end.
  Result<FileRange> whole() const;

  /// Equal when they are copies of each other.
  friend bool operator==(const SharedFile&, const SharedFile&) noexcept = default;

 private:
  friend class FileRange;

  /// Takes over one reference.
  explicit SharedFile(BlockHeader* header) noexcept : header_(header) {}

  BlockHeader* header_;  ///< null only when moved from
};

/// A part of a file: which bytes, not the bytes themselves. It keeps the file open. O(1) to copy and to cut.
///
/// In a buffer, next to memory, it is the same promise: it counts as so many bytes and can be moved about with them, and
/// is read when somebody needs the bytes; see Buffer::materialize. A file that has become shorter by then is reported as
/// errc::file_too_short, and never mapped into memory, so that it cannot end the program.
///
/// Threads: as SharedFile.
class WEIR_API FileRange {
 public:
  /// No range may reach beyond this many bytes.
  static constexpr std::uint64_t max_end = std::uint64_t{1} << 61;

  /// No bytes, of no file.
  FileRange() noexcept = default;
  FileRange(const FileRange& other) noexcept : piece_(other.piece_) { hold_block(piece_.owner); }
  FileRange(FileRange&& other) noexcept : piece_(other.release()) {}
  FileRange& operator=(FileRange other) noexcept {
    std::swap(piece_, other.piece_);
    return *this;
  }
  ~FileRange() { let_go_block(piece_.owner); }

  /// Requires that the range is not empty.
  SharedFile file() const;
  int descriptor() const { return file().descriptor(); }

  /// Where in the file it begins; 0 when empty.
  std::uint64_t offset() const noexcept { return is_empty() ? 0 : offset_in_file(piece_); }
  std::size_t size() const noexcept { return piece_.size; }
  bool is_empty() const noexcept { return piece_.size == 0; }

  /// `count` bytes from `offset` of this range on. Requires `offset + count <= size()`.
  FileRange subrange(std::size_t offset, std::size_t count) const;

  /// Equal when they are the same bytes of the same SharedFile; or both empty.
  friend bool operator==(const FileRange& left, const FileRange& right) noexcept {
    return left.piece_.data == right.piece_.data && left.piece_.size == right.piece_.size &&
           left.piece_.owner == right.piece_.owner;
  }

 private:
  friend class Buffer;
  friend class SharedFile;

  /// Takes over the reference that `piece` stands for.
  explicit FileRange(Piece piece) noexcept : piece_(piece) {}

  Piece release() noexcept { return std::exchange(piece_, Piece{}); }

  Piece piece_{};  ///< all zero when empty
};

}  // namespace weir
