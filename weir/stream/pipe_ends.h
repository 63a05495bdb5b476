// weir: the descriptors that a stream over pipes, a terminal or files reads and writes.
// SPDX-License-Identifier: MIT
#pragma once

#include "weir/base/export.h"
#include "weir/base/result.h"
#include "weir/sys/descriptor.h"

namespace weir {

/// What `Stream::adopt_pipe` reads from and writes to: pipes, terminals, devices, regular files, sockets, in any pairing.
///
///     auto ends = weir::PipeEnds::standard();                          // a filter, such as cat
///     auto stream = weir::Stream::adopt_pipe(loop, *std::move(ends));
///     stream.on_data([](weir::Stream& s) { s.write(s.input().take_all()); });
///
/// Calls on them do not wait, yet others who have the same open files, the shell that started the program say, are not
/// to notice: where that is possible (pipes and terminals, when /proc is there and permits it) the file is opened
/// anew. Else O_NONBLOCK is set, and taken back when the stream closes; not so when the process dies before. Until then the
/// others find it set; and of two streams on one such file, the first to close makes the other one wait.
///
/// Reading and writing regular files may wait for the disk: a bounded part of them is done in each turn.
/// That a terminal was hung up is its end. Writing to a pipe that nobody reads is std::errc::broken_pipe, and no SIGPIPE.
///
/// Ownership: of the stream, which closes them. Who gives away numbers 0 to 2 has the next files opened take them.
struct WEIR_API PipeEnds {
  sys::Descriptor reader{};  ///< none: the stream only writes
  sys::Descriptor writer{};  ///< none: the stream only reads

  /// Duplicates of standard input and standard output, which stay open themselves; so whoever reads the output sees its end
  /// when the process ends, not when the stream does. For one direction only, reset the other: `ends->writer.reset()`.
  /// Error: the system's, of a standard input or output that is closed.
  static Result<PipeEnds> standard();
};

}  // namespace weir
