// weir: the loop's workloads, done with libevent, for comparison.
// SPDX-License-Identifier: MIT
#include "bench/loop/chained_writes.h"
#include "bench/loop/timers.h"
#include "bench/measure/cases.h"
#include "bench/peers/libevent_pairs.h"
#include "bench/peers/libevent_timers.h"

int main(int argc, char** argv) {
  const std::string subject = "libevent";
  bench::Cases cases;
  bench::add_chain_cases<bench::LibeventPairs<0>>(cases, "chain", subject);
  bench::add_chain_cases<bench::LibeventPairs<EV_ET>>(cases, "chain-edge", subject);
  bench::add_renewal_cases<bench::LibeventPairs<0>>(cases, subject);
  bench::add_timer_cases<bench::LibeventTimers>(cases, subject);
  return cases.run(argc, argv);
}
