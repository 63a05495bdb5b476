// weir: a byte stream with an input and an output buffer: bytes that pass by them.
// SPDX-License-Identifier: MIT
#include "weir/stream/stream_state.h"

namespace weir {

void StreamCore::send_diverted() {
  if (state_ == State::closed || state_ == State::broken || sending_suspended_ != 0) return;
  start_sending();
}

void StreamCore::note_received(std::size_t count) noexcept {
  last_received_ = loop().now();
  has_received_ = true;
  if (is_rate_limited()) count_received(count);
}

void StreamCore::note_sent(std::size_t count, bool has_more) noexcept {
  if (is_rate_limited()) count_sent(count);
  last_sent_ = loop().now();
  is_waiting_to_send_ = false;
  if (has_more && sending_suspended_ == 0) wait_to_send(loop().now());
}

void StreamCore::note_no_room() noexcept {
  if (!is_waiting_to_send_) wait_to_send(loop().clock());
}

}  // namespace weir
