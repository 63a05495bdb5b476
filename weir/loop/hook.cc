// weir: a callback in every turn of a loop.
// SPDX-License-Identifier: MIT
#include "weir/loop/hook.h"

#include "weir/loop/hook_slot.h"

namespace weir {

/// A hook may end any other, and begin some: those are called from the next turn on.
void EventLoop::run_hooks(List<HookSlot, HookTag>& hooks) {
  const RunningMark mark(*this);
  List<HookSlot, HookTag> calling;
  struct Rest {
    ~Rest() {  // before the others: one that throws each time starves nobody
      from.splice_back(to);
      to.splice_back(from);
    }
    List<HookSlot, HookTag>& from;
    List<HookSlot, HookTag>& to;
  } const rest{calling, hooks};
  calling.splice_back(hooks);
  while (!is_cut_) {
    HookSlot* hook = calling.pop_front();
    if (hook == nullptr) return;
    hooks.push_back(*hook);
    hook->call();
  }
}

Hook::Hook(EventLoop& loop, HookPoint point, Callback<void()> callback)
    : slot_(new HookSlot(loop, std::move(callback))) {
  loop.hooks_at(point).push_back(*slot_);
}

Hook::~Hook() { slot_->destroy(); }

void Hook::set_name(std::string_view name) { slot_->set_name(name); }

void Hook::on_turn(Callback<void()> callback) { slot_->replace(std::move(callback)); }

}  // namespace weir
