// weir: what the sources of Stream share and its users need not see.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <deque>
#include <vector>

#include "weir/base/on_unwind.h"
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

struct StreamCore::PendingRead {
  Callback<Result<std::optional<Buffer>>(Buffer&)> next;
  Stream::ReadHandler handler;
};

/// Of a stream that has passed descriptors, or takes those that come.
struct StreamCore::Passing {
  struct Departing {
    std::uint64_t position;  ///< of Extras::taken: with the byte that is next then they leave
    std::vector<sys::Descriptor> descriptors;
  };

  Stream::DescriptorsHandler on_descriptors;
  std::vector<sys::Descriptor> arrived;
  std::vector<Departing> departing;  ///< a few at most: each holds one of `most_descriptors` at least
  std::size_t waiting = 0;           ///< how many those are together
  bool has_refused = false;          ///< some, for so many wait
};

struct StreamCore::Extras {
  struct SentCallback {
    std::uint64_t position;  ///< of `sent`, at which all that was written before has left
    Callback<void(std::error_code)> callback;
  };

  Extras();
  ~Extras();

  Stream::Handler on_connected;
  Stream::Handler on_drained;
  std::unique_ptr<RateState> rate;   ///< if it has ever been limited
  std::unique_ptr<Passing> passing;  ///< if it has to do with descriptors
  PendingRead read;                  ///< if has_read_
  TimePoint deadline = TimePoint::max();
  std::deque<SentCallback> sent_callbacks;
  std::uint64_t taken = 0;  ///< bytes taken out of the output since this was made
  std::uint64_t sent = 0;   ///< how many of them have reached the kernel; those in a stream below have not yet
  std::error_code end;      ///< the terminal error, while the callbacks above have yet to hear of it
};

/// Every StreamCore is one.
inline Stream& StreamCore::self() noexcept { return static_cast<Stream&>(*this); }

inline void StreamCore::count_taken_out(std::size_t count) noexcept {
  if (extras_ != nullptr) extras_->taken += count;
}

/// Who was told to slow down may go on.
inline bool StreamCore::is_drained() const noexcept {
  return output_.size() <= settings_->write_marks.low && !(has_departures() && waits_for_departures());
}

/// Runs something of the user's, unless the stream is silent. It may do anything to the stream: the slot is held. When it
/// throws, through callbacks of other streams perhaps, what each of them has still to do is done at the end of the turn.
template <class Function>
inline void StreamCore::run_own(Function function) {
  if (is_silent_) return;
  const SlotHold hold(*this);
  loop().begin_callback();
  Slot* const outer = loop().exchange_running_slot(this);
  OnUnwind throwing([&]() noexcept {
    loop().exchange_running_slot(outer);
    loop().callback_threw(*this);
    loop().defer(*this);
  });
  function();
  throwing.done();
  loop().exchange_running_slot(outer);
}

template <class AnyHandler, class... Args>
inline void StreamCore::call(AnyHandler& handler, Args... args) {
  if (handler) run_own([&] { loop().invoke(handler, self(), args...); });
}

}  // namespace weir
