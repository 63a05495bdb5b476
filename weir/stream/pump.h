// weir: couples two streams, so that what one receives the other sends.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <system_error>

#include "weir/base/callback.h"
#include "weir/base/export.h"

namespace weir {

class Stream;

/// How a pump has ended.
struct PumpEnd {
  std::uint64_t forth = 0;    ///< bytes from the first to the second
  std::uint64_t back = 0;     ///< and the other way
  std::error_code error{};    ///< of the stream that failed first; none when both ended in order
  bool first_failed = false;  ///< which one that was
};

/// Couples two streams of one loop, of any kind, both ways: a proxy, a tunnel, a `socat`.
///
///     weir::pump(client, server, [](const weir::PumpEnd& end) { … });
///
///     client.input() ──by reference──► server.output()
///     client.output() ◄──by reference── server.input()
///
/// Back-pressure: what the slower one does not take stays in the other one's input, up to its marks, and then with its peer.
/// Neither stops reading because its own output is full: `StreamOptions::read_while_output_full` is set on both.
/// Ends: when one's peer ends, the other is told so once it has been sent everything; the way back stays open. When both
/// have ended both close. When one fails, the other sends what it was given and is then reset, with the same error; so
/// it is with errc::canceled when one is aborted or destroyed by its owner.
/// Between two sockets long transfers go through the kernel alone, by splice(2).
///
/// The pump takes over the callbacks of both, and writes to both: nobody else should. It begins with what is in their inputs,
/// and is stopped by destroying a stream. One that has to wait for the other to be there should be paused: without `on_end` it
/// would finish when its peer does.
/// Requires: two streams, of one loop (checked).
/// Lifetime: both stay their owners'. `on_done` is called once, when both are closed, unless the last of them was aborted or
///           destroyed instead.
/// Errors:   none of its own; of each stream by the other's and `on_done`.
WEIR_API void pump(Stream& first, Stream& second, Callback<void(const PumpEnd&)> on_done = {});

}  // namespace weir
