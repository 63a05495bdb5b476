// weir: the loop's workloads, done with libuv, for comparison.
// SPDX-License-Identifier: MIT
#include "bench/loop/chained_writes.h"
#include "bench/measure/cases.h"
#include "bench/peers/libuv_pairs.h"

int main(int argc, char** argv) {
  const std::string subject = "libuv";
  bench::Cases cases;
  bench::add_chain_cases<bench::LibuvPairs>(cases, "chain", subject);
  bench::add_renewal_cases<bench::LibuvPairs>(cases, subject);
  return cases.run(argc, argv);
}
