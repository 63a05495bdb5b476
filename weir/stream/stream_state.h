// weir: what the sources of Stream share and its users need not see.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <deque>

#include "weir/loop/event_loop.h"
#include "weir/stream/stream.h"

namespace weir {

struct Stream::Extras {
  struct SentCallback {
    std::uint64_t position;   ///< of `sent`, at which all that was written before has left
    Callback<void(std::error_code)> callback;
  };

  Handler on_connected;
  std::deque<SentCallback> sent_callbacks;
  std::uint64_t sent = 0;     ///< bytes sent since this was made
};

/// Runs something of the user's, unless the stream is silent. It may do anything to the stream: the slot is held.
template <class Function>
inline void Stream::run_own(Function function) {
  if (is_silent_) return;
  const SlotHold hold(*this);
  Slot* outer = loop().exchange_running_slot(this);
  function();
  loop().exchange_running_slot(outer);
}

template <class AnyHandler, class... Args>
inline void Stream::call(AnyHandler& handler, Args... args) {
  if (handler) run_own([&] { handler(*this, args...); });
}

}  // namespace weir
