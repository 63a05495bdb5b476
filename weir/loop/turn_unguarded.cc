// weir: one turn of the loop where nothing can be thrown; with exceptions turn_guard.cc takes its place.
// SPDX-License-Identifier: MIT
#include <exception>

#include "weir/loop/backend.h"
#include "weir/loop/call.h"
#include "weir/loop/event_loop.h"

namespace weir {

Result<RunEnd> EventLoop::turn(bool may_wait) {
  Result<RunEnd> begun = begin_turn(may_wait);
  if (!begun || *begun != RunEnd::turn) return begun;
  const RunningMark mark(*this);
  run_stages();
  tell_stall();
  return end_turn();
}

std::exception_ptr caught_from(Callback<void()>& task) noexcept {
  task();
  return nullptr;
}

void throw_again(std::exception_ptr) { std::terminate(); }

}  // namespace weir
