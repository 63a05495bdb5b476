// weir: a buffer, libevent's evbuffer, and the text that both should hold.
// SPDX-License-Identifier: MIT
#include "tests/evbuffer/twin.h"

#include <algorithm>

namespace weir::evbuffer_test {

Twin::Twin() : other(evbuffer_new()) {}

Twin::~Twin() { evbuffer_free(other); }

void Twin::follow() {
  if (is_followed_) return;
  is_followed_ = true;
  buffer.add_observer(*this);
  evbuffer_add_cb(other, other_changed, this);
}

void Twin::changed(Buffer&, const BufferChange& change) noexcept {
  told_.added += change.added;
  told_.removed += change.removed;
}

void Twin::other_changed(evbuffer*, const evbuffer_cb_info* info, void* twin) {
  static_cast<Twin*>(twin)->other_told_.added += info->n_added;
  static_cast<Twin*>(twin)->other_told_.removed += info->n_deleted;
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
  return {};
}

}  // namespace weir::evbuffer_test
