// weir: the loop's workloads, done with libuv, for comparison.
// SPDX-License-Identifier: MIT
#include "bench/loop/chained_writes.h"
#include "bench/loop/posts.h"
#include "bench/loop/timers.h"
#include "bench/measure/cases.h"
#include "bench/peers/libuv_pairs.h"
#include "bench/peers/libuv_posts.h"
#include "bench/peers/libuv_timers.h"

int main(int argc, char** argv) {
  const std::string subject = "libuv";
  bench::Cases cases;
  bench::add_chain_cases<bench::LibuvPairs>(cases, "chain", subject);
  bench::add_renewal_cases<bench::LibuvPairs>(cases, subject);
  bench::add_timer_cases<bench::LibuvTimers>(cases, subject);
  bench::add_post_cases<bench::LibuvPosts>(cases, subject);
  bench::add_post_batch_cases<bench::LibuvPosts>(cases, subject);
  return cases.run(argc, argv);
}
