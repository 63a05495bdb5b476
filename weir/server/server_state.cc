// weir: what a server is on its loop; internal.
// SPDX-License-Identifier: MIT
#include "weir/server/server_state.h"

#include <algorithm>
#include <utility>

namespace weir {
namespace {

constexpr Duration between_remarks = std::chrono::seconds(1);

}  // namespace

Result<void> Server::State::listen(const Address& address, ListenOptions options) {
  if (options.name.empty()) options.name = name();
  auto listener = Listener::open(loop(), address, std::move(options), [this](Socket socket, const Address& peer) {
    const SlotHold hold(*this);
    arrive(std::move(socket), peer);
  });
  if (!listener) return listener.error();
  listener_ = *std::move(listener);
  address_ = listener_.address();
  return {};
}

void Server::State::arrive(Socket socket, const Address& peer) {
  ConnectionPlace place;
  if (limits_ != nullptr) {
    switch (limits_->enter(peer, place, loop().post_queue())) {
      case ConnectionLimits::Answer::admitted: break;
      case ConnectionLimits::Answer::too_many_of_host: return remark_refusal(peer);
      case ConnectionLimits::Answer::full:
        listener_.pause();
        waiting_ = Unadmitted{std::move(socket), peer};
        return loop().add_waiting_for_place(*this);
    }
  }
  if (on_arrival_) return on_arrival_({std::move(socket), std::move(place)});
  take_connection({std::move(socket), std::move(place)});
}

void Server::State::remark_refusal(const Address& peer) {
  if (last_remark_ != TimePoint{} && loop().now() - last_remark_ < between_remarks) return;
  last_remark_ = loop().now();
  loop().say(Diagnostic::Level::warning,
             "a connection from " + peer.to_string() + " was closed: its address has as many as it may", errc::limit);
}

/// Not at once: whoever calls goes on until nobody waits.
void Server::State::place_freed() noexcept { loop().defer(*this); }

void Server::State::admit_waiting() {
  struct Resume {
    ~Resume() {  // also when the handler throws
      if (!state.waiting_ && !state.is_released() && !state.is_stopping_) state.listener_.resume();
    }
    State& state;
  };
  Unadmitted next = std::move(*waiting_);
  waiting_.reset();
  const Resume resume{*this};
  arrive(std::move(next.socket), next.peer);
}

void Server::State::take_connection(ArrivedConnection connection) {
  if (is_stopping_) return;
  Result<std::unique_ptr<Stream>> adopted = Stream::adopt(loop(), std::move(connection.socket), settings_);
  if (!adopted) {
    return loop().say(Diagnostic::Level::error,
                      "a connection was dropped, for the loop cannot listen to it: " + adopted.error().message(),
                      adopted.error());
  }
  if (limits_ != nullptr) places_.emplace(adopted->get(), std::move(connection.place));
  Stream& stream = *adopted->release();
  own(stream);
  if (!on_stream_) return stream.finish();
  stream.call_for_owner(on_stream_);
}

void Server::State::adopt(std::unique_ptr<Stream> stream) {
  expects(stream->owner() == nullptr && &stream->loop() == &loop());
  Stream& owned = *stream.release();
  own(owned);
  if (!owned.is_open()) owned.abort();  // nothing would tell of its end any more
  if (is_finishing_) owned.finish();
}

void Server::State::own(Stream& stream) noexcept {
  streams_.push_back(stream);
  stream.set_owner(this);
  set_count(stream_count() + 1);
}

void Server::State::destroy() noexcept {
  listener_ = {};
  waiting_.reset();
  PlaceWaiter::unlink();
  if (limits_ != nullptr) limits_->forget(loop().post_queue());
  loop().cancel(*this);
  while (Stream* stream = streams_.pop_front()) delete stream;
  places_.clear();
  release();
}

std::unique_ptr<Stream> Server::State::take(Stream& stream) {
  expects(stream.owner() == this);
  forget(stream);
  return std::unique_ptr<Stream>(&stream);
}

void Server::State::stop(Duration within, Ending ending, Callback<void()> on_stopped) {
  if (on_stopped) loop().replace_callback(on_stopped_, std::move(on_stopped));
  const TimePoint deadline = add_saturated(loop().clock(), std::max(within, Duration::zero()));
  if (!is_stopping_ || deadline < stop_deadline_) {
    stop_deadline_ = deadline;
    loop().arm(*this, deadline);
  }
  is_stopping_ = true;
  listener_ = {};
  if (waiting_) limits_->forget(loop().post_queue());
  waiting_.reset();
  if (ending == Ending::finish) {
    is_finishing_ = true;
    streams_.for_each([](Stream& stream) { stream.finish(); });
  }
  if (stream_count() == 0) loop().defer(*this);
}

void Server::State::forget(Stream& stream) noexcept {
  stream.ListHook<OwnedTag>::unlink();
  stream.set_owner(nullptr);
  set_count(stream_count() - 1);
  if (limits_ != nullptr) places_.erase(&stream);
  if (stream_count() == 0 && is_stopping_) loop().defer(*this);
}

void Server::State::stream_closed(Stream& stream) noexcept {
  forget(stream);
  delete &stream;
}

bool Server::State::stream_threw(Stream& stream, std::exception_ptr exception) {
  struct Abort {
    ~Abort() {
      if (stream.owner() == owner) stream.abort();
    }
    State* owner;
    Stream& stream;
  };
  const SlotHold hold(*this);
  const Abort abort{this, stream};  // also when the handler itself throws
  if (on_exception_) {
    loop().invoke(on_exception_, stream, std::move(exception));
  } else {
    loop().say(Diagnostic::Level::error,
               "a callback of a stream threw, and the stream is aborted; Server::on_exception hears more");
  }
  return true;
}

/// The time for stopping in order is over.
void Server::State::fired() {
  const SlotHold hold(*this);
  const CallbackSpan span(*this);
  loop().recorder().limit_passed(stop_deadline_);
  // Aborting one may run release callbacks of foreign memory, which may destroy others: so each is looked up anew, and
  // those that are done go to the back.
  for (std::size_t left = stream_count(); left > 0 && !streams_.is_empty(); --left) {
    Stream& stream = *streams_.front();
    stream.ListHook<OwnedTag>::unlink();
    streams_.push_back(stream);
    if (stream.is_open()) stream.abort();  // one that is closed goes at the end of the turn
  }
}

void Server::State::run_deferred() {
  if (is_released()) return;
  if (waiting_) return admit_waiting();
  if (stream_count() != 0 || !is_stopping_) return;
  loop().cancel(*this);
  if (!on_stopped_) return;
  Callback<void()> on_stopped = std::move(on_stopped_);
  Slot* outer = loop().exchange_running_slot(this);
  on_stopped();
  loop().exchange_running_slot(outer);
}

}  // namespace weir
