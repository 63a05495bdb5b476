// weir: a byte stream with an input and an output buffer: how it ends, and its time limits.
// SPDX-License-Identifier: MIT
#include "weir/stream/stream_state.h"

namespace weir {

// --- orderly ends ---

void Stream::finish() { begin_to_end(true); }

void Stream::finish_writing() { begin_to_end(false); }

void StreamCore::begin_to_end(bool discards) noexcept {
  if (state_ == State::closed) return;
  if (discards && !is_discarding_) {
    is_discarding_ = true;
    drop_arrivals();
    must_deliver_ = false;
    if (!is_connection_) suspend(drained_enough);
    unsuspend(by_user | input_full | output_full | by_rate);
    sending_suspended_ &= static_cast<std::uint8_t>(~by_user);
    if (state_ == State::ended) end_deadline_ = add_saturated(loop().clock(), settings_->linger);
  }
  if (state_ == State::open) state_ = State::finishing;
  lift_sending_hold();
  settle_later();
  limit_time();
}

/// Takes the steps that have become possible: flushed, then the end is sent; both ends seen, then it is closed.
/// Not while a callback of this stream runs: `settle` comes back here when it has returned.
void StreamCore::advance_end() {
  if (loop().running_slot() == this) return;
  if (fails_when_sent_ && (state_ == State::finishing || state_ == State::ended)) return fail_if_sent();
  if (state_ == State::finishing && output_.is_empty() && is_ready_to_end()) {
    state_ = State::ended;
    if (is_discarding_) end_deadline_ = std::min(end_deadline_, add_saturated(loop().clock(), settings_->linger));
    limit_time();
    if (auto sent = send_end(); !sent && (suspended_ & at_end) == 0) return send_failed(sent.error());
  }
  if (state_ != State::ended) return;
  const bool has_seen_enough = is_discarding_ && (suspended_ & drained_enough) != 0;
  if ((suspended_ & at_end) == 0 && !has_seen_enough) return;
  if (!loop().is_running()) return loop().defer(*this);  // callbacks are the loop's to call
  close({}, false);
}

// --- disorderly ends ---

/// The connection takes no more, yet what the peer sent before may still be here: that is delivered first.
void StreamCore::send_failed(std::error_code error) {
  failure_ = pack(error);
  state_ = State::broken;
  is_waiting_to_send_ = false;
  last_sent_ = loop().clock();
  output_.clear();
  drop_departures();
  unsuspend(output_full);
  loop().defer(*this);
  limit_time();
}

/// Delivers, a turn's worth at a time, until nothing more is there. A stream that is paused, or whose input is full,
/// fails when it is resumed, as it would if the peer's reset had been there to be read. A pipe is read for one turn, which is
/// what it can hold: who writes to it may not know that anything has failed, and go on for ever.
void StreamCore::finish_broken() {
  if (is_suspended() && (suspended_ & (at_end | drained_enough)) == 0) return;
  if (!is_suspended()) {
    has_received_ = false;
    receive_rest();
    if (state_ == State::broken && has_received_ && is_connection_) return loop().defer(*this);
    if (is_starved()) return;  // goes on when there is memory, at the latest when the write limit has passed
  }
  if (state_ == State::broken) close(unpack(failure_), true);
}

/// There may be nothing to receive, so that `received` would never come.
void StreamCore::memory_returned() noexcept { loop().defer(*this); }

void Stream::fail(std::error_code error) {
  expects(static_cast<bool>(error));
  close(error, true);
}

void Stream::fail_when_sent(std::error_code error) noexcept {
  expects(static_cast<bool>(error));
  if (is_silent_ || fails_when_sent_ || state_ == State::closed || state_ == State::broken) return;
  fails_when_sent_ = true;
  failure_ = pack(error);
  if (state_ == State::open) state_ = State::finishing;
  lift_sending_hold();
  loop().defer(*this);
}

/// What a filter leaves in the output, though it is pushed, never goes.
void StreamCore::fail_if_sent() {
  if (!has_all_left() || (!output_.is_empty() && (sending_suspended_ & by_kind) == 0)) return;
  if (!loop().is_running()) return loop().defer(*this);
  close(unpack(failure_), true);
}

void Stream::abort() noexcept {
  is_silent_ = true;
  close({}, true);
  loop().defer(*this);  // for its owner, and to let go of what its callbacks hold
}

/// The terminal event.
void StreamCore::close(std::error_code error, bool reset) {
  if (state_ == State::closed) return;
  const SlotHold hold(*this);
  state_ = State::closed;
  loop().cancel(*this);
  input_.remove_observer(*this);
  close_transport(reset);
  output_.clear();
  drop_departures();
  drop_arrivals();
  if (extras_ != nullptr) extras_->end = error;
  tell_closed(error);
  if (is_lingering_) drop_hold();
}

/// Tells those who wait for what was not sent, then that the stream is closed. A callback that throws cuts this short;
/// `run_deferred` goes on with it.
void StreamCore::tell_closed(std::error_code error) {
  if (has_read_ && !is_silent_) end_read(error ? error : errc::closed);
  while (!is_silent_ && extras_ != nullptr && !extras_->sent_callbacks.empty()) run_first_sent_callback(error);
  if (!std::exchange(has_told_closed_, true)) call(on_closed_, error);
  if (owner_ != nullptr && !is_silent_) owner_->stream_closed(self());
}

/// The handle is gone. What was accepted for writing is flushed in the background.
void StreamCore::destroy() noexcept {
  is_silent_ = true;
  owner_ = nullptr;
  ListHook<OwnedTag>::unlink();
  // Callbacks that are on the stack right now must not be destroyed under their own feet.
  if (loop().is_running()) {
    loop().defer(*this);
  } else {
    drop_callbacks();
    drop_attachment();
  }
  if (state_ == State::closed) return release();
  is_lingering_ = true;
  add_hold();
  release();
  end_deadline_ = add_saturated(loop().clock(), settings_->linger);
  input_.clear();
  begin_to_end(true);
  loop().defer(*this);
}

/// The loop ends with this stream still lingering.
void StreamCore::loop_ends() noexcept {
  if (is_lingering_) close({}, true);
}

void StreamCore::run_deferred() {
  if (is_silent_) drop_callbacks();
  if (is_released()) drop_attachment();
  if (state_ == State::closed) {
    if (!has_told_closed_ && extras_ != nullptr) tell_closed(extras_->end);
    if (owner_ != nullptr) owner_->stream_closed(self());
    return;
  }
  deliver();
  if (state_ == State::broken) {
    if ((suspended_ & (by_user | input_full)) != 0)
      tell_sent();  // who reads on when `on_drained` comes waits in vain else
    return finish_broken();
  }
  tell_peer_ended();
  tell_sent();
  settle();
}

// --- time limits ---

/// Arms the timer for the next limit, or the try before it, unless it is armed for an earlier moment: then it looks again
/// when it fires.
void StreamCore::limit_time() noexcept {
  const TimePoint next = std::min(deadline(), next_try());
  if (next == TimePoint::max() || state_ == State::closed) return;
  if (!WheelTimer::is_armed() || loop().time_of(tick()) > next) loop().arm(*this, next);
}

void StreamCore::fired() {
  const SlotHold hold(*this);
  const CallbackSpan span(*this);
  OnUnwind arming([this]() noexcept { limit_time(); });
  serve_limits();
  arming.done();
}

void StreamCore::serve_limits() {
  if (is_rate_limited()) resume_due_rates();
  if (next_try() <= loop().now()) {
    use_up_room();
    if (state_ == State::closed) return;
  }
  std::error_code what;
  const TimePoint next = deadline(&what);
  if (next > loop().now()) return limit_time();
  loop().recorder().limit_passed(next);
  if (state_ == State::broken) return close(unpack(failure_), true);
  if (what == errc::read_timed_out || what == errc::idle_timed_out) return fail_unless_data_waits(what);
  if (what == errc::write_timed_out) return fail_unless_room_waits();
  if (what == errc::deadline_passed) return fail_at_deadline();
  if (what) return close(what, true);
  close({}, state_ != State::ended);  // a reset, so that a cut-off stream does not look like a whole one
}

/// Data that has arrived wins, also when the loop was too busy, or too short of memory, to fetch it in time.
void StreamCore::fail_unless_data_waits(std::error_code what) {
  if (!is_suspended()) {
    has_received_ = false;
    receive_rest();
    if (state_ == State::closed) return;
    if (is_starved()) reading_since_ = last_received_ = loop().clock();
    if (is_starved() || has_received_ || (is_suspended() && what == errc::read_timed_out)) return limit_time();
  }
  close(what, true);
}

/// What has arrived is delivered before, and may make the program move the deadline.
void StreamCore::fail_at_deadline() {
  if (!is_suspended()) receive_rest();
  if (state_ == State::closed) return;
  std::error_code what;
  if (deadline(&what) > loop().now()) return limit_time();
  close(errc::deadline_passed, true);
}

/// A peer that takes a little now and then is slow, not stuck, though the system may not have reported any room.
void StreamCore::fail_unless_room_waits() {
  const TimePoint last_progress = last_sent_;
  use_up_room();
  if (state_ == State::closed || state_ == State::broken) return;
  if (last_sent_ == last_progress && is_waiting_to_send_) return close(errc::write_timed_out, true);
  limit_time();  // or its rate holds it up now
}

/// The room that the system has left and does not report, a third of a socket's buffer on Linux, would be found when the
/// limit has passed, and be taken for something the peer took. So it is used up soon after the stall began: what is there
/// later has been taken since.
void StreamCore::use_up_room() {
  send_rest();
  tried_at_ = last_sent_in_short();
}

TimePoint StreamCore::next_try() const noexcept {
  const Duration limit = settings_->time_limits.write;
  const bool is_stalled = is_waiting_to_send_ && state_ != State::broken && tried_at_ != last_sent_in_short();
  return is_stalled && limit != TimeLimits::no_limit ? add_saturated(last_sent_, limit / 8) : TimePoint::max();
}

/// The first moment at which a limit would be passed, and which; no error stands for the end of lingering.
TimePoint StreamCore::deadline(std::error_code* what) const noexcept {
  const TimeLimits& limits = settings_->time_limits;
  TimePoint first = end_deadline_;
  if (is_rate_limited()) first = std::min(first, rate_resumes_at());
  if (extras_ != nullptr && extras_->deadline < first) {
    first = extras_->deadline;
    if (what != nullptr) *what = errc::deadline_passed;
  }
  const auto consider = [&](TimePoint since, Duration limit, errc code) {
    const TimePoint end = add_saturated(since, limit);
    if (end >= first) return;
    first = end;
    if (what != nullptr) *what = code;
  };
  if (is_waiting_to_send_ || state_ == State::broken) consider(last_sent_, limits.write, errc::write_timed_out);
  if (!is_suspended() && !is_discarding_) {
    consider(std::max(last_received_, reading_since_), limits.read, errc::read_timed_out);
  }
  if (!is_discarding_ && (suspended_ & connecting) == 0)
    consider(std::max(last_sent_, last_received_), limits.idle, errc::idle_timed_out);
  return first;
}

}  // namespace weir
