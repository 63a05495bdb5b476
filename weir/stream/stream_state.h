// weir: what the sources of Stream share and its users need not see.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <deque>

#include "weir/loop/event_loop.h"
#include "weir/stream/stream.h"

namespace weir {

/// An error of the system or of weir in one number: an errno number as it is, weir's own negative.
inline int pack(std::error_code error) noexcept {
  return error.category() == weir_category() ? -error.value() : error.value();
}
inline std::error_code unpack(int number) noexcept {
  return number < 0 ? make_error_code(static_cast<errc>(-number)) : system_error(number);
}

/// What goes away by itself: whoever was refused tries again.
inline bool lacks_memory(std::error_code error) noexcept {
  return error == std::errc::not_enough_memory || error == errc::budget;
}

struct Stream::PendingRead {
  Callback<Result<std::optional<Buffer>>(Buffer&)> next;
  ReadHandler handler;
};

struct Stream::Extras {
  struct SentCallback {
    std::uint64_t position;  ///< of `sent`, at which all that was written before has left
    Callback<void(std::error_code)> callback;
  };

  Extras();
  ~Extras();

  Handler on_connected;
  std::unique_ptr<RateState> rate;  ///< if it has ever been limited
  PendingRead read;                 ///< if has_read_
  TimePoint deadline = TimePoint::max();
  std::deque<SentCallback> sent_callbacks;
  std::uint64_t taken = 0;  ///< bytes taken out of the output since this was made
  std::uint64_t sent = 0;   ///< how many of them have reached the kernel; those in a stream below have not yet
  std::error_code end;      ///< the terminal error, while the callbacks above have yet to hear of it
};

/// Runs something of the user's, unless the stream is silent. It may do anything to the stream: the slot is held. When it
/// throws, through callbacks of other streams perhaps, what each of them has still to do is done at the end of the turn.
template <class Function>
inline void Stream::run_own(Function function) {
  if (is_silent_) return;
  struct Unwound {
    ~Unwound() {
      stream.loop().exchange_running_slot(outer);
      if (!has_thrown) return;
      stream.loop().callback_threw(stream);
      stream.loop().defer(stream);
    }
    Stream& stream;
    Slot* outer;
    bool has_thrown = true;
  };
  const SlotHold hold(*this);
  loop().begin_callback();
  Unwound unwound{*this, loop().exchange_running_slot(this)};
  function();
  unwound.has_thrown = false;
}

template <class AnyHandler, class... Args>
inline void Stream::call(AnyHandler& handler, Args... args) {
  if (handler) run_own([&] { loop().invoke(handler, *this, args...); });
}

}  // namespace weir
