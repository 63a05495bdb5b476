// weir: what transforms the bytes of a stream, both ways.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>

#include "weir/base/export.h"
#include "weir/base/result.h"
#include "weir/buffer/buffer.h"

namespace weir {

/// A transformation that `Stream::filter` puts on top of a stream: compression, encryption, a framing, a count.
///
///     program ── write ──► encode ──► the stream below ──► its peer
///     program ◄─ input() ── decode ◄── the stream below ◄── its peer
///
///     class Rot13 final : public weir::Filter {
///       weir::Result<Flow> decode(Step& step) override { return turn(step); }
///       weir::Result<Flow> encode(Step& step) override { return turn(step); }
///       …
///     };
///
/// A step takes bytes off the front of `from`, and appends what they become to `to`. It may leave bytes in `from` which it
/// cannot use yet, and may hold some back inside. Where it copies, `to.try_append` and `to.reserve` tell that the pool is spent
/// instead of throwing, and it then answers std::errc::not_enough_memory. If `encode` lacks memory, it is called again with some
/// in `to` that the loop has set aside: the pool may be full of what waits to be encoded.
///
/// Lifetime: owned by the stream, and destroyed with it; never while one of its steps runs.
/// Threads:  the loop's.
/// Errors:   an error of `decode` ends the stream once what came before has been delivered; one of `encode` ends writing, as
///           an error of the system's would. std::errc::not_enough_memory is none: the step is tried again when the pool
///           has memory. What a step throws leaves `run()`; the filter is asked no more, for its place in the bytes may be lost, and
///           the stream fails with std::errc::state_not_recoverable.
class WEIR_API Filter {
 public:
  /// How far a step is to go.
  enum class Push : std::uint8_t {
    some,   ///< this is all for now. A filter holds bytes back only if its own user wants that
    flush,  ///< nothing may be held back: for `Stream::flush_now`, `when_sent`, `fail_when_sent`. Of `encode` only
    end,    ///< nothing will follow: the peer's end, or `finish`. All there is must come out, and be complete
  };
  /// Why a step stopped.
  enum class Flow : std::uint8_t {
    wants_more,  ///< it has used what it can: call again when `from` has grown. At the end: it is done
    has_more,  ///< `room` is used up: call again when there is some, though `from` may not have grown. Without anything
               ///< having moved it says no more than wants_more does
    ended,     ///< of `decode`: the peer has finished, as its format tells; what may follow below is not looked at
  };
  struct Step {
    Buffer& from;
    Buffer& to;
    std::size_t room;  ///< of `to`: about how much to append at most; not 0
    Push push;
  };

  virtual ~Filter() = default;

  virtual Result<Flow> decode(Step& step) = 0;
  virtual Result<Flow> encode(Step& step) = 0;
  /// How many bytes `decode` may need in `from` before it can use any. A `decode` that wants more although it has as many ends
  /// the stream with errc::limit. Above the high mark of the stream below that one's `StreamOptions::input_limit` bounds it.
  virtual std::size_t most_needed() const noexcept { return std::size_t{64} << 10; }
};

}  // namespace weir
