// weir: threads that work at the same time, each on a core of its own.
// SPDX-License-Identifier: MIT
#pragma once

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "bench/measure/cases.h"

namespace bench {

/// What the same work cost on several threads at once.
struct Together {
  double processor = 0;  ///< nanoseconds of all threads
  double wall = 0;       ///< from the first one's start to the last one's end
};

/// The process itself was pinned to one core.
inline void use_core(unsigned number) noexcept {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(number % std::max(1U, std::thread::hardware_concurrency()), &cores);
  sched_setaffinity(0, sizeof cores, &cores);
}

/// Runs `work(thread)` on so many threads, which begin together.
template <class Work>
Together run_together(unsigned count, Work work) {
  std::atomic<unsigned> ready{0};
  std::vector<double> processor(count), start(count), end(count);
  std::vector<std::thread> threads;
  for (unsigned thread = 0; thread < count; ++thread) {
    threads.emplace_back([&, thread] {
      use_core(thread);
      ready.fetch_add(1);
      while (ready.load() < count) std::this_thread::yield();
      start[thread] = wall_nanoseconds();
      const double before = cpu_nanoseconds();
      work(thread);
      processor[thread] = cpu_nanoseconds() - before;
      end[thread] = wall_nanoseconds();
    });
  }
  for (std::thread& thread : threads) thread.join();
  Together sum;
  for (const double time : processor) sum.processor += time;
  sum.wall = *std::max_element(end.begin(), end.end()) - *std::min_element(start.begin(), start.end());
  return sum;
}

/// Lets others run meanwhile: the threads may have to share a core.
template <class Condition>
void wait_until(Condition condition) {
  while (!condition()) std::this_thread::yield();
}

}  // namespace bench
