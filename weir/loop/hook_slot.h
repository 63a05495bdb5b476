// weir: a hook's own half; internal.
// SPDX-License-Identifier: MIT
#pragma once

#include <utility>

#include "weir/base/expects.h"
#include "weir/base/list.h"
#include "weir/loop/event_loop.h"

namespace weir {

/// Stands in the loop's list of its point for as long as the handle is there.
class HookSlot final : public Slot, public ListHook<HookTag> {
 public:
  HookSlot(EventLoop& loop, Callback<void()> callback) : Slot(loop), callback_(std::move(callback)) {
    expects(static_cast<bool>(callback_));
  }

  void replace(Callback<void()> callback) {
    expects(static_cast<bool>(callback));
    loop().replace_callback(callback_, std::move(callback));
  }

  void describe(ObjectState& state) const noexcept override {
    state.kind = ObjectKind::hook;
    state.phase = "set";
  }

  void destroy() noexcept {
    ListHook<HookTag>::unlink();
    release();
  }

  void call() {
    const SlotHold hold(*this);
    const CallbackSpan span(*this);
    Slot* outer = loop().exchange_running_slot(this);
    loop().invoke(callback_);
    loop().exchange_running_slot(outer);
  }

 private:
  Callback<void()> callback_;
};

}  // namespace weir
