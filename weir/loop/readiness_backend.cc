// weir: the loop on a system that tells when descriptors are ready, by epoll(7) or poll(2).
// SPDX-License-Identifier: MIT
#include "weir/loop/readiness_backend.h"

#include <cerrno>

namespace weir {
namespace {

constexpr std::size_t least_events = 64;  // the event array grows when a wait fills it …
constexpr std::size_t most_events = 512;  // … but no further than the callbacks before polling again

constexpr std::uint32_t interest_of(IoSlot::Kind kind) {
  switch (kind) {
    case IoSlot::Kind::bytes: return EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET;
    case IoSlot::Kind::accept: return EPOLLIN | EPOLLET;
    case IoSlot::Kind::connect: return EPOLLOUT | EPOLLET;
    case IoSlot::Kind::watch: break;
  }
  return 0;
}

/// Of a descriptor to which what a slot sends goes, and from which nothing is read.
constexpr std::uint32_t writer_interest = EPOLLOUT | EPOLLET;

/// What watched descriptors answer that were closed too early: their numbers are nothing's, or another file's.
bool is_no_more(int error) { return error == EBADF || error == EEXIST || error == EPERM; }

}  // namespace

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
  return bytes.reading_ == ByteSlot::Reading::file || bytes.writes_file_;
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
  slot.is_always_readable_ = slot.is_always_writable_ = slot.cannot_send_yet_ = false;
  // Always before close(2): a duplicate of the descriptor, in a child say, would keep the registration alive.
  remove(slot, slot.descriptor_.number());
  loop_.remove_active();
  return std::move(slot.descriptor_);
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
  fetched_for_ = dispatch_ + 1;
  return {};
}

void ReadinessBackend::dispatch() {
  ++dispatch_;
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
    if (slot->is_starved_ || slot->cannot_send_yet_) slot->ListHook<ReadyTag>::unlink();
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
  slot->noted_for_ = fetched_for_;
  return slot;
}

}  // namespace weir
