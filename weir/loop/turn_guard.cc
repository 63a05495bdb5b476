// weir: one turn of the loop, with the library's only catch; a build without exceptions replaces this file.
// SPDX-License-Identifier: MIT
#include <exception>

#include "weir/loop/backend.h"
#include "weir/loop/event_loop.h"

namespace weir {
namespace {

constexpr std::size_t tasks_per_turn = 512;

}  // namespace

/// What a callback throws goes to the owner of the slot that threw, if it has one that cares, and else out of `run`;
/// either way what it cut short is done by the next turn.
Result<RunEnd> EventLoop::turn(bool may_wait) {
  Result<RunEnd> begun = begin_turn(may_wait);
  if (!begun || *begun != RunEnd::turn) return begun;
  const RunningMark mark(*this);
  try {
    backend_->dispatch();
    run_timers();
    posts_->run_tasks(tasks_per_turn);
    run_deferred();
  } catch (...) {
    Slot* thrower = exchange_running_slot(nullptr);
    if (thrower == nullptr || !thrower->caught(std::current_exception())) throw;
  }
  return RunEnd::turn;
}

}  // namespace weir
