// weir: a buffer, libevent's evbuffer, and the text that both should hold.
// SPDX-License-Identifier: MIT
#include "tests/evbuffer/twin.h"

#include <algorithm>

namespace weir::evbuffer_test {

Twin::Twin() : other(evbuffer_new()) {}

/// A callback that is still to be called would keep the evbuffer.
Twin::~Twin() {
  tell();
  evbuffer_free(other);
}

void Twin::follow() {
  if (is_followed_) return;
  is_followed_ = true;
  buffer.add_observer(*this);
  evbuffer_add_cb(other, other_changed, this);
}

void Twin::follow_deferred(event_base* loop) {
  if (is_followed_) return;
  is_followed_ = true;
  loop_ = loop;
  buffer.add_observer(*this, ObserverTiming::at_scope_end);
  scope_ = std::make_unique<ChangeScope>(buffer);
  evbuffer_defer_callbacks(other, loop);
  evbuffer_add_cb(other, other_changed, this);
}

void Twin::tell() {
  if (loop_ == nullptr) return;
  scope_.reset();
  scope_ = std::make_unique<ChangeScope>(buffer);
  event_base_loop(loop_, EVLOOP_NONBLOCK);
}

void Twin::changed(Buffer&, const BufferChange& change) noexcept {
  told_.added += change.added;
  told_.removed += change.removed;
  if (loop_ != nullptr) gathered_ = {gathered_.times + 1, change.original_size, {change.added, change.removed}};
}

void Twin::other_changed(evbuffer*, const evbuffer_cb_info* info, void* it) {
  Twin& twin = *static_cast<Twin*>(it);
  twin.other_told_.added += info->n_added;
  twin.other_told_.removed += info->n_deleted;
  if (twin.loop_ != nullptr)
    twin.other_gathered_ = {twin.other_gathered_.times + 1, info->orig_size, {info->n_added, info->n_deleted}};
}

std::string Twin::other_text() const {
  if (buffer.is_front_frozen()) evbuffer_unfreeze(other, 1);  // or it copies nothing
  std::string copy(evbuffer_get_length(other), '\0');
  const auto count =
      static_cast<std::size_t>(std::max<ev_ssize_t>(evbuffer_copyout(other, copy.data(), copy.size()), 0));
  copy.resize(count);
  if (buffer.is_front_frozen()) evbuffer_freeze(other, 1);
  return copy;
}

std::string Twin::difference() const {
  if (const std::string there = other_text(); there != text) {
    const auto at = std::ranges::mismatch(there, text).in1 - there.begin();
    return "the evbuffer holds something else from byte " + std::to_string(at) + " of " + std::to_string(text.size());
  }
  if (buffer != text) return "the buffer holds something else";
  if (told_ != other_told_) {
    return "told of " + std::to_string(told_.added) + " added and " + std::to_string(told_.removed) +
           " removed, the evbuffer of " + std::to_string(other_told_.added) + " and " +
           std::to_string(other_told_.removed);
  }
  if (gathered_ != other_gathered_) {
    return "told once of " + std::to_string(gathered_.deltas.added) + " added to " +
           std::to_string(gathered_.original_size) + ", call " + std::to_string(gathered_.times) +
           ", the evbuffer of " + std::to_string(other_gathered_.deltas.added) + " to " +
           std::to_string(other_gathered_.original_size) + ", call " + std::to_string(other_gathered_.times);
  }
  return {};
}

}  // namespace weir::evbuffer_test
