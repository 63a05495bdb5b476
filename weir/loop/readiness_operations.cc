// weir: what slots ask of the loop where the system tells of readiness: receive, send, accept, connect, watch.
// SPDX-License-Identifier: MIT
#include <poll.h>

#include <cerrno>

#include "weir/loop/descriptor_passing.h"
#include "weir/loop/output_offer.h"
#include "weir/loop/readiness_backend.h"
#include "weir/sys/calls.h"

namespace weir {
namespace {

using namespace weir::literals;

constexpr std::size_t bytes_per_turn = 256_KiB;  // of one stream, each way
// What the program does not see costs it less.
constexpr std::size_t diverted_per_turn = 1_MiB;
constexpr std::size_t file_bytes_for_one = 4;
constexpr std::size_t accepts_per_turn = 64;  // of one listener

/// The connection failed before it was accepted, or a pending error of the network was passed on to accept(2), as its man
/// page says of Linux: the next connection may be fine.
bool is_of_one_connection(int error) {
  switch (error) {
    case ECONNABORTED:
    case EPROTO:
    case EPERM:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
    case ETIMEDOUT:
    case ECONNRESET: return true;
    default: return false;
  }
}

/// What of `events` still holds: others may have read from the descriptor, or written to it, meanwhile.
std::uint32_t still_ready(int descriptor, std::uint32_t events) {
  pollfd asked{.fd = descriptor, .events = static_cast<short>(events), .revents = 0};
  const sys::CallResult answered = sys::poll({&asked, 1}, Duration::zero());
  if (!answered) return events;
  return static_cast<unsigned short>(asked.revents) & ~static_cast<std::uint32_t>(POLLNVAL);
}

}  // namespace

/// Puts a slot that still has something to do back on the ready list when its turn ends, also when a callback threw.
class ReadinessBackend::ReadyGuard {
 public:
  ReadyGuard(ReadinessBackend& backend, IoSlot& slot) noexcept : backend_(backend), slot_(slot), hold_(slot) {}
  ReadyGuard(const ReadyGuard&) = delete;
  ReadyGuard& operator=(const ReadyGuard&) = delete;
  ~ReadyGuard() {
    const bool wants_to_read = slot_.is_reading_ && slot_.is_readable_ && !slot_.is_starved_;
    const bool wants_to_write = slot_.is_writing_ && slot_.is_writable_ && !slot_.cannot_send_yet_;
    if (!slot_.is_attached_ || !(wants_to_read || wants_to_write)) return;
    // Waiting for memory to read must not hold up its output, nor the other way round.
    if (slot_.is_starved_ || slot_.cannot_send_yet_) slot_.ListHook<ReadyTag>::unlink();
    backend_.make_ready(slot_);
  }

 private:
  ReadinessBackend& backend_;
  IoSlot& slot_;
  SlotHold hold_;
};

void ReadinessBackend::make_ready(IoSlot& slot) noexcept {
  if (!slot.ListHook<ReadyTag>::is_linked()) ready_.push_back(slot);
}

void ReadinessBackend::serve(IoSlot& slot) {
  switch (slot.kind_) {
    case IoSlot::Kind::bytes: {
      auto& bytes = static_cast<ByteSlot&>(slot);
      ReadyGuard guard(*this, slot);
      const CallbackSpan span(slot);
      if (slot.is_reading_ && slot.is_readable_) receive(bytes);
      if (slot.is_writing_ && slot.is_writable_) send(bytes);
      return;
    }
    case IoSlot::Kind::accept:
      if (slot.is_reading_ && slot.is_readable_) accept(static_cast<AcceptSlot&>(slot));
      return;
    case IoSlot::Kind::connect:
      if (slot.is_writing_ && slot.is_writable_) finish_connect(static_cast<ConnectSlot&>(slot));
      return;
    case IoSlot::Kind::watch: return tell_watch(static_cast<WatchSlot&>(slot));
  }
}

void ReadinessBackend::start_receive(ByteSlot& slot) noexcept {
  slot.is_reading_ = true;
  if (slot.is_readable_) make_ready(slot);
}

void ReadinessBackend::stop_receive(ByteSlot& slot) noexcept { slot.is_reading_ = false; }

void ReadinessBackend::receive_now(ByteSlot& slot) {
  ReadyGuard guard(*this, slot);
  slot.is_reading_ = slot.is_readable_ = true;
  receive(slot);
}

/// Receives until the kernel has no more, the slot is stopped, or its turn is over. The caller holds the slot.
void ReadinessBackend::receive(ByteSlot& slot) {
  slot.is_starved_ = false;
  for (std::size_t left = bytes_per_turn; slot.is_reading_;) {
    if (slot.diversion_ != nullptr && receive_diverted(slot)) [[unlikely]]
      return;
    MutableBytes room = receive_block_.room();
    if (room.empty() || pool_.is_pressed() || !slot.input_buffer().reserve_slice()) [[unlikely]] {
      if (must_starve(slot)) return;
      continue;
    }
    if (slot.is_rate_limited()) [[unlikely]] {
      const std::size_t allowed = slot.receive_allowance();
      if (allowed == 0) return;
      room = room.first(std::min(allowed, room.size()));
    }
    const sys::CallResult got = slot.reading_ == ByteSlot::Reading::socket ? sys::receive(slot.descriptor(), room)
                                                                           : receive_otherwise(slot, room);
    if (!got) [[unlikely]] {
      if (got.error_number() == EINTR) continue;
      slot.is_readable_ = slot.is_always_readable_;
      if (got.error_number() == EAGAIN) return;
      slot.is_reading_ = false;
      return slot.receive_ended(got.error());
    }
    if (got.count() == 0) {
      slot.is_reading_ = slot.is_readable_ = false;
      return slot.receive_ended({});
    }
    const bool is_drained = got.count() < room.size() && slot.trusts_short_reads_ && !slot.has_ended_;
    if (is_drained) slot.is_readable_ = false;
    if (left != bytes_per_turn) loop_.recorder().callback_ended(slot);  // that of the receive before
    loop_.recorder().received(got.count());
    Received data(receive_block_, room.first(got.count()));
    slot.received(data);
    if (is_drained || got.count() >= left || loop_.is_cut()) return;
    left -= got.count();
  }
}

/// From what is no socket, or with what may come beside the bytes.
sys::CallResult ReadinessBackend::receive_otherwise(ByteSlot& slot, MutableBytes room) {
  if (slot.reading_ == ByteSlot::Reading::file) return sys::read(slot.descriptor(), room);
  return receive_with_descriptors(slot, room);
}

/// Puts the slot among those that wait for memory. False when memory came back meanwhile.
bool ReadinessBackend::must_starve(IoSlot& slot) {
  const bool is_spent = pool_.is_pressed();
  if (!loop_.wait_for_memory() && is_spent) return false;
  const bool is_first = starved_.is_empty();
  slot.ListHook<ReadyTag>::unlink();
  starved_.push_back(slot);
  slot.is_starved_ = true;
  if (!is_spent) loop_.retry_for_memory();
  if (!is_first) return true;
  if (is_spent) {
    loop_.say(Diagnostic::Level::warning, "reading pauses: the pool's budget is nearly spent", errc::budget);
  } else {
    loop_.say(Diagnostic::Level::warning, "reading pauses: there is no memory",
              std::make_error_code(std::errc::not_enough_memory));
  }
  return true;
}

/// Not even the reserve has memory, or what is as bad. To try again in each turn would be to spin.
void ReadinessBackend::retry_to_send(ByteSlot& slot) noexcept {
  (void)loop_.wait_for_memory();
  loop_.retry_for_memory();
  slot.ListHook<ReadyTag>::unlink();
  starved_.push_back(slot);
  slot.cannot_send_yet_ = true;
}

void ReadinessBackend::resume_starved() noexcept {
  starved_.for_each([](IoSlot& slot) {
    if (!slot.is_attached_) slot.is_starved_ = false;  // the others are, when they are served
    slot.memory_returned();
  });
  ready_.splice_back(starved_);
}

void ReadinessBackend::send_now(ByteSlot& slot) {
  ReadyGuard guard(*this, slot);
  slot.is_writing_ = slot.is_writable_ = true;
  send(slot);
}

void ReadinessBackend::start_send(ByteSlot& slot) {
  slot.is_writing_ = true;
  if (!slot.is_writable_) return;
  ReadyGuard guard(*this, slot);
  send(slot);
}

void ReadinessBackend::stop_send(ByteSlot& slot) noexcept { slot.is_writing_ = false; }

/// Sends until the output is empty, the kernel takes no more, or the turn is over. The caller holds the slot.
void ReadinessBackend::send(ByteSlot& slot) {
  const Buffer& output = slot.output_buffer();
  slot.cannot_send_yet_ = false;
  const Sink sink{.descriptor = slot.writer_ ? slot.writer_.number() : slot.descriptor(), .is_file = slot.writes_file_};
  for (std::size_t left = bytes_per_turn; slot.is_writing_;) {
    if (output.is_empty()) {
      if (slot.diversion_ != nullptr) return send_diverted(slot);
      slot.is_writing_ = false;
      return;
    }
    OfferLimits most{.memory = left, .file = left * file_bytes_for_one};
    if (slot.is_rate_limited()) [[unlikely]] {
      most.memory = most.file = std::min(left, slot.send_allowance());
      if (most.memory == 0) return;
    }
    const Offer offer = slot.has_departures() ? offer_with_descriptors(sink, slot, most, loop_.output_reserve())
                                              : offer_front(sink, output, most, loop_.output_reserve());
    if (!offer.taken) [[unlikely]] {
      if (offer.taken.error_number() == EINTR) continue;
      if (offer.must_retry) return retry_to_send(slot);
      slot.is_writable_ = slot.is_always_writable_;
      if (offer.taken.error_number() == EAGAIN) return;
      slot.is_writing_ = false;
      return slot.send_failed(offer.taken.error());
    }
    const std::size_t taken = offer.taken.count();
    if (taken == 0) [[unlikely]] {  // only a file can give nothing
      slot.is_writing_ = false;
      return slot.send_failed(errc::file_too_short);
    }
    // Linux reports room in a socket again after a short count as after EAGAIN. That of a file may as well be the file's
    // end; and a terminal takes what it takes for reasons of its own.
    const bool is_full = taken < offer.size && !offer.is_file && !sink.is_file;
    if (is_full) slot.is_writable_ = false;
    if (output.size() == taken && slot.diversion_ == nullptr) slot.is_writing_ = false;
    loop_.recorder().sent(taken);
    slot.sent(taken);
    const std::size_t cost = offer.is_file ? taken / file_bytes_for_one : taken;
    if (is_full || cost >= left) return;
    left -= cost;
  }
}

/// A turn of receiving into a diversion. False when there is none for receiving.
bool ReadinessBackend::receive_diverted(ByteSlot& slot) {
  for (std::size_t left = diverted_per_turn; slot.is_reading_ && slot.diversion_ != nullptr;) {
    const std::size_t most = slot.is_rate_limited() ? std::min(left, slot.receive_allowance()) : left;
    if (most == 0) return true;
    const Diversion::Step step = slot.diversion_->receive(slot.descriptor(), most);
    if (step.answer == Diversion::Answer::none) return false;
    if (step.answer == Diversion::Answer::idle) return true;
    if (!step.taken) {
      if (step.taken.error_number() == EINTR) continue;
      slot.is_readable_ = false;
      if (step.taken.error_number() == EAGAIN) return true;
      slot.is_reading_ = false;
      slot.receive_ended(step.taken.error());
      return true;
    }
    if (step.taken.count() == 0) {
      slot.is_reading_ = slot.is_readable_ = false;
      slot.receive_ended({});
      return true;
    }
    loop_.recorder().received(step.taken.count());
    if (step.taken.count() >= left || loop_.is_cut()) return true;
    left -= step.taken.count();
  }
  return true;
}

void ReadinessBackend::send_diverted(ByteSlot& slot) {
  for (std::size_t left = diverted_per_turn; slot.is_writing_ && slot.diversion_ != nullptr;) {
    const std::size_t most = slot.is_rate_limited() ? std::min(left, slot.send_allowance()) : left;
    if (most == 0) return;
    const Diversion::Step step = slot.diversion_->send(slot.descriptor(), most);
    if (step.answer == Diversion::Answer::idle || step.answer == Diversion::Answer::none) {
      slot.is_writing_ = false;
      return;
    }
    if (!step.taken) {
      if (step.taken.error_number() == EINTR) continue;
      slot.is_writable_ = false;
      if (step.taken.error_number() == EAGAIN) return;
      slot.is_writing_ = false;
      return slot.send_failed(step.taken.error());
    }
    loop_.recorder().sent(step.taken.count());
    if (step.taken.count() >= left) return;
    left -= step.taken.count();
  }
}

void ReadinessBackend::start_accept(AcceptSlot& slot) noexcept {
  slot.is_reading_ = true;
  if (slot.is_readable_) make_ready(slot);
}

void ReadinessBackend::stop_accept(AcceptSlot& slot) noexcept { slot.is_reading_ = false; }

/// Accepts until nobody waits, the slot is stopped, or its turn is over.
void ReadinessBackend::accept(AcceptSlot& slot) {
  ReadyGuard guard(*this, slot);
  const CallbackSpan span(slot);  // of the last connection, and of the call that finds no other
  slot.is_starved_ = false;
  std::size_t accepted = 0;
  int last_error = 0;
  for (std::size_t tries = 0; slot.is_reading_ && tries < accepts_per_turn; ++tries) {
    if (pool_.is_pressed() && must_starve(slot)) [[unlikely]]
      return;
    sys::SocketName peer;
    const sys::CallResult got = sys::accept(slot.descriptor(), peer);
    if (got) {
      if (accepted++ != 0) loop_.recorder().callback_ended(slot);  // that of the connection before
      ++loop_.recorder().counters().accepts;
      slot.accepted(sys::Descriptor(got.number()), peer);
      if (loop_.is_cut()) return;
      continue;
    }
    last_error = got.error_number();
    if (last_error == EINTR) continue;
    if (last_error == EAGAIN) {
      slot.is_readable_ = false;
      return;
    }
    if (is_of_one_connection(last_error)) continue;
    slot.is_reading_ = false;  // still readable: the connection that was not accepted waits
    return slot.accept_failed(got.error());
  }
  if (slot.is_reading_ && accepted == 0 && last_error != 0) {
    slot.is_reading_ = false;
    slot.accept_failed(system_error(last_error));
  }
}

void ReadinessBackend::start_connect(ConnectSlot& slot) noexcept {
  slot.is_writing_ = true;
  if (slot.is_writable_) make_ready(slot);
}

void ReadinessBackend::finish_connect(ConnectSlot& slot) {
  SlotHold hold(slot);
  const CallbackSpan span(slot);
  ++loop_.recorder().counters().connects;
  slot.is_writing_ = false;
  int error = 0;
  const sys::CallResult asked = sys::get_option(slot.descriptor(), SOL_SOCKET, SO_ERROR, error);
  if (!asked) error = asked.error_number();
  slot.connected(error == 0 ? std::error_code() : system_error(error));
}

void ReadinessBackend::tell_watch(WatchSlot& slot) {
  SlotHold hold(slot);
  if ((slot.interest_ & EPOLLET) == 0) (void)change(slot, slot.descriptor(), slot.interest_);
  const bool is_old_news = slot.noted_for_ != dispatch_;  // held back by a quota, or by a turn that was cut short
  const std::uint32_t events = is_old_news ? still_ready(slot.descriptor(), slot.noted_events_) : slot.noted_events_;
  if (events != 0) slot.became_ready(events);
}

/// Level-triggered, unless it is to be EPOLLET, by arming again for each event: a registration that cannot be removed any more, since its descriptor
/// was closed too early while a duplicate lives on, then reports once and not for ever.
Result<void> ReadinessBackend::start_watch(WatchSlot& slot, int descriptor, std::uint32_t epoll_events) {
  const std::uint32_t interest = epoll_events | ((epoll_events & EPOLLET) != 0 ? 0U : EPOLLONESHOT);
  sys::CallResult done = slot.is_attached_ ? change(slot, descriptor, interest) : add(slot, descriptor, interest);
  if (done.error_number() == ENOENT)  // closed meanwhile, and the number is another file's now
    done = add(slot, descriptor, interest);
  if (!done) return done.error();
  slot.interest_ = interest;
  if (slot.is_attached_) return {};
  slot.descriptor_ = sys::Descriptor(descriptor);  // released unclosed by stop_watch
  slot.is_attached_ = true;
  loop_.add_active();
  return {};
}

void ReadinessBackend::stop_watch(WatchSlot& slot) noexcept { (void)detach(slot).release(); }

}  // namespace weir
