// weir: buffers read from descriptors and written to them, for programs that do their own waiting.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>

#include "weir/base/bytes.h"
#include "weir/base/export.h"
#include "weir/base/result.h"
#include "weir/buffer/buffer.h"

namespace weir {

/// One system call each, on a file, pipe, terminal or socket. Nothing here waits for readiness, and no loop is needed:
///
///     weir::Buffer buffer;
///     for (;;) {
///       const auto count = weir::read_from(0, buffer);
///       if (!count) return count.error() == weir::errc::eof ? 0 : weir::report(count.error());
///       if (auto written = weir::write_all_to(1, buffer); !written) return weir::report(written.error());
///     }
///
/// A call that a signal interrupts is made again; every other failure is the answer, EAGAIN of a non-blocking descriptor
/// (std::errc::resource_unavailable_try_again) like the rest, and the buffer then holds what it held, less what was
/// written before. SIGPIPE is never raised. Streams of a loop need none of this.
///
/// Errors:    errc::eof when there is nothing more to read, so that a success always means bytes; the system's. Throws
///            std::bad_alloc before anything is read or written: what has come is never lost.
/// Stack:     16 KiB while writing, for the most pieces that Linux takes in one call.

/// The most that one read takes unless told otherwise.
inline constexpr std::size_t usual_read_bytes = std::size_t{64} << 10;

/// Appends what is there to be read, up to `most` bytes or 1 MiB: first into the room of the buffer's last block, then into
/// a new one, in one call of readv(2). Of a new block at least a sixteenth is used then; less is copied out of it. Returns
/// how many bytes came, at least one unless `most` is 0.
WEIR_API Result<std::size_t> read_from(int descriptor, Buffer& buffer, std::size_t most = usual_read_bytes);

/// The same from a place of a file. preadv(2)
WEIR_API Result<std::size_t> read_from_at(int descriptor, std::uint64_t offset, Buffer& buffer,
                                          std::size_t most = usual_read_bytes);

/// Writes up to `most` bytes from the front of the buffer, as many as one call of writev(2) takes, and drops them. Returns
/// how many. A file range at the front is read first, 64 KiB of it; its errors are those of Buffer::materialize.
WEIR_API Result<std::size_t> write_to(int descriptor, Buffer& buffer, std::size_t most = unlimited);

/// The same to a place of a file. pwritev(2)
WEIR_API Result<std::size_t> write_to_at(int descriptor, std::uint64_t offset, Buffer& buffer,
                                         std::size_t most = unlimited);

/// Writes until the buffer is empty, for descriptors that block. On failure the buffer holds what was not written. What is
/// released meanwhile must not destroy the buffer.
WEIR_API Result<void> write_all_to(int descriptor, Buffer& buffer);

}  // namespace weir
