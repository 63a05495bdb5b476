// weir: the model's operations that follow a buffer's changes, gather them, and freeze its ends.
// SPDX-License-Identifier: MIT
#include <array>
#include <memory>

#include "tests/buffer_model/machine.h"

namespace weir::buffer_model {
namespace {

constexpr std::size_t most_followers = 3;

void follow(Machine& m) {
  Subject& of = m.subject();
  const auto timing = m.coin() ? ObserverTiming::at_scope_end : ObserverTiming::immediate;
  const bool reacts = m.rarely(4);
  // One that joins in the midst of a scope would hear of what was before, too.
  if (of.followers.size() == most_followers || of.scope != nullptr) return;
  of.followers.push_back(std::make_unique<Follower>(of, timing, reacts));
  of.buffer.add_observer(*of.followers.back(), timing);
}

/// By word, or by its destruction.
void unfollow(Machine& m) {
  Subject& of = m.subject();
  const std::size_t which = m.below(of.followers.size());
  const bool says_so = m.coin();
  if (of.followers.empty()) return;
  if (says_so) {
    of.buffer.remove_observer(*of.followers[which]);
    m.check(!of.followers[which]->is_observing(), "it still follows");
  }
  of.followers.erase(of.followers.begin() + static_cast<std::ptrdiff_t>(which));
}

void scope_begin(Machine& m) {
  Subject& of = m.subject();
  if (of.scope != nullptr) return;
  of.scope_counts = !of.followers.empty();
  of.totals_before_scope = of.totals;
  of.scope = std::make_unique<ChangeScope>(of.buffer);
}

/// With another one inside, which tells nothing.
void scope_end(Machine& m) {
  Subject& of = m.subject();
  { const ChangeScope inner(of.buffer); }
  of.scope.reset();
  of.scope_counts = false;
}

void freeze(Machine& m) {
  Subject& of = m.subject();
  if (m.coin()) {
    of.buffer.freeze_back();
  } else {
    of.buffer.freeze_front();
  }
}

void unfreeze(Machine& m) {
  Subject& of = m.subject();
  of.buffer.unfreeze_back();
  of.buffer.unfreeze_front();
  m.check(!of.is_frozen(Need::both), "it is still frozen");
}

constexpr std::array operations{
    Operation{"follow", 2, follow},       Operation{"unfollow", 2, unfollow}, Operation{"scope_begin", 1, scope_begin},
    Operation{"scope_end", 1, scope_end}, Operation{"freeze", 1, freeze},     Operation{"unfreeze", 1, unfreeze},
};

}  // namespace

std::span<const Operation> observing_operations() noexcept { return operations; }

}  // namespace weir::buffer_model
