// weir: work that blocks, done on another thread while the loop goes on.
// SPDX-License-Identifier: MIT
#include <weir/weir.h>

#include <cstdio>
#include <thread>

int main() {
  weir::EventLoop loop;
  int ticks = 0;
  weir::Timer ticking(loop, [&](weir::Timer&) { ++ticks; });
  ticking.start_every(std::chrono::milliseconds(5));

  const auto slow_sum = [] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));  // a database, say, or a file on a slow disk
    return 20 + 22;
  };
  const auto queued = weir::offload(loop, slow_sum, [&](weir::Result<int> sum) {
    std::printf("%d, and the loop %s meanwhile\n", *sum, ticks > 1 ? "went on" : "stood still");
    ticking.cancel();
  });
  if (!queued) return weir::report(queued.error());
  return weir::report(loop.run());
}
