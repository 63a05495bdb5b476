// weir: a byte stream with an input and an output buffer: reading.
// SPDX-License-Identifier: MIT
#include <cerrno>

#include "weir/stream/stream_state.h"

namespace weir {

void StreamCore::received(Received& data) {
  if (is_rate_limited()) [[unlikely]]
    count_received(data.bytes().size());
  last_received_ = loop().now();
  has_received_ = true;
  if (is_discarding_) return discard(data.bytes().size());
  data.append_to(input_);
  if (input_.size() >= high_mark()) suspend(input_full);
  if (!self().is_paused()) tell_data();
  settle();
}

void StreamCore::arrived(Buffer&& data) {
  if (is_rate_limited()) count_received(data.size());
  last_received_ = loop().now();
  has_received_ = true;
  if (is_discarding_) {
    discard(data.size());
    return data.clear();
  }
  input_.append(std::move(data));
  if (input_.size() >= high_mark()) suspend(input_full);
  must_deliver_ = true;
}

/// Tells of bytes that were there before: reading was resumed, or the callback is new.
void StreamCore::deliver() {
  if (must_deliver_ && !self().is_paused() && state_ != State::closed) tell_data();
}

void StreamCore::tell_data() {
  must_deliver_ = false;
  if (has_arrivals_ && !tell_descriptors()) [[unlikely]]
    return;
  if (has_read_) [[unlikely]] {
    serve_read();
    if (has_read_ || self().is_paused() || is_discarding_ || state_ == State::closed) return;
  }
  if (!input_.is_empty()) call(on_data_);
}

void StreamCore::receive_ended(std::error_code error) {
  if (error && (failure_ == 0 || failure_ == ENOTCONN)) failure_ = pack(error);
  // After a failed send the system reports a lost connection as an end; only EPIPE proves a real one.
  if (failure_ == 0 || (!error && failure_ == EPIPE)) {
    suspended_ |= at_end;
    must_tell_end_ = true;
  } else {
    state_ = State::broken;
  }
  if (has_read_) must_deliver_ = true;
  deliver();
  if (state_ == State::broken && !must_tell_end_) return close(unpack(failure_), true);
  tell_peer_ended();
  settle();
}

void StreamCore::tell_peer_ended() {
  if (!std::exchange(must_tell_end_, false) || is_discarding_ || state_ == State::closed) return;
  if (on_end_) {
    call(on_end_);
  } else {
    begin_to_end(false);
  }
}

void Stream::pause() noexcept {
  if (!is_discarding_) suspend(by_user);  // finish() has to see the peer's end
}

void Stream::resume() {
  if (!is_paused()) return;
  unsuspend(by_user);
  if (input_.is_empty() && !has_read_ && !has_arrivals_) return;
  must_deliver_ = true;
  loop().defer(*this);
}

void StreamCore::suspend(std::uint8_t reasons) noexcept {
  const bool was_running = !is_suspended();
  suspended_ |= reasons;
  if ((reasons & input_full) != 0 && !is_observing()) input_.add_observer(*this);
  if (was_running && state_ != State::closed) stop_receiving();
}

void StreamCore::unsuspend(std::uint8_t reasons) noexcept {
  if ((suspended_ & reasons) == 0) return;
  suspended_ &= static_cast<std::uint8_t>(~reasons);
  if ((reasons & input_full) != 0) input_.remove_observer(*this);
  if (is_suspended() || state_ == State::closed) return;
  if (settings_->time_limits.read != TimeLimits::no_limit) reading_since_ = loop().clock();
  if (state_ == State::broken) loop().defer(*this);
  start_receiving();
  limit_time();
}

void StreamCore::changed(Buffer&, const BufferChange&) noexcept {
  if (input_.size() <= settings_->read_marks.low || input_.size() < needed_) unsuspend(input_full);
}

/// After a change of the marks.
void StreamCore::apply_read_marks() {
  if (is_discarding_) return;
  if (input_.size() >= high_mark()) {
    suspend(input_full);
  } else if (input_.size() <= settings_->read_marks.low || input_.size() < needed_) {
    unsuspend(input_full);
  }
}

// --- frames ---

bool Stream::need_input(std::size_t count) {
  if (count > std::max(settings_->read_marks.high, settings_->input_limit)) return false;
  needed_ = count;
  apply_read_marks();
  return true;
}

/// True when the handler of frames, having been called, is to be called with the next one.
bool StreamCore::may_go_on(std::uint8_t version) noexcept {
  if (is_silent_ || is_discarding_ || self().is_paused() || state_ == State::closed || data_handlers_ != version)
    return false;
  if (!loop().is_cut()) return true;
  must_deliver_ = true;
  loop().defer(*this);
  return false;
}

void Stream::read_exactly(std::size_t count, ReadHandler handler) {
  const auto next = [count](Buffer& input) {
    return Result<std::optional<Buffer>>(input.size() < count ? std::nullopt : std::optional(input.take(count)));
  };
  begin_read(next, count, std::move(handler));
}

void Stream::read_until(std::string delimiter, ReadHandler handler, std::size_t limit) {
  read_frame(DelimiterReader(std::move(delimiter), limit), std::move(handler));
}

void Stream::read_line(ReadHandler handler, LineReader reader) { read_frame(std::move(reader), std::move(handler)); }

void StreamCore::begin_read(Callback<Result<std::optional<Buffer>>(Buffer&)> next, std::size_t longest,
                            Stream::ReadHandler handler) {
  expects(static_cast<bool>(handler));
  expects(!has_read_);
  if (state_ == State::closed) return;
  if (!self().need_input(longest)) next = [](Buffer&) { return Result<std::optional<Buffer>>(errc::limit); };
  extras().read = {std::move(next), std::move(handler)};
  has_read_ = true;
  must_deliver_ = true;
  loop().defer(*this);
}

void StreamCore::serve_read() {
  while (has_read_ && !self().is_paused() && state_ != State::closed) {
    if (loop().is_cut()) {
      must_deliver_ = true;
      return loop().defer(*this);
    }
    Result<std::optional<Buffer>> frame = extras_->read.next(input_);
    if (!frame) {
      end_read(frame.error());
    } else if (*frame) {
      end_read(std::move(**frame));
    } else if ((suspended_ & at_end) != 0) {
      end_read(errc::eof);
    } else {
      return;
    }
  }
}

void StreamCore::end_read(Result<Buffer> result) {
  has_read_ = false;
  PendingRead read = std::exchange(extras_->read, {});
  needed_ = 0;
  apply_read_marks();
  run_own([&] { read.handler(self(), std::move(result)); });
}

/// Counts once the end is sent. Before that, to stop reading could mean to wait for ever for a peer that writes, and does
/// not read until somebody reads what it has written.
void StreamCore::discard(std::size_t count) noexcept {
  if (state_ != State::ended) return;
  discarded_ += static_cast<std::uint32_t>(std::min<std::size_t>(count, ~std::uint32_t{0} - discarded_));
  if (discarded_ < settings_->linger_bytes) return;
  suspend(drained_enough);
  settle_later();
}

}  // namespace weir
