// weir: a reference to a stream, for any thread.
// SPDX-License-Identifier: MIT
#pragma once

#include "weir/base/callback.h"
#include "weir/base/export.h"
#include "weir/buffer/transfer_buffer.h"
#include "weir/loop/event_loop.h"
#include "weir/loop/slot.h"

namespace weir {

class Stream;

/// A reference to a stream that may be copied, kept and used on any thread. Harmless once the stream is gone.
///
///     weir::StreamRef ref = stream.ref();
///     std::thread([ref] { ref.post([](weir::Stream& s) { s.write("done\n"); }); });
class WEIR_API StreamRef {
 public:
  StreamRef() noexcept = default;

  /// Runs `task` with the stream on its loop's thread, if the stream still exists then. False when the loop is gone.
  /// Throws std::bad_alloc.
  bool post(Callback<void(Stream&)> task) const;
  /// Writes on the stream's own thread. Bytes for a stream that has ended are dropped; a stream that would have to refuse
  /// them (its output limit, or memory) is closed with errc::limit, since a gap in what was written must not go unnoticed.
  bool write(TransferBuffer bytes) const;

 private:
  friend class Stream;

  StreamRef(EventLoop& loop, SlotId id) : loop_(&loop), queue_(loop.post_queue()), id_(id) {}

  EventLoop* loop_ = nullptr;  // used in posted tasks only, which run while it lives
  PostQueueRef queue_;
  SlotId id_;
};

}  // namespace weir
