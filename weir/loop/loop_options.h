// weir: what is decided about an event loop when it is made.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <vector>

#include "weir/base/callback.h"
#include "weir/base/time.h"
#include "weir/loop/diagnostic.h"
#include "weir/loop/insight.h"

namespace weir {

class Pool;

/// Which mechanism of the system carries the loop.
enum class BackendChoice {
  automatic,  ///< what the environment variable WEIR_BACKEND names (auto, epoll or poll), or else the best there is
  epoll,      ///< epoll(7): constant work for each event, however many connections are open
  poll,       ///< poll(2): work for each connection in each turn; there for systems without epoll, and for comparison
};

/// Of blocking work that a loop has done on other threads, see call.h.
struct OffloadLimits {
  std::size_t threads = 4;     ///< at most so many at a time, at least 1; each is started when it is needed first
  std::size_t waiting = 1024;  ///< so many may wait beside those for which there is a thread
  /// The numbers of those on which these threads may run; empty: those on which the loop's thread may. LoopThreads that pins
  /// its threads takes all that the process may use, so that blocking work does not share the processor of a loop.
  std::vector<int> processors{};
};

/// Of an EventLoop, where they are EventLoop::Options.
struct LoopOptions {
  /// One that the system does not offer is errc::unavailable; automatic choice takes another, and tells the hook.
  BackendChoice backend = BackendChoice::automatic;
  /// Null is the default pool. It must outlive the loop, and needs a budget well above the 64 KiB that the loop
  /// receives into and the `output_reserve_bytes` that it sets aside: from 75 % in use on, reading and accepting pause.
  Pool* pool = nullptr;
  Callback<void(const Diagnostic&)> on_diagnostic{};  ///< hears what the library has to say; empty by default
  OffloadLimits offload{};
  /// Classes of priority: how many streams, listeners and watches of each are served in a turn, the most urgent class, 0,
  /// first. What is left goes on in the next turn, after whatever more urgent has come by then. A class with 0 is served
  /// only in turns in which no more urgent one has anything to do. Empty: one class, without a quota, at no cost.
  ///
  ///     {.quotas = {weir::unlimited, 16, 0}}      // control, requests, bulk transfers when nothing else is to be done
  ///
  /// A watch that had to wait for its turn is told what still holds then, and not called when nothing does. Everything is of
  /// class 0 until StreamOptions, ListenOptions or WatchOptions tell otherwise.
  std::vector<std::size_t> quotas{};
  /// A turn that takes longer is a stall: it is counted and, when it is over, told to `on_stall`. Nobody who waits on this
  /// loop has been served meanwhile. Default: 100 ms; `EventLoop::no_stall_limit` lifts it. (asyncio's limit is the same,
  /// Seastar's is 25 ms.) Time that the system gave to other programs counts too, for those who wait do not care.
  Duration stall_limit = std::chrono::milliseconds(100);
  /// Hears of each stall; empty by default.
  Callback<void(const Stall&)> on_stall{};
};

}  // namespace weir
