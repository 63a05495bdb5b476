// weir: what a loop can tell of itself: its slowest callbacks, stalls, and every object on it.
// SPDX-License-Identifier: MIT
#include <weir/weir.h>

#include <cstdio>
#include <string>
#include <thread>

namespace {

double in_ms(weir::Duration duration) { return std::chrono::duration<double, std::milli>(duration).count(); }

void print(const weir::LoopInsight& insight) {
  std::printf("%llu turns, p99 %.2f ms; timers late by %.2f ms at most\n",
              static_cast<unsigned long long>(insight.counters.turns), in_ms(insight.turn_time.quantile(0.99)),
              in_ms(insight.timer_lateness.max()));
  for (const weir::SlowCallback& slow : insight.slowest) {
    std::printf("slow: %s \"%s\" %.2f ms\n", std::string(name_of(slow.kind)).c_str(), std::string(slow.name()).c_str(),
                in_ms(slow.duration));
  }
}

}  // namespace

int main() {
  weir::EventLoop loop({.stall_limit = std::chrono::milliseconds(20), .on_stall = [](const weir::Stall& stall) {
                          std::printf("a stall of %.0f ms in \"%s\"\n", in_ms(stall.turn),
                                      std::string(stall.slowest.name()).c_str());
                        }});
  weir::Timer ticking(loop, [](weir::Timer&) {});
  ticking.set_name("ticks");
  ticking.start_every(std::chrono::milliseconds(5));

  weir::Timer report(loop, [](weir::Timer&) {
    std::this_thread::sleep_for(std::chrono::milliseconds(30));  // what blocks belongs into weir::offload
  });
  report.set_name("report");
  report.start(std::chrono::milliseconds(20));

  loop.stop_after(std::chrono::milliseconds(100));
  if (auto end = loop.run(); !end) return weir::report(end.error());
  print(loop.insight());
  std::fputs(loop.snapshot().to_string().c_str(), stdout);
  return 0;
}
