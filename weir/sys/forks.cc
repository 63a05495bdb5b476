// weir: tells a process that it is the child of a fork.
// SPDX-License-Identifier: MIT
#include "weir/sys/forks.h"

#include <pthread.h>

namespace weir::sys {

constinit std::atomic<std::uint32_t> fork_count{0};

bool watch_forks() noexcept {
  static const bool is_watching =
      ::pthread_atfork(nullptr, nullptr, [] { fork_count.fetch_add(1, std::memory_order_relaxed); }) == 0;
  return is_watching;
}

}  // namespace weir::sys
