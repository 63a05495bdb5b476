// weir: a buffer under test, with what it should hold and those who follow it.
// SPDX-License-Identifier: MIT
#include "tests/buffer_model/subject.h"

#include "weir/buffer/allocation_plan.h"

namespace weir::buffer_model {

Follower::Follower(Subject& subject, ObserverTiming timing, bool reacts)
    : subject_(subject),
      timing_(timing),
      reacts_(reacts),
      before_(subject.totals),
      known_size_(subject.buffer.size()) {}

void Follower::changed(Buffer& buffer, const BufferChange& change) noexcept {
  if (&buffer != &subject_.buffer) trouble_ = "it was told of another buffer";
  if (change.is_empty()) trouble_ = "it was told of nothing";
  if (change.original_size != known_size_) trouble_ = "what it was told does not continue what it knew";
  known_size_ = change.original_size + change.added - change.removed;
  told_.added += change.added;
  told_.removed += change.removed;
  if (reacts_) subject_.react();
}

std::string Follower::trouble() const {
  if (trouble_ != nullptr) return trouble_;
  const bool waits = timing_ == ObserverTiming::at_scope_end && subject_.scope_counts;
  const Totals& due = waits ? subject_.totals_before_scope : subject_.totals;
  const Totals told{before_.added + told_.added, before_.removed + told_.removed};
  if (told == due) return {};
  return "a follower was told of " + std::to_string(told.added) + " added and " + std::to_string(told.removed) +
         " removed instead of " + std::to_string(due.added) + " and " + std::to_string(due.removed);
}

void Subject::react() noexcept {
  if (has_reacted || buffer.is_back_frozen()) return;
  const AllocationPause undisturbed;
  has_reacted = true;  // by now, for it is told of what it appends
  has_reacted = buffer.try_append(as_bytes(reaction));
}

void Subject::settle() {
  if (!has_reacted) return;
  has_reacted = false;
  content.append(reaction);
  changes(reaction.size(), 0);
}

}  // namespace weir::buffer_model
