// weir: one turn of the loop, with the loop's catches; a build without exceptions takes turn_unguarded.cc instead.
// SPDX-License-Identifier: MIT
#include <exception>

#include "weir/loop/backend.h"
#include "weir/loop/call.h"
#include "weir/loop/event_loop.h"

namespace weir {

/// What a callback throws goes to the owner of the slot that threw, if it has one that cares: the turn then goes on. Else it
/// leaves `run`, and the next turn goes on with the stage behind, so that what throws every time starves nothing else.
/// What a stage was cut short in, it does when it comes again.
Result<RunEnd> EventLoop::turn(bool may_wait) {
  Result<RunEnd> begun = begin_turn(may_wait);
  if (!begun || *begun != RunEnd::turn) return begun;
  const RunningMark mark(*this);
  for (;;) {
    try {
      run_stages();
      tell_stall();
      return end_turn();
    } catch (...) {
      running_slot_ = nullptr;
      Slot* thrower = std::exchange(thrower_, nullptr);
      if (thrower != nullptr && thrower->caught(std::current_exception())) continue;
      // At `wait` it was `on_stall` that threw, when all was done.
      if (stage_ != Stage::wait) {
        recorder_.turn_ended();
        stage_ = stage_ == Stage::deferred ? Stage::wait : next_stage();
      }
      is_cut_ = false;
      throw;
    }
  }
}

std::exception_ptr caught_from(Callback<void()>& task) noexcept {
  try {
    task();
    return nullptr;
  } catch (...) {
    return std::current_exception();
  }
}

void throw_again(std::exception_ptr exception) { std::rethrow_exception(std::move(exception)); }

}  // namespace weir
