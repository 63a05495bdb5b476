// weir: `weir bench echo`, a load generator for echo servers.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>

namespace weir::cli {

struct BenchEchoOptions {
  std::string address;
  std::size_t connections = 50;
  std::size_t size = 64;
  std::size_t pipeline = 1;
  double seconds = 10;
  bool json = false;
};

/// Connects, measures, prints what came out; returns the exit code.
///
/// With `json` it marks the measured time on stderr, for who samples the server meanwhile: the line `connected` stands
/// there before the first request leaves, `measured` when the time is over, before anything is closed.
int run_bench_echo(const BenchEchoOptions& options);

}  // namespace weir::cli
