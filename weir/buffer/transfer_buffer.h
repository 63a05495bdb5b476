// weir: a buffer's content on its way to another thread.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <utility>

#include "weir/buffer/buffer.h"

namespace weir {

/// Bytes that may be moved to any thread, where they become a buffer again.
///
///     TransferBuffer parcel = std::move(buffer).detach();
///     loop.post([parcel = std::move(parcel)]() mutable { use(std::move(parcel).attach()); });
///
/// Slices that share blocks with those in it may stay behind: such blocks count atomically from `detach` on, no others.
///
/// Threads: used by one thread at a time, whichever it is; what hands it over must synchronise (a post does).
class TransferBuffer {
 public:
  TransferBuffer() noexcept = default;
  TransferBuffer(TransferBuffer&&) noexcept = default;
  TransferBuffer& operator=(TransferBuffer&&) noexcept = default;

  std::size_t size() const noexcept { return buffer_.size(); }
  bool is_empty() const noexcept { return buffer_.is_empty(); }

  /// The content, as a buffer of the thread that calls this. The pool is that of the buffer it came from.
  [[nodiscard]] Buffer attach() && noexcept { return Buffer(std::move(*this)); }

 private:
  friend class Buffer;

  explicit TransferBuffer(Buffer&& buffer) noexcept : buffer_(std::move(buffer)) {}

  Buffer buffer_;
};

inline Buffer::Buffer(TransferBuffer&& other) noexcept : Buffer(std::move(other.buffer_)) {}

}  // namespace weir
