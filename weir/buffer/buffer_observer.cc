// weir: told of what is added to a buffer and removed from it.
// SPDX-License-Identifier: MIT
#include "weir/buffer/buffer_observer.h"

#include <utility>

#include "weir/buffer/buffer.h"

namespace weir {

/// A buffer's telling in progress, on the stack of whoever changed it. There is at most one for each buffer.
class BufferDelivery : private BufferWatcher {
 public:
  BufferDelivery(Buffer& buffer, const BufferChange& immediate, const BufferChange& at_scope_end) noexcept
      : BufferWatcher(Role::delivery),
        immediate_(immediate),
        at_scope_end_(at_scope_end) {
    attach(buffer);
  }

 private:
  friend class Buffer;
  friend class BufferWatcher;

  BufferChange immediate_;              ///< not yet told to observers of that kind
  BufferChange at_scope_end_;           ///< and of the other
  BufferWatcher* next_told_ = nullptr;  ///< whose turn it is next
};

/// At the front: one that joins while others are being told is not told of what was before.
void BufferWatcher::attach(Buffer& buffer) noexcept {
  buffer_ = &buffer;
  next_ = buffer.first_watcher();
  buffer.set_first_watcher(this);
}

void BufferWatcher::detach() noexcept {
  if (buffer_ == nullptr) return;
  Buffer& buffer = *std::exchange(buffer_, nullptr);
  if (buffer.first_watcher() == this) buffer.set_first_watcher(next_);
  for (BufferWatcher* other = buffer.first_watcher(); other != nullptr; other = other->next_) {
    if (other->next_ == this) other->next_ = next_;
    if (other->role_ != Role::delivery) continue;
    auto* delivery = static_cast<BufferDelivery*>(other);
    if (delivery->next_told_ == this) delivery->next_told_ = next_;
  }
  next_ = nullptr;
}

ChangeScope::ChangeScope(Buffer& buffer) noexcept : BufferWatcher(Role::scope) {
  if (buffer.first_watcher() != nullptr) attach(buffer);
}

ChangeScope::~ChangeScope() {
  if (buffer_ == nullptr) return;
  Buffer& buffer = *buffer_;
  detach();
  if (!gathered_.is_empty()) buffer.tell({}, gathered_);  // empty in all but the outermost
}

void Buffer::add_observer(BufferObserver& observer, ObserverTiming timing) {
  expects(!observer.is_observing());
  observer.role_ =
      timing == ObserverTiming::immediate ? BufferWatcher::Role::immediate : BufferWatcher::Role::at_scope_end;
  observer.attach(*this);
  close_window();
}

void Buffer::remove_observer(BufferObserver& observer) {
  if (observer.buffer_ == nullptr) return;
  expects(observer.buffer_ == this);
  observer.detach();
  if (watch_ == 0 && !is_prepared()) open_window();
}

void Buffer::leave_watchers() noexcept {
  for (BufferWatcher* watcher = first_watcher(); watcher != nullptr;) {
    watcher->buffer_ = nullptr;
    watcher = std::exchange(watcher->next_, nullptr);
  }
  watch_ = 0;
}

void Buffer::tell_slow(std::size_t added, std::size_t removed) noexcept {
  const BufferChange change{.original_size = size_ - added + removed, .added = added, .removed = removed};
  if (change.is_empty()) return;
  ChangeScope* outermost = nullptr;
  for (BufferWatcher* watcher = first_watcher(); watcher != nullptr; watcher = watcher->next_) {
    if (watcher->role_ == BufferWatcher::Role::scope) outermost = static_cast<ChangeScope*>(watcher);
  }
  if (outermost == nullptr) return tell(change, change);
  outermost->gathered_.add(change);
  tell(change, {});
}

/// Tells the observers of each kind of a change that may be empty. The buffer may be gone afterwards.
void Buffer::tell(const BufferChange& immediate, const BufferChange& at_scope_end) noexcept {
  for (BufferWatcher* watcher = first_watcher(); watcher != nullptr; watcher = watcher->next_) {
    if (watcher->role_ != BufferWatcher::Role::delivery) continue;
    auto* running = static_cast<BufferDelivery*>(watcher);
    running->immediate_.add(immediate);
    running->at_scope_end_.add(at_scope_end);
    return;
  }
  BufferDelivery delivery(*this, immediate, at_scope_end);
  while (!delivery.immediate_.is_empty() || !delivery.at_scope_end_.is_empty()) {
    const BufferChange changes[] = {std::exchange(delivery.immediate_, {}), std::exchange(delivery.at_scope_end_, {})};
    delivery.next_told_ = first_watcher();
    while (delivery.next_told_ != nullptr) {
      BufferWatcher* watcher = std::exchange(delivery.next_told_, delivery.next_told_->next_);
      if (watcher->role_ > BufferWatcher::Role::at_scope_end) continue;
      const BufferChange& change = changes[static_cast<std::size_t>(watcher->role_)];
      if (!change.is_empty()) static_cast<BufferObserver*>(watcher)->changed(*this, change);
      if (delivery.buffer_ == nullptr) return;  // an observer has destroyed this buffer
    }
  }
}

}  // namespace weir
