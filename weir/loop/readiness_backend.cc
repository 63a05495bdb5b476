// weir: the loop on a system that tells when descriptors are ready, by epoll(7) or poll(2).
// SPDX-License-Identifier: MIT
#include "weir/loop/readiness_backend.h"

#include <algorithm>
#include <cerrno>

#include "weir/loop/output_offer.h"
#include "weir/sys/calls.h"

namespace weir {
namespace {

using namespace weir::literals;

constexpr std::size_t bytes_per_turn = 256_KiB;  // of one stream, each way
constexpr std::size_t accepts_per_turn = 64;     // of one listener
constexpr std::size_t least_events = 64;         // the event array grows when a wait fills it …
constexpr std::size_t most_events = 512;         // … but no further than the callbacks before polling again

constexpr std::uint32_t interest_of(IoSlot::Kind kind) {
  switch (kind) {
    case IoSlot::Kind::bytes: return EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET;
    case IoSlot::Kind::accept: return EPOLLIN | EPOLLET;
    case IoSlot::Kind::connect: return EPOLLOUT | EPOLLET;
    case IoSlot::Kind::watch: break;
  }
  return 0;
}

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

/// Of a descriptor to which what a slot sends goes, and from which nothing is read.
constexpr std::uint32_t writer_interest = EPOLLOUT | EPOLLET;

/// What watched descriptors answer that were closed too early: their numbers are nothing's, or another file's.
bool is_no_more(int error) { return error == EBADF || error == EEXIST || error == EPERM; }

}  // namespace

/// Puts a slot that still has something to do back on the ready list when its turn ends, also when a callback threw.
class ReadinessBackend::ReadyGuard {
 public:
  ReadyGuard(ReadinessBackend& backend, IoSlot& slot) noexcept : backend_(backend), slot_(slot), hold_(slot) {}
  ReadyGuard(const ReadyGuard&) = delete;
  ReadyGuard& operator=(const ReadyGuard&) = delete;
  ~ReadyGuard() {
    const bool wants_to_read = slot_.is_reading_ && slot_.is_readable_;
    const bool wants_to_write = slot_.is_writing_ && slot_.is_writable_;
    if (!slot_.is_attached_ || !(wants_to_read || wants_to_write)) return;
    if (wants_to_write) slot_.ListHook<ReadyTag>::unlink();  // waiting for memory to read must not hold up its output
    backend_.make_ready(slot_);
  }

 private:
  ReadinessBackend& backend_;
  IoSlot& slot_;
  SlotHold hold_;
};

ReadinessBackend::ReadinessBackend(EventLoop& loop, Pool& pool)
    : loop_(loop),
      pool_(pool),
      receive_block_(pool),
      events_(least_events),
      classes_(loop.quotas()) {}

std::uint32_t ReadinessBackend::awaited(const IoSlot& slot, std::uint32_t interest) noexcept {
  if (slot.kind_ == IoSlot::Kind::watch) return interest;
  const bool awaits_input = slot.is_reading_ && !slot.is_readable_;
  const bool awaits_room = slot.is_writing_ && !slot.is_writable_;
  return interest & ((awaits_input ? EPOLLIN | EPOLLRDHUP : 0U) | (awaits_room ? EPOLLOUT : 0U));
}

/// The loop's own descriptors first: a watch may be left over from a number that one of them has by now.
Result<void> ReadinessBackend::add_all() {
  std::error_code error;
  const auto add_those = [&](bool watches) {
    loop_.for_each_io_slot([&](IoSlot& slot) {
      const bool is_watch = slot.kind_ == IoSlot::Kind::watch;
      if (!slot.is_attached_ || is_watch != watches || error) return;
      const sys::CallResult added = add_again(slot);
      if (!added && !(is_watch && is_no_more(added.error_number()))) error = added.error();
    });
  };
  add_those(false);
  add_those(true);
  return error ? Result<void>(error) : Result<void>();
}

bool ReadinessBackend::is_for_file(const IoSlot& slot) noexcept {
  if (slot.kind_ != IoSlot::Kind::bytes) return false;
  const auto& bytes = static_cast<const ByteSlot&>(slot);
  return bytes.reads_file_ || bytes.writes_file_;
}

sys::CallResult ReadinessBackend::add_again(IoSlot& slot) {
  if (slot.kind_ == IoSlot::Kind::watch) return add(slot, slot.descriptor(), static_cast<WatchSlot&>(slot).interest_);
  if (slot.kind_ != IoSlot::Kind::bytes) return add(slot, slot.descriptor(), interest_of(slot.kind_));
  const auto& bytes = static_cast<ByteSlot&>(slot);
  if (!slot.is_always_readable_) {
    const sys::CallResult added = add(slot, slot.descriptor(), interest_of(slot.kind_));
    if (!added) return added;
  }
  if (!bytes.writer_ || slot.is_always_writable_) return sys::CallResult::success();
  return add(slot, bytes.writer_.number(), writer_interest);
}

Result<void> ReadinessBackend::attach(IoSlot& slot, sys::Descriptor descriptor) {
  const sys::CallResult added = add(slot, descriptor.number(), interest_of(slot.kind_));
  const bool is_always_ready = added.error_number() == EPERM && is_for_file(slot);  // epoll_ctl(2): it never waits
  if (!added && !is_always_ready) return added.error();
  slot.descriptor_ = std::move(descriptor);
  slot.is_attached_ = true;
  slot.is_writable_ = slot.kind_ == IoSlot::Kind::bytes;  // writing is tried first; what can be read is reported
  slot.is_readable_ = slot.is_always_readable_ = slot.is_always_writable_ = is_always_ready;
  loop_.add_active();
  return {};
}

/// The same id stands for both descriptors: what is reported of one is taken for news of both, and a call disproves it.
Result<void> ReadinessBackend::attach_writer(ByteSlot& slot, sys::Descriptor writer) {
  const sys::CallResult added = add(slot, writer.number(), writer_interest);
  slot.is_always_writable_ = added.error_number() == EPERM && slot.writes_file_;
  if (!added && !slot.is_always_writable_) return added.error();
  slot.writer_ = std::move(writer);
  slot.is_writable_ = true;
  return {};
}

sys::Descriptor ReadinessBackend::detach_writer(ByteSlot& slot) noexcept {
  if (!slot.writer_) return {};
  slot.is_writing_ = slot.is_writable_ = slot.is_always_writable_ = false;
  remove(slot, slot.writer_.number());
  return std::move(slot.writer_);
}

sys::Descriptor ReadinessBackend::detach(IoSlot& slot) noexcept {
  if (!slot.is_attached_) return {};
  slot.ListHook<ReadyTag>::unlink();
  slot.is_attached_ = slot.is_reading_ = slot.is_writing_ = false;
  slot.is_readable_ = slot.is_writable_ = slot.has_ended_ = false;
  slot.is_always_readable_ = slot.is_always_writable_ = false;
  // Always before close(2): a duplicate of the descriptor, in a child say, would keep the registration alive.
  remove(slot, slot.descriptor_.number());
  loop_.remove_active();
  return std::move(slot.descriptor_);
}

void ReadinessBackend::make_ready(IoSlot& slot) noexcept {
  if (!slot.ListHook<ReadyTag>::is_linked()) ready_.push_back(slot);
}

Result<void> ReadinessBackend::wait(Duration timeout) {
  if (next_event_ < event_count_) return {};  // a callback threw in the middle of the last batch
  event_count_ = next_event_ = 0;
  const sys::CallResult waited = fetch(events_, timeout);
  if (!waited) {
    if (waited.error_number() == EINTR) return {};
    return waited.error();
  }
  event_count_ = waited.count();
  return {};
}

void ReadinessBackend::dispatch() {
  if (classes_.are_used()) return dispatch_by_priority();
  serving_.splice_back(ready_);
  while (next_event_ < event_count_ && !loop_.is_cut()) {
    IoSlot* slot = note(events_[next_event_++]);
    if (slot == nullptr) continue;
    slot->ListHook<ReadyTag>::unlink();
    serve(*slot);
  }
  if (loop_.is_cut()) return;
  grow_events();
  while (!loop_.is_cut()) {
    IoSlot* slot = serving_.pop_front();
    if (slot == nullptr) return;
    serve(*slot);
  }
}

/// Everything is noted first, so that the most urgent can be served first.
void ReadinessBackend::dispatch_by_priority() {
  serving_.splice_back(ready_);
  while (IoSlot* slot = serving_.pop_front()) classes_.push_back(*slot);
  note_all();
  grow_events();
  classes_.serve([this](IoSlot& slot) { serve(slot); }, loop_.cut_mark());
}

/// Puts what the events are about among the ready. A slot that stands there already keeps its place, or one that always has
/// events would never be served among many.
void ReadinessBackend::note_all() {
  while (next_event_ < event_count_) {
    IoSlot* slot = note(events_[next_event_++]);
    if (slot == nullptr) continue;
    if (slot->is_starved_) slot->ListHook<ReadyTag>::unlink();
    if (slot->ListHook<ReadyTag>::is_linked()) continue;
    if (classes_.are_used()) {
      classes_.push_back(*slot);
    } else {
      ready_.push_back(*slot);
    }
  }
}

/// After a wait that has filled all there was room for.
void ReadinessBackend::grow_events() {
  if (event_count_ == events_.size() && events_.size() < most_events) events_.resize(events_.size() * 2);
}

void ReadinessBackend::set_aside() noexcept {
  note_all();
  serving_.splice_back(ready_);
  ready_.splice_back(serving_);
}

/// Remembers what the event says; the slot that it concerns, or null.
IoSlot* ReadinessBackend::note(const epoll_event& event) {
  if (event.data.u64 == wake_id) {
    ++loop_.recorder().counters().wakes;
    return nullptr;
  }
  auto* slot = static_cast<IoSlot*>(loop_.find(SlotId::unpacked(event.data.u64)));
  if (slot == nullptr || !slot->is_attached_) [[unlikely]] {
    ++stale_events_;
    return nullptr;
  }
  const std::uint32_t events = event.events;
  constexpr std::uint32_t ends = EPOLLRDHUP | EPOLLHUP | EPOLLERR;
  if ((events & (EPOLLIN | ends)) != 0) slot->is_readable_ = true;
  if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) slot->is_writable_ = true;
  // Urgent data splits what one receive returns, so a short one does not prove that nothing is left either.
  if ((events & (ends | EPOLLPRI)) != 0) slot->has_ended_ = true;
  slot->noted_events_ = events;
  return slot;
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
    case IoSlot::Kind::watch: {
      SlotHold hold(slot);
      auto& watch = static_cast<WatchSlot&>(slot);
      if ((watch.interest_ & EPOLLET) == 0) (void)change(slot, slot.descriptor(), watch.interest_);
      return watch.became_ready(slot.noted_events_);
    }
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
    const MutableBytes room = receive_block_.room();
    if (room.empty() || pool_.is_pressed()) [[unlikely]] {
      if (must_starve(slot)) return;
      continue;
    }
    if (!slot.input_buffer().reserve_slice()) [[unlikely]]
      return;  // the machine is out of memory: try next turn
    const sys::CallResult got = slot.reads_file_ ? sys::read(slot.descriptor(), room)  //
                                                 : sys::receive(slot.descriptor(), room);
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

/// Puts the slot among those that wait for memory. False when memory came back meanwhile.
bool ReadinessBackend::must_starve(IoSlot& slot) {
  if (!loop_.wait_for_memory()) return false;
  const bool is_first = starved_.is_empty();
  slot.ListHook<ReadyTag>::unlink();
  starved_.push_back(slot);
  slot.is_starved_ = true;
  if (is_first)
    loop_.say(Diagnostic::Level::warning, "reading pauses: the pool's budget is nearly spent", errc::budget);
  return true;
}

void ReadinessBackend::resume_starved() noexcept {
  starved_.for_each([](IoSlot& slot) { slot.memory_returned(); });
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

/// Sends until the output is empty, the kernel takes no more, or the turn is over. The caller holds the slot.
void ReadinessBackend::send(ByteSlot& slot) {
  const Buffer& output = slot.output_buffer();
  const Sink sink{.descriptor = slot.writer_ ? slot.writer_.number() : slot.descriptor(), .is_file = slot.writes_file_};
  for (std::size_t left = bytes_per_turn; slot.is_writing_;) {
    if (output.is_empty()) {
      slot.is_writing_ = false;
      return;
    }
    const Offer offer = offer_front(sink, output, left, loop_.output_reserve());
    if (!offer.taken) [[unlikely]] {
      if (offer.taken.error_number() == EINTR) continue;
      if (offer.lacks_memory) return;  // try next turn
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
    if (output.size() == taken) slot.is_writing_ = false;
    loop_.recorder().sent(taken);
    slot.sent(taken);
    if (is_full || taken >= left) return;
    left -= taken;
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
  std::size_t accepted = 0;
  int last_error = 0;
  for (std::size_t tries = 0; slot.is_reading_ && tries < accepts_per_turn; ++tries) {
    if (pool_.is_pressed() && must_starve(slot)) [[unlikely]]
      return;
    sys::SocketName peer;
    const sys::CallResult got = sys::accept(slot.descriptor(), peer);
    if (got) {
      ++accepted;
      ++loop_.recorder().counters().accepts;
      const CallbackSpan span(slot);
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
