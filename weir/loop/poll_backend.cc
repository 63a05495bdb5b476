// weir: the loop on poll(2).
// SPDX-License-Identifier: MIT
#include "weir/loop/poll_backend.h"

#include <cerrno>
#include <span>

#include "weir/sys/calls.h"

namespace weir {

Result<std::unique_ptr<Backend>> PollBackend::create(EventLoop& loop, Pool& pool, int wake_descriptor) {
  return std::unique_ptr<Backend>(new PollBackend(loop, pool, wake_descriptor));
}

PollBackend::PollBackend(EventLoop& loop, Pool& pool, int wake_descriptor) : ReadinessBackend(loop, pool) {
  polled_.resize(1);
  entries_.push_back({.id = wake_id, .interest = EPOLLIN, .descriptor = wake_descriptor});
}

/// Nothing is in the kernel that could be the parent's too.
Result<void> PollBackend::after_fork(int wake_descriptor) {
  entries_.front().descriptor = wake_descriptor;
  return {};
}

sys::CallResult PollBackend::add(const IoSlot& slot, int descriptor, std::uint32_t interest) {
  if (descriptor < 0) return sys::CallResult::failure(EBADF);
  const bool is_watch = slot.kind() == IoSlot::Kind::watch;
  if (is_watch && (interest & EPOLLET) != 0) return sys::CallResult::failure(EOPNOTSUPP);
  if (is_watch) {  // regular files, which are always ready, are refused as epoll_ctl(2) does; so are numbers that are none
    const sys::CallResult size = sys::file_size(descriptor);
    if (size || size.error_number() == EBADF) return sys::CallResult::failure(size ? EPERM : EBADF);
  }
  const Entry entry{.id = slot.id().packed(), .interest = interest, .descriptor = descriptor};
  if (const auto place = places_.find(descriptor); place != places_.end()) {
    // A watch that is still there is one whose descriptor was closed: the number is another file's now.
    Entry& present = entries_[place->second];
    const auto* owner = static_cast<const IoSlot*>(loop().find(SlotId::unpacked(present.id)));
    if (owner != nullptr && owner->kind() != IoSlot::Kind::watch) return sys::CallResult::failure(EEXIST);
    present = entry;
    return sys::CallResult::success();
  }
  polled_.resize(entries_.size() + 1);  // all memory first
  if (entries_.size() == entries_.capacity()) entries_.reserve(2 * entries_.size());
  places_.emplace(descriptor, entries_.size());
  entries_.push_back(entry);
  return sys::CallResult::success();
}

sys::CallResult PollBackend::change(const IoSlot& slot, int descriptor, std::uint32_t interest) {
  Entry* entry = find(slot, descriptor);
  if (entry == nullptr) return sys::CallResult::failure(ENOENT);
  if ((interest & EPOLLET) != 0) return sys::CallResult::failure(EOPNOTSUPP);
  entry->interest = interest;
  return sys::CallResult::success();
}

void PollBackend::remove(const IoSlot& slot, int descriptor) noexcept {
  Entry* entry = find(slot, descriptor);
  if (entry == nullptr) return;
  places_.find(entries_.back().descriptor)->second = places_.find(descriptor)->second;
  places_.erase(descriptor);
  *entry = entries_.back();
  entries_.pop_back();
}

/// The entry of that very slot, or null: another one's stays as it is.
PollBackend::Entry* PollBackend::find(const IoSlot& slot, int descriptor) noexcept {
  const auto place = places_.find(descriptor);
  if (place == places_.end()) return nullptr;
  Entry& entry = entries_[place->second];
  return entry.id == slot.id().packed() ? &entry : nullptr;
}

sys::CallResult PollBackend::fetch(std::span<epoll_event> events, Duration timeout) {
  const std::span<pollfd> polled(polled_.data(), entries_.size());
  for (std::size_t i = 0; i < polled.size(); ++i) polled[i] = question(entries_[i]);
  const sys::CallResult asked = sys::poll(polled, timeout);
  return asked && asked.count() > 0 ? sys::CallResult::success(static_cast<std::int64_t>(report(polled, events)))
                                    : asked;
}

/// What the entry waits for now. A number below 0 is passed over: poll(2) would tell of hang-ups again and again.
pollfd PollBackend::question(const Entry& entry) const noexcept {
  constexpr std::uint32_t known = EPOLLIN | EPOLLOUT | EPOLLRDHUP;
  std::uint32_t wanted = entry.interest & known;
  bool is_asked = entry.interest != 0;
  if (entry.id != wake_id) {
    const auto* slot = static_cast<const IoSlot*>(loop().find(SlotId::unpacked(entry.id)));
    if (slot == nullptr || !slot->is_attached()) return {.fd = -1, .events = 0, .revents = 0};
    wanted = awaited(*slot, entry.interest) & known;
    is_asked = slot->kind() == IoSlot::Kind::watch ? is_asked : wanted != 0;
  }
  return {.fd = is_asked ? entry.descriptor : -1, .events = static_cast<short>(wanted), .revents = 0};
}

/// Begins where the last report ended, so that none is always the one for which there is no place.
std::size_t PollBackend::report(std::span<const pollfd> polled, std::span<epoll_event> events) noexcept {
  std::size_t count = 0;
  for (std::size_t looked_at = 0; looked_at < polled.size() && count < events.size(); ++looked_at) {
    if (next_ >= polled.size()) next_ = 0;
    const std::size_t index = next_++;
    const auto ready = static_cast<unsigned short>(polled[index].revents);
    if (ready == 0) continue;
    Entry& entry = entries_[index];
    if (entry.id == wake_id) {
      std::uint64_t wakes = 0;
      (void)sys::read(entry.descriptor, std::as_writable_bytes(std::span(&wakes, 1)));
      ++loop().recorder().counters().wakes;
      continue;
    }
    const bool is_gone = (ready & POLLNVAL) != 0;  // closed behind our back
    if (is_gone || (entry.interest & EPOLLONESHOT) != 0) entry.interest = 0;
    if (is_gone) continue;
    events[count] = {};
    events[count].events = ready;
    events[count++].data.u64 = entry.id;
  }
  return count;
}

}  // namespace weir
