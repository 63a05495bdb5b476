// weir: told of what is added to a buffer and removed from it.
// SPDX-License-Identifier: MIT
#include "weir/buffer/buffer_observer.h"

#include <utility>

#include "weir/buffer/buffer.h"

namespace weir {

/// A buffer's telling, on the stack of whoever changed it. While one is under way, a further one only adds to it.
class BufferDelivery : private BufferWatcher {
 public:
  /// Notes that the buffer has changed. Until `run`, what observers do to it elsewhere is added.
  BufferDelivery(Buffer& buffer, std::size_t added, std::size_t removed) noexcept;
  /// The same for what a scope has gathered.
  BufferDelivery(Buffer& buffer, const BufferChange& at_scope_end) noexcept;
  ~BufferDelivery();

  /// Tells whoever is to be told. Any buffer, and any observer, may be gone afterwards.
  void run() noexcept;

  /// All of it where `observer` alone follows the buffer, as is usual.
  static void tell_only(Buffer& buffer, BufferObserver& observer, const BufferChange& change) noexcept;

 private:
  friend class Buffer;
  friend class BufferWatcher;

  /// Nothing to tell yet.
  explicit BufferDelivery(Buffer& buffer) noexcept : BufferWatcher(Role::delivery) { attach(buffer); }

  void begin(Buffer& buffer) noexcept;
  void tell_round(const BufferChange (&changes)[2]) noexcept;

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
  if (!gathered_.is_empty()) BufferDelivery(buffer, gathered_).run();  // empty in all but the outermost
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

/// Nobody refers to it but who stands before it in the list: usually the buffer.
BufferDelivery::~BufferDelivery() {
  if (buffer_ == nullptr || buffer_->first_watcher() != this) return;
  buffer_->set_first_watcher(next_);
  buffer_ = nullptr;
}

BufferDelivery::BufferDelivery(Buffer& buffer, std::size_t added, std::size_t removed) noexcept
    : BufferWatcher(Role::delivery) {
  immediate_ = {.original_size = buffer.size() - added + removed, .added = added, .removed = removed};
  ChangeScope* outermost = nullptr;
  for (BufferWatcher* watcher = buffer.first_watcher(); watcher != nullptr; watcher = watcher->next_) {
    if (watcher->role_ == Role::scope) outermost = static_cast<ChangeScope*>(watcher);
  }
  if (outermost != nullptr) {
    outermost->gathered_.add(immediate_);
  } else {
    at_scope_end_ = immediate_;
  }
  begin(buffer);
}

BufferDelivery::BufferDelivery(Buffer& buffer, const BufferChange& at_scope_end) noexcept
    : BufferWatcher(Role::delivery),
      at_scope_end_(at_scope_end) {
  begin(buffer);
}

/// Attaches, or leaves it to the telling that is under way.
void BufferDelivery::begin(Buffer& buffer) noexcept {
  if (buffer.first_watcher() == nullptr) return;
  for (BufferWatcher* watcher = buffer.first_watcher(); watcher != nullptr; watcher = watcher->next_) {
    if (watcher->role_ != Role::delivery) continue;
    auto* earlier = static_cast<BufferDelivery*>(watcher);
    earlier->immediate_.add(immediate_);
    earlier->at_scope_end_.add(at_scope_end_);
    return;
  }
  attach(buffer);
}

void BufferDelivery::run() noexcept {
  while (buffer_ != nullptr && !(immediate_.is_empty() && at_scope_end_.is_empty())) {
    tell_round({std::exchange(immediate_, {}), std::exchange(at_scope_end_, {})});
  }
}

void BufferDelivery::tell_round(const BufferChange (&changes)[2]) noexcept {
  next_told_ = buffer_->first_watcher();
  while (next_told_ != nullptr) {
    BufferWatcher* watcher = std::exchange(next_told_, next_told_->next_);
    if (watcher->role_ > Role::at_scope_end) continue;
    const BufferChange& change = changes[static_cast<std::size_t>(watcher->role_)];
    if (!change.is_empty()) static_cast<BufferObserver*>(watcher)->changed(*buffer_, change);
    if (buffer_ == nullptr) return;  // an observer has destroyed the buffer
  }
}

void BufferDelivery::tell_only(Buffer& buffer, BufferObserver& observer, const BufferChange& change) noexcept {
  BufferDelivery later(buffer);  // gathers what the observer does to the buffer
  observer.changed(buffer, change);
  if (!later.immediate_.is_empty() || !later.at_scope_end_.is_empty()) later.run();
}

void Buffer::tell_slow(std::size_t added, std::size_t removed) noexcept {
  BufferWatcher* const first = first_watcher();
  if (first->next_ == nullptr && first->role_ <= BufferWatcher::Role::at_scope_end && added + removed != 0) {
    BufferDelivery::tell_only(*this, *static_cast<BufferObserver*>(first),
                              {.original_size = size_ - added + removed, .added = added, .removed = removed});
  } else {
    BufferDelivery(*this, added, removed).run();
  }
}

void Buffer::tell_both_slow(Buffer& from, std::size_t taken, Buffer& to, std::size_t added,
                            std::size_t removed) noexcept {
  BufferDelivery to_tell(to, added, removed);
  BufferDelivery(from, 0, taken).run();
  to_tell.run();
}

}  // namespace weir
