// weir: a byte stream with an input and an output buffer: reading, writing, callbacks.
// SPDX-License-Identifier: MIT
#include "weir/stream/stream.h"

#include "weir/stream/stream_state.h"

namespace weir {

Stream::Stream(EventLoop& loop, StreamSettings settings)
    : ByteSlot(loop), settings_(std::move(settings)), last_received_(loop.now()), last_sent_(loop.now()) {}

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
  deliver();
  if (error) return fail(send_error_ != 0 ? system_error(send_error_) : error);
  suspended_ |= at_end;
  if (is_discarding_) return settle();
  if (on_end_) {
    call(on_end_);
  } else {
    begin_to_end(false);
  }
  settle();
}

void Stream::pause() noexcept { suspend(by_user); }

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
  if ((reasons & input_full) != 0) input_.set_drain_hook(this);
  if (was_running && state_ != State::closed) stop_receiving();
}

void Stream::unsuspend(std::uint8_t reasons) noexcept {
  if ((suspended_ & reasons) == 0) return;
  suspended_ &= static_cast<std::uint8_t>(~reasons);
  if ((reasons & input_full) != 0) input_.set_drain_hook(nullptr);
  if (is_suspended() || state_ == State::closed) return;
  last_received_ = loop().now();  // the read limit counts from here
  start_receiving();
  limit_time();
}

void Stream::drained(Buffer&) noexcept {
  if (input_.size() <= settings_->read_marks.low) unsuspend(input_full);
}

void Stream::discard(std::size_t count) noexcept {
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
    start_sending();
    if (!output_.is_empty() && !is_waiting_to_send_) wait_to_send(loop().clock());
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
  last_sent_ = loop().now();
  is_waiting_to_send_ = false;
  if (extras_ != nullptr) {
    extras_->sent += count;
    run_sent_callbacks();
  }
  if (output_.size() <= settings_->write_marks.low) {
    if ((suspended_ & output_full) != 0) unsuspend(output_full);
    if (std::exchange(has_told_slow_down_, false)) call(on_drained_);
  }
  if (!output_.is_empty()) {
    wait_to_send(loop().now());
  } else if (state_ == State::finishing) {
    settle_later();
  }
}

void Stream::when_sent(Callback<void(std::error_code)> callback) {
  expects(static_cast<bool>(callback));
  Extras& more = extras();
  more.sent_callbacks.push_back({more.sent + output_.size(), std::move(callback)});
  if (output_.is_empty()) loop().defer(*this);
}

void Stream::run_first_sent_callback(std::error_code error) {
  Callback<void(std::error_code)> callback = std::move(extras_->sent_callbacks.front().callback);
  extras_->sent_callbacks.pop_front();
  run_own([&] { callback(error); });
}

void Stream::run_sent_callbacks() {
  while (!is_silent_ && extras_ != nullptr && !extras_->sent_callbacks.empty()) {
    if (extras_->sent_callbacks.front().position > extras_->sent) return;
    run_first_sent_callback({});
  }
}

void Stream::fail_sent_callbacks(std::error_code error) {
  while (!is_silent_ && extras_ != nullptr && !extras_->sent_callbacks.empty()) {
    run_first_sent_callback(error);
  }
}

// --- limits ---

void Stream::set_read_marks(Marks marks) {
  expects(marks.low <= marks.high && marks.high > 0);
  settings_.own().read_marks = marks;
  if (input_.size() >= marks.high) {
    suspend(input_full);
  } else if (input_.size() <= marks.low) {
    unsuspend(input_full);
  }
}

void Stream::set_write_marks(Marks marks) {
  expects(marks.low <= marks.high && marks.high > 0);
  settings_.own().write_marks = marks;
  if (output_.size() <= marks.low) unsuspend(output_full);
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
    task(*static_cast<Stream*>(slot));
  });
}

bool StreamRef::write(TransferBuffer bytes) const {
  return post([bytes = std::move(bytes)](Stream& stream) mutable {
    if (stream.write(std::move(bytes).attach()) == Accepted::refused) stream.fail(errc::limit);
  });
}

}  // namespace weir
