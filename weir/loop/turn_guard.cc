// weir: every catch of the loop; a build without exceptions replaces this file.
// SPDX-License-Identifier: MIT
#include <exception>

#include "weir/loop/event_loop.h"

namespace weir {

/// Serves the turn. What a callback throws goes to the owner of the slot that threw, if it has one that cares, and else
/// out of `run`; either way the rest of the turn is done by the next one.
void EventLoop::run_guarded() {
  try {
    serve();
  } catch (...) {
    Slot* thrower = exchange_running_slot(nullptr);
    if (thrower != nullptr) defer(*thrower);  // what it wrote before it threw is still sent
    if (thrower == nullptr || !thrower->caught(std::current_exception())) throw;
  }
}

}  // namespace weir
