// weir: a callback at the end of a turn.
// SPDX-License-Identifier: MIT
#include "weir/loop/deferred_call.h"

#include <utility>

#include "weir/loop/event_loop.h"
#include "weir/loop/slot.h"

namespace weir {

class DeferredCall::State final : public Slot {
 public:
  State(EventLoop& loop, Callback<void()> callback) : Slot(loop), callback_(std::move(callback)) {
    expects(static_cast<bool>(callback_));
  }

  void schedule() noexcept { loop().defer(*this); }
  void cancel() noexcept { ListHook<DeferredTag>::unlink(); }
  bool is_scheduled() const noexcept { return ListHook<DeferredTag>::is_linked(); }
  void replace(Callback<void()> callback) {
    expects(static_cast<bool>(callback));
    loop().replace_callback(callback_, std::move(callback));
  }
  void describe(ObjectState& state) const noexcept override {
    state.kind = ObjectKind::deferred_call;
    state.phase = is_scheduled() ? "scheduled" : "idle";
  }
  void destroy() noexcept {
    cancel();
    release();
  }

 private:
  void run_deferred() override {
    Slot* outer = loop().exchange_running_slot(this);
    loop().invoke(callback_);
    loop().exchange_running_slot(outer);
  }

  Callback<void()> callback_;
};

DeferredCall::DeferredCall(EventLoop& loop, Callback<void()> callback) : state_(new State(loop, std::move(callback))) {}

DeferredCall::~DeferredCall() { state_->destroy(); }

void DeferredCall::schedule() noexcept { state_->schedule(); }

void DeferredCall::cancel() noexcept { state_->cancel(); }

bool DeferredCall::is_scheduled() const noexcept { return state_->is_scheduled(); }

void DeferredCall::set_name(std::string_view name) { state_->set_name(name); }

void DeferredCall::on_call(Callback<void()> callback) { state_->replace(std::move(callback)); }

}  // namespace weir
