// weir: a byte stream with an input and an output buffer: what a snapshot tells of it.
// SPDX-License-Identifier: MIT
#include "weir/loop/object_state.h"
#include "weir/stream/stream_state.h"

namespace weir {

std::string_view StreamCore::phase() const noexcept {
  if (state_ == State::closed) return "closed";
  if (is_lingering_) return "lingering";
  if ((suspended_ & connecting) != 0) return "connecting";
  switch (state_) {
    case State::open: return "open";
    case State::finishing: return "finishing";
    case State::ended: return "ended";
    case State::broken: return "broken";
    case State::closed: break;
  }
  return "closed";
}

void StreamCore::describe(ObjectState& state) const noexcept {
  state.kind = ObjectKind::stream;
  state.phase = phase();
  state.descriptor = descriptor();
  state.input_bytes = input_.size();
  state.output_bytes = output_.size();
  state.idle = loop().clock() - std::max(last_received_, last_sent_);
  if (state_ == State::closed) return;
  state.suspended = {.by_user = (suspended_ & by_user) != 0,
                     .input_full = (suspended_ & input_full) != 0,
                     .output_full = (suspended_ & output_full) != 0,
                     .rate = (suspended_ & by_rate) != 0,
                     .connecting = (suspended_ & connecting) != 0,
                     .ended = (suspended_ & (at_end | drained_enough)) != 0,
                     .memory = is_starved(),
                     .held = (suspended_ & by_kind) != 0};
  state.writing_suspended = {.by_user = (sending_suspended_ & by_user) != 0,
                             .rate = (sending_suspended_ & by_rate) != 0,
                             .connecting = (suspended_ & connecting) != 0,
                             .held = (sending_suspended_ & by_kind) != 0};
  state.is_stalled = on_data_ && (suspended_ & (input_full | by_user)) == input_full;
  state.deadline = deadline();
}

}  // namespace weir
