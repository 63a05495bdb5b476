// weir: a byte stream with an input and an output buffer: reading, writing, callbacks.
// SPDX-License-Identifier: MIT
#include "weir/stream/stream.h"

#include <cerrno>

#include "weir/stream/stream_state.h"

namespace weir {

StreamCore::StreamCore(EventLoop& loop, StreamSettings settings)
    : ByteSlot(loop),
      settings_(std::move(settings)),
      last_received_(loop.now()),
      last_sent_(loop.now()) {
  set_priority(settings_->priority);
  if (!settings_->name.empty()) set_name(settings_->name);
}

StreamCore::~StreamCore() {
  drop_callbacks();
  drop_attachment();
}

StreamCore::Extras& StreamCore::extras() {
  if (extras_ == nullptr) extras_ = std::make_unique<Extras>();
  return *extras_;
}

// --- callbacks ---

void Stream::on_connected(Handler handler) { loop().replace_callback(extras().on_connected, std::move(handler)); }

void Stream::on_data(Handler handler) {
  ++data_handlers_;
  loop().replace_callback(on_data_, std::move(handler));
  if (input_.is_empty() || !on_data_) return;
  must_deliver_ = true;
  loop().defer(*this);
}

void Stream::on_end(Handler handler) { loop().replace_callback(on_end_, std::move(handler)); }

void Stream::on_drained(Handler handler) {
  if (!handler && extras_ == nullptr) return;
  loop().replace_callback(extras().on_drained, std::move(handler));
}

void Stream::on_closed(ClosedHandler handler) { loop().replace_callback(on_closed_, std::move(handler)); }

void Stream::call_for_owner(Handler& handler) {
  const SlotHold hold(*this);
  call(handler);
  settle();
}

bool StreamCore::caught(std::exception_ptr exception) {
  const SlotHold hold(*this);
  return owner_ != nullptr && owner_->stream_threw(self(), std::move(exception));
}

void StreamCore::set_attachment(void* object, void (*destroy_object)(void*)) noexcept {
  void* old = std::exchange(attachment_, object);
  auto* destroy_old = std::exchange(destroy_attachment_, destroy_object);
  if (old != nullptr) destroy_old(old);
}

void StreamCore::drop_callbacks() noexcept {
  on_data_ = nullptr;
  on_end_ = nullptr;
  on_closed_ = nullptr;
  has_read_ = false;
  if (extras_ != nullptr) {
    extras_->on_connected = nullptr;
    extras_->on_drained = nullptr;
    if (extras_->passing != nullptr) extras_->passing->on_descriptors = nullptr;
    extras_->read = {};
    extras_->sent_callbacks.clear();
  }
}

/// The transport can carry bytes from now on.
void StreamCore::connection_stands() {
  suspended_ |= connecting;
  unsuspend(connecting);
  if (extras_ != nullptr) call(extras_->on_connected);
  settle();
}

// --- writing ---

bool StreamCore::takes(std::size_t count, Accepted& answer) const noexcept {
  if (state_ != State::open) {
    answer = Accepted::closed;
  } else if (output_.size() > settings_->output_limit || count > settings_->output_limit - output_.size()) {
    answer = Accepted::refused;
  } else {
    return true;
  }
  return false;
}

Accepted StreamCore::taken() {
  lift_sending_hold();
  settle_later();
  if (output_.size() < settings_->write_marks.high) return Accepted::yes;
  if (!settings_->read_while_output_full) suspend(output_full);
  has_told_slow_down_ = true;
  return Accepted::slow_down;
}

Accepted Stream::write(Bytes bytes) {
  Accepted answer;
  if (!takes(bytes.size(), answer)) return answer;
  if (!output_.try_append(bytes)) return Accepted::refused;
  return taken();
}

Accepted Stream::write(const Slice& slice) {
  Accepted answer;
  if (!takes(slice.size(), answer)) return answer;
  output_.append(slice);
  return taken();
}

Accepted Stream::write(const FileRange& range) {
  Accepted answer;
  if (!takes(0, answer)) return answer;
  output_.append(range);
  return taken();
}

Accepted Stream::write(Buffer&& buffer) {
  Accepted answer;
  if (!takes(buffer.size(), answer)) return answer;
  output_.append(std::move(buffer));
  return taken();
}

void Stream::flush_now() {
  const SlotHold hold(*this);
  settle();
  if (is_waiting_to_send_ && state_ != State::closed) send_rest();
  if (state_ == State::open || state_ == State::finishing) flush_transport();
}

void Stream::pause_writing() noexcept {
  if (state_ != State::open && (state_ != State::finishing || is_discarding_)) return;
  sending_suspended_ |= by_user;
  is_waiting_to_send_ = false;
  stop_sending();
}

void Stream::resume_writing() {
  if (!is_writing_paused()) return;
  sending_suspended_ &= static_cast<std::uint8_t>(~by_user);
  loop().defer(*this);
}

/// Writes inside a callback of this stream are settled when it returns; others at the end of the turn.
void StreamCore::settle_later() noexcept {
  if (loop().running_slot() != this) loop().defer(*this);
}

/// Sends what is to be sent, and takes the next step towards the end if there is one to take.
void StreamCore::settle() {
  if (state_ == State::closed || (suspended_ & connecting) != 0) return;
  if (!output_.is_empty() && !is_waiting_to_send_ && sending_suspended_ == 0) {
    const std::size_t offered = output_.size();
    is_waiting_to_send_ = true;  // unless `sent` learns better
    start_sending();
    if (sending_suspended_ != 0) is_waiting_to_send_ = false;
    if (is_waiting_to_send_ && output_.size() == offered) wait_to_send(loop().clock());
  } else if (output_.is_empty() && is_diverted() && is_plain_socket()) {
    send_diverted();  // what is in a pump's pipe, which may have been held up
  }
  if (state_ != State::open) advance_end();
}

/// The kernel has no room: the write limit counts from here, or goes on counting.
void StreamCore::wait_to_send(TimePoint since) noexcept {
  is_waiting_to_send_ = true;
  last_sent_ = since;
  limit_time();
}

void StreamCore::sent(std::size_t count) {
  count_taken_out(count);  // before what is released there calls the program, which may write
  output_.drop(count);
  count_left(count);
  if (extras_ != nullptr) extras_->sent = extras_->taken;
  tell_sent();
  const bool has_more = !output_.is_empty() && !is_waiting_to_send_;  // written by those who were told
  if (has_more || (output_.is_empty() && state_ == State::finishing)) settle_later();
}

void StreamCore::left(std::size_t count) {
  count_taken_out(count);
  count_left(count);
  if (extras_ != nullptr) extras_->sent = extras_->taken;
  if (has_sent_news() || (output_.is_empty() && state_ == State::finishing)) loop().defer(*this);
}

void StreamCore::count_left(std::size_t count) {
  if (is_rate_limited()) count_sent(count);
  last_sent_ = output_.is_empty() ? loop().now() : loop().clock();
  is_waiting_to_send_ = false;
  if (!output_.is_empty() && sending_suspended_ == 0)
    wait_to_send(last_sent_);  // the backend goes on with the rest by itself
  if (output_.size() <= settings_->write_marks.low) unsuspend(output_full);
}

void Stream::when_sent(Callback<void(std::error_code)> callback) {
  expects(static_cast<bool>(callback));
  if (state_ == State::closed) return;
  Extras& more = extras();
  more.sent_callbacks.push_back({more.taken + output_.size(), std::move(callback)});
  if (output_.is_empty() || sending_suspended_ != 0) loop().defer(*this);
}

void StreamCore::run_first_sent_callback(std::error_code error) {
  Callback<void(std::error_code)> callback = std::move(extras_->sent_callbacks.front().callback);
  extras_->sent_callbacks.pop_front();
  run_own([&] { callback(error); });
}

bool StreamCore::has_sent_news() const noexcept {
  if (is_silent_ || state_ == State::closed) return false;
  if (has_told_slow_down_ && is_drained()) return true;
  return extras_ != nullptr && !extras_->sent_callbacks.empty() &&
         extras_->sent_callbacks.front().position <= extras_->sent;
}

/// Tells of what left: `when_sent`, in order, then `on_drained`. What those who are told bring about is told in a later
/// turn, however often they send at once: so the stack stays shallow and others have their turn.
void StreamCore::tell_sent() {
  if (is_telling_sent_ || !has_sent_news()) return;
  if (!loop().is_running()) return loop().defer(*this);
  struct Telling {
    explicit Telling(bool& flag) noexcept : is_telling(flag) { is_telling = true; }
    ~Telling() { is_telling = false; }
    bool& is_telling;
  };
  const SlotHold hold(*this);
  {
    const Telling telling(is_telling_sent_);
    const std::uint64_t sent = extras_ != nullptr ? extras_->sent : 0;
    for (std::size_t left = extras_ != nullptr ? extras_->sent_callbacks.size() : 0; left > 0; --left) {
      if (is_silent_ || state_ == State::closed || extras_->sent_callbacks.front().position > sent) break;
      run_first_sent_callback({});
    }
    if (is_drained() && state_ != State::closed && std::exchange(has_told_slow_down_, false)) {
      if (extras_ != nullptr) call(extras_->on_drained);
    }
  }
  if (has_sent_news()) loop().defer(*this);
}

// --- limits ---

void Stream::set_read_marks(Marks marks) {
  expects(marks.low <= marks.high && marks.high > 0);
  settings_.own().read_marks = marks;
  apply_read_marks();
}

void Stream::set_write_marks(Marks marks) {
  expects(marks.low <= marks.high && marks.high > 0);
  settings_.own().write_marks = marks;
  if (output_.size() <= marks.low) {
    unsuspend(output_full);
    if (has_told_slow_down_) loop().defer(*this);
  } else if (output_.size() >= marks.high && !settings_->read_while_output_full && !is_discarding_) {
    suspend(output_full);
  }
}

/// For a pump: what is read here is no answer to what is written, and who waits until its own answers are read, as a stream
/// does, would wait for ever.
void StreamCore::read_on_while_output_full() {
  if (settings_->read_while_output_full) return;
  settings_.own().read_while_output_full = true;
  unsuspend(output_full);
}

void Stream::set_output_limit(std::size_t bytes) { settings_.own().output_limit = bytes; }

void Stream::set_time_limits(const TimeLimits& limits) {
  settings_.own().time_limits = limits;
  limit_time();
}

void Stream::set_deadline(TimePoint deadline) {
  if (deadline == TimePoint::max() && extras_ == nullptr) return;
  extras().deadline = deadline;
  limit_time();
}

// --- the rest ---

Result<Address> Stream::local_address() const { return transport_address(false); }

Result<Address> Stream::peer_address() const { return transport_address(true); }

StreamRef Stream::ref() noexcept { return StreamRef(loop(), id()); }

}  // namespace weir
