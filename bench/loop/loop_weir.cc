// weir: the loop's workloads, done with weir.
// SPDX-License-Identifier: MIT
#include "bench/loop/chained_writes.h"
#include "bench/loop/posts.h"
#include "bench/loop/timers.h"
#include "bench/loop/weir_pairs.h"
#include "bench/loop/weir_posts.h"
#include "bench/loop/weir_timers.h"
#include "bench/measure/cases.h"

int main(int argc, char** argv) {
  using Level = bench::WeirPairs<weir::WatchMode::level>;
  using Edge = bench::WeirPairs<weir::WatchMode::edge>;
  const std::string subject = "weir";
  bench::Cases cases;
  bench::add_chain_cases<Level>(cases, "chain", subject);
  bench::add_chain_cases<Edge>(cases, "chain-edge", subject);
  bench::add_renewal_cases<Level>(cases, subject);
  bench::add_timer_cases<bench::WeirTimers<false>>(cases, subject);
  bench::add_timer_cases<bench::WeirTimers<true>>(cases, "weir-precise");
  bench::add_post_cases<bench::WeirPosts>(cases, subject);
  bench::add_post_batch_cases<bench::WeirPosts>(cases, subject);
  return cases.run(argc, argv);
}
