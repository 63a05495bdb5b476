// weir: what a simulated host and its world know of each other.
// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "weir/sim/host.h"
#include "weir/sys/sim_kernel/sim_kernel.h"

namespace weir::sim {

/// A loop that the world runs.
struct Actor {
  Host::State* host = nullptr;
  std::unique_ptr<EventLoop> loop;
  bool is_acting = false;  ///< its turn is on the stack
  bool has_ended = false;  ///< `stop()` was called on it, or the host has crashed
};

class Host::State {
 public:
  State(sys::SimKernel& under, sys::Machine& own, const HostOptions& options)
      : kernel(under),
        machine(own),
        pool(PoolOptions{.limit = options.pool_budget}) {}

  void remark(std::string text) { kernel.trace().remark(kernel.timeline().now(), std::move(text)); }

  sys::SimKernel& kernel;
  sys::Machine& machine;
  Pool pool;
  std::vector<std::unique_ptr<Actor>> actors;  // those from before a crash stay, but run no more
  std::size_t first_actor = 0;                 // the first one since the last restart
  bool is_paused = false;
};

}  // namespace weir::sim
