// weir: a byte stream with an input and an output buffer: reading, writing, callbacks.
// SPDX-License-Identifier: MIT
#include "weir/stream/stream.h"

#include <cerrno>

#include "weir/stream/stream_state.h"

namespace weir {

Stream::Stream(EventLoop& loop, StreamSettings settings)
    : ByteSlot(loop),
      settings_(std::move(settings)),
      last_received_(loop.now()),
      last_sent_(loop.now()) {
  set_priority(settings_->priority);
  if (!settings_->name.empty()) set_name(settings_->name);
}

Stream::~Stream() { drop_callbacks(); }

Stream::Extras& Stream::extras() {
  if (extras_ == nullptr) extras_ = std::make_unique<Extras>();
  return *extras_;
}

// --- callbacks ---

void Stream::on_connected(Handler handler) { loop().replace_callback(extras().on_connected, std::move(handler)); }

void Stream::on_data(Handler handler) {
  loop().replace_callback(on_data_, std::move(handler));
  if (input_.is_empty() || !on_data_) return;
  must_deliver_ = true;
  loop().defer(*this);
}

void Stream::on_end(Handler handler) { loop().replace_callback(on_end_, std::move(handler)); }

void Stream::on_drained(Handler handler) { loop().replace_callback(on_drained_, std::move(handler)); }

void Stream::on_closed(ClosedHandler handler) { loop().replace_callback(on_closed_, std::move(handler)); }

void Stream::call_for_owner(Handler& handler) {
  const SlotHold hold(*this);
  call(handler);
  settle();
}

bool Stream::caught(std::exception_ptr exception) {
  const SlotHold hold(*this);
  return owner_ != nullptr && owner_->stream_threw(*this, std::move(exception));
}

void Stream::set_attachment(void* object, void (*destroy_object)(void*)) noexcept {
  void* old = std::exchange(attachment_, object);
  auto* destroy_old = std::exchange(destroy_attachment_, destroy_object);
  if (old != nullptr) destroy_old(old);
}

void Stream::drop_callbacks() noexcept {
  on_data_ = nullptr;
  on_end_ = nullptr;
  on_drained_ = nullptr;
  on_closed_ = nullptr;
  extras_.reset();
  set_attachment(nullptr, nullptr);
}

/// The transport can carry bytes from now on.
void Stream::connection_stands() {
  suspended_ |= connecting;
  unsuspend(connecting);
  if (extras_ != nullptr) call(extras_->on_connected);
  settle();
}

// --- reading ---

void Stream::received(Received& data) {
  last_received_ = loop().now();
  has_received_ = true;
  if (is_discarding_) return discard(data.bytes().size());
  data.append_to(input_);
  if (input_.size() >= settings_->read_marks.high) suspend(input_full);
  if (on_data_ && !is_paused()) {
    must_deliver_ = false;
    call(on_data_);
  }
  settle();
}

/// Tells of bytes that were there before: reading was resumed, or the callback is new.
void Stream::deliver() {
  if (!must_deliver_ || is_paused() || state_ == State::closed) return;
  must_deliver_ = false;
  if (!input_.is_empty()) call(on_data_);
}

void Stream::receive_ended(std::error_code error) {
  if (error && (failure_ == 0 || failure_ == ENOTCONN)) failure_ = pack(error);
  // After a failed send the system reports a lost connection as an end; only EPIPE proves a real one.
  if (failure_ == 0 || (!error && failure_ == EPIPE)) {
    suspended_ |= at_end;
    must_tell_end_ = true;
  } else {
    state_ = State::broken;
  }
  deliver();
  if (state_ == State::broken && !must_tell_end_) return fail(unpack(failure_));
  tell_peer_ended();
  settle();
}

void Stream::tell_peer_ended() {
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
  if (input_.is_empty()) return;
  must_deliver_ = true;
  loop().defer(*this);
}

void Stream::suspend(std::uint8_t reasons) noexcept {
  const bool was_running = !is_suspended();
  suspended_ |= reasons;
  if ((reasons & input_full) != 0 && !is_observing()) input_.add_observer(*this);
  if (was_running && state_ != State::closed) stop_receiving();
}

void Stream::unsuspend(std::uint8_t reasons) noexcept {
  if ((suspended_ & reasons) == 0) return;
  suspended_ &= static_cast<std::uint8_t>(~reasons);
  if ((reasons & input_full) != 0) input_.remove_observer(*this);
  if (is_suspended() || state_ == State::closed) return;
  if (settings_->time_limits.read != TimeLimits::no_limit) reading_since_ = loop().clock();
  if (state_ == State::broken) loop().defer(*this);
  start_receiving();
  limit_time();
}

void Stream::changed(Buffer&, const BufferChange&) noexcept {
  if (input_.size() <= settings_->read_marks.low) unsuspend(input_full);
}

/// Counts once the end is sent. Before that, to stop reading could mean to wait for ever for a peer that writes, and does
/// not read until somebody reads what it has written.
void Stream::discard(std::size_t count) noexcept {
  if (state_ != State::ended) return;
  discarded_ += static_cast<std::uint32_t>(std::min<std::size_t>(count, ~std::uint32_t{0} - discarded_));
  if (discarded_ < settings_->linger_bytes) return;
  suspend(drained_enough);
  settle_later();
}

// --- writing ---

bool Stream::takes(std::size_t count, Accepted& answer) const noexcept {
  if (state_ != State::open) {
    answer = Accepted::closed;
  } else if (output_.size() > settings_->output_limit || count > settings_->output_limit - output_.size()) {
    answer = Accepted::refused;
  } else {
    return true;
  }
  return false;
}

Accepted Stream::taken() {
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

Accepted Stream::write(Buffer&& buffer) {
  Accepted answer;
  if (!takes(buffer.size(), answer)) return answer;
  output_.append(std::move(buffer));
  return taken();
}

void Stream::flush_now() {
  const SlotHold hold(*this);
  settle();
}

/// Writes inside a callback of this stream are settled when it returns; others at the end of the turn.
void Stream::settle_later() noexcept {
  if (loop().running_slot() != this) loop().defer(*this);
}

/// Sends what is to be sent, and takes the next step towards the end if there is one to take.
void Stream::settle() {
  if (state_ == State::closed || (suspended_ & connecting) != 0) return;
  if (!output_.is_empty() && !is_waiting_to_send_) {
    const std::size_t offered = output_.size();
    is_waiting_to_send_ = true;  // unless `sent` learns better
    start_sending();
    if (is_waiting_to_send_ && output_.size() == offered) wait_to_send(loop().clock());
  }
  if (state_ != State::open) advance_end();
}

/// The kernel has no room: the write limit counts from here, or goes on counting.
void Stream::wait_to_send(TimePoint since) noexcept {
  is_waiting_to_send_ = true;
  last_sent_ = since;
  limit_time();
}

void Stream::sent(std::size_t count) {
  output_.drop(count);
  last_sent_ = output_.is_empty() ? loop().now() : loop().clock();
  is_waiting_to_send_ = false;
  if (!output_.is_empty()) wait_to_send(last_sent_);  // the backend goes on with the rest by itself
  if (extras_ != nullptr) extras_->sent += count;
  if (output_.size() <= settings_->write_marks.low) unsuspend(output_full);
  tell_sent();
  const bool has_more = !output_.is_empty() && !is_waiting_to_send_;  // written by those who were told
  if (has_more || (output_.is_empty() && state_ == State::finishing)) settle_later();
}

void Stream::when_sent(Callback<void(std::error_code)> callback) {
  expects(static_cast<bool>(callback));
  if (state_ == State::closed) return;
  Extras& more = extras();
  more.sent_callbacks.push_back({more.sent + output_.size(), std::move(callback)});
  if (output_.is_empty()) loop().defer(*this);
}

void Stream::run_first_sent_callback(std::error_code error) {
  Callback<void(std::error_code)> callback = std::move(extras_->sent_callbacks.front().callback);
  extras_->sent_callbacks.pop_front();
  run_own([&] { callback(error); });
}

bool Stream::has_sent_news() const noexcept {
  if (is_silent_ || state_ == State::closed) return false;
  if (has_told_slow_down_ && output_.size() <= settings_->write_marks.low) return true;
  return extras_ != nullptr && !extras_->sent_callbacks.empty() &&
         extras_->sent_callbacks.front().position <= extras_->sent;
}

/// Tells of what left: `when_sent`, in order, then `on_drained`. What those who are told bring about is told in a later
/// turn, however often they send at once: so the stack stays shallow and others have their turn.
void Stream::tell_sent() {
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
    if (output_.size() <= settings_->write_marks.low && state_ != State::closed &&
        std::exchange(has_told_slow_down_, false)) {
      call(on_drained_);
    }
  }
  if (has_sent_news()) loop().defer(*this);
}

// --- limits ---

void Stream::set_read_marks(Marks marks) {
  expects(marks.low <= marks.high && marks.high > 0);
  settings_.own().read_marks = marks;
  if (is_discarding_) return;
  if (input_.size() >= marks.high) {
    suspend(input_full);
  } else if (input_.size() <= marks.low) {
    unsuspend(input_full);
  }
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

void Stream::set_output_limit(std::size_t bytes) { settings_.own().output_limit = bytes; }

void Stream::set_time_limits(const TimeLimits& limits) {
  settings_.own().time_limits = limits;
  limit_time();
}

// --- the rest ---

Result<Address> Stream::local_address() const { return transport_address(false); }

Result<Address> Stream::peer_address() const { return transport_address(true); }

StreamRef Stream::ref() noexcept { return StreamRef(loop(), id()); }

bool StreamRef::post(Callback<void(Stream&)> task) const {
  if (queue_.get() == nullptr) return false;
  return queue_->push([loop = loop_, id = id_, task = std::move(task)]() mutable {
    Slot* slot = loop->find(id);
    if (slot == nullptr || slot->is_released()) return;
    static_cast<Stream*>(slot)->call_for_owner(task);
  });
}

bool StreamRef::write(TransferBuffer bytes) const {
  return post([bytes = std::move(bytes)](Stream& stream) mutable {
    if (stream.write(std::move(bytes).attach()) == Accepted::refused) stream.fail(errc::limit);
  });
}

}  // namespace weir
