// weir: tells a process that it is the child of a fork.
// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>

namespace weir::sys {

/// Goes up in every child of fork(2), from the first call of `watch_forks` on.
extern constinit std::atomic<std::uint32_t> fork_count;

/// False when there was no memory for it. pthread_atfork(3)
bool watch_forks() noexcept;

}  // namespace weir::sys
