// weir: messages into a buffer, with their length before them.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>

#include "weir/base/bytes.h"
#include "weir/base/export.h"
#include "weir/base/result.h"
#include "weir/buffer/buffer.h"
#include "weir/buffer/frame_reader.h"
#include "weir/buffer/varint.h"

namespace weir {

/// The length of a frame as it stands before the frame: what a LengthReader of the same format reads.
///
///     const auto prefix = LengthPrefix::of(draft.size(), {.bytes = 2});
///     if (!prefix) return prefix.error();
///     buffer.append(prefix->bytes());
///     draft.commit();
class WEIR_API LengthPrefix {
 public:
  /// Errors: errc::limit for more than the format's limit, std::errc::value_too_large for what its bytes cannot tell.
  /// Requires `format.bytes` of 0 (`varint`) to 8.
  static Result<LengthPrefix> of(std::size_t payload, const LengthFormat& format = {});

  Bytes bytes() const noexcept {
    if (size_ > bytes_.size()) __builtin_unreachable();  // GCC 12 takes it for possible, and warns, under TSan
    return Bytes(bytes_).first(size_);
  }

 private:
  LengthPrefix() noexcept = default;

  std::array<std::byte, longest_varint> bytes_{};
  std::size_t size_ = 0;
};

/// Appends a copy of `payload` behind its length. Errors: as LengthPrefix::of. Throws std::bad_alloc. Whatever fails changes
/// nothing.
WEIR_API Result<void> append_frame(Buffer& output, Bytes payload, const LengthFormat& format = {});
/// The same, moving the payload, which is empty afterwards. What is appended to itself becomes one frame.
WEIR_API Result<void> append_frame(Buffer& output, Buffer&& payload, const LengthFormat& format = {});

}  // namespace weir
