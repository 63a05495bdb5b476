// weir: one turn of the loop where nothing can be thrown; with exceptions turn_guard.cc takes its place.
// SPDX-License-Identifier: MIT
#include "weir/loop/backend.h"
#include "weir/loop/event_loop.h"

namespace weir {

/// No stage can be cut short, so there is none to go on with.
Result<RunEnd> EventLoop::turn(bool may_wait) {
  Result<RunEnd> begun = begin_turn(may_wait);
  if (!begun || *begun != RunEnd::turn) return begun;
  const RunningMark mark(*this);
  backend_->dispatch();
  run_timers();
  posts_->run_tasks(tasks_per_turn);
  run_deferred();
  stage_ = Stage::wait;
  return RunEnd::turn;
}

}  // namespace weir
