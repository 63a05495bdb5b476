// weir: pipes, event counters and regular files of the simulated kernel.
// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "weir/sys/sim_kernel/byte_queue.h"
#include "weir/sys/sim_kernel/file.h"

namespace weir::sys {

/// What both ends of a pipe share; see pipe(7).
struct PipeQueue {
  static constexpr std::size_t usual_capacity = 65536;
  static constexpr std::size_t atomic_size = 4096;  ///< PIPE_BUF: a write up to here is done whole or not at all

  /// Linux counts pages, and has room while one is free.
  bool has_room() const noexcept { return bytes.size() + atomic_size <= capacity; }

  std::size_t capacity = usual_capacity;
  ByteQueue bytes;
  File* reader = nullptr;
  File* writer = nullptr;
};

class PipeReader final : public File {
 public:
  explicit PipeReader(std::shared_ptr<PipeQueue> queue) : queue_(std::move(queue)) { queue_->reader = this; }
  ~PipeReader() override;

  std::uint32_t readiness() override;
  CallResult read(MutableBytes into) override;
  FileKind kind() const override { return FileKind::pipe; }
  bool can_be_written() const override { return false; }
  CallResult write(Bytes) override { return CallResult::failure(EBADF); }
  PipeReader* as_pipe_reader() override { return this; }
  /// Has `to` send what is here; splice(2).
  CallResult drain(Socket& to, std::size_t count);

 private:
  std::shared_ptr<PipeQueue> queue_;
};

class PipeWriter final : public File {
 public:
  explicit PipeWriter(std::shared_ptr<PipeQueue> queue) : queue_(std::move(queue)) { queue_->writer = this; }
  ~PipeWriter() override;

  std::uint32_t readiness() override;
  FileKind kind() const override { return FileKind::pipe; }
  bool can_be_read() const override { return false; }
  CallResult read(MutableBytes) override { return CallResult::failure(EBADF); }
  CallResult write(Bytes from) override;
  PipeWriter* as_pipe_writer() override { return this; }
  /// Takes over what `from` has received; splice(2). Linux counts a page for each piece, here only bytes count.
  CallResult fill(Socket& from, std::size_t count);
  /// Whole pages, in a power of two, at most the 1 MiB of /proc/sys/fs/pipe-max-size.
  CallResult resize(std::size_t size);

 private:
  std::shared_ptr<PipeQueue> queue_;
};

/// eventfd(2): a number that writes add to and a read takes.
class EventCounter final : public File {
 public:
  std::uint32_t readiness() override;
  CallResult read(MutableBytes into) override;
  CallResult write(Bytes from) override;

 private:
  static constexpr std::uint64_t most = ~std::uint64_t{0} - 1;

  std::uint64_t count_ = 0;
};

/// An open file of the host's file tree. Epoll refuses it, as Linux does.
class RegularFile final : public File {
 public:
  RegularFile(std::shared_ptr<std::string> contents, int flags)
      : contents_(std::move(contents)),
        access_(flags & O_ACCMODE) {
    set_changeable_flags(flags | O_NONBLOCK);
  }

  std::size_t size() const { return contents_->size(); }
  bool can_be_read() const override;
  bool can_be_written() const override;
  /// The bytes from `offset` on, at most `count` of them.
  Bytes part(std::uint64_t offset, std::size_t count) const;
  CallResult read_at(MutableBytes into, std::uint64_t offset) const;
  /// At the end instead, where what is written is appended: pwrite(2), "Bugs".
  CallResult write_at(Bytes from, std::uint64_t offset);

  std::uint32_t readiness() override { return readable | writable; }
  FileKind kind() const override { return FileKind::regular; }
  bool can_be_polled() const override { return false; }
  CallResult read(MutableBytes into) override;
  CallResult write(Bytes from) override;
  RegularFile* as_regular_file() override { return this; }

 private:
  bool appends() const noexcept { return (changeable_flags() & O_APPEND) != 0; }

  std::shared_ptr<std::string> contents_;  // also the tree's: it lives on when the name is removed
  int access_;                             // O_RDONLY, O_WRONLY or O_RDWR
  std::uint64_t position_ = 0;
};

}  // namespace weir::sys
