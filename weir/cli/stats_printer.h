// weir: prints the figures of several loops, added up, every so often.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "weir/base/callback.h"
#include "weir/base/time.h"
#include "weir/cli/stats_line.h"
#include "weir/loop/loop_threads.h"
#include "weir/loop/timer.h"

namespace weir::cli {

/// Asks each loop for its figures, on its own thread, and prints a line when all have answered. When one has not answered by
/// the next time, that is what is printed.
///
/// Lifetime: to be destroyed when the loops have ended, before them.
/// Threads:  that of the first loop.
class StatsPrinter {
 public:
  /// Lines go to `print`.
  StatsPrinter(LoopThreads& threads, Duration period, Callback<std::size_t()> count_connections,
               Callback<void(std::string_view)> print);

 private:
  void begin();
  void answered(std::size_t loop, LoopInsight insight);
  void tell();

  LoopThreads& threads_;
  Callback<std::size_t()> count_connections_;
  Callback<void(std::string_view)> print_;
  std::vector<LoopInsight> before_;  ///< of each loop, at the line before
  StatsInterval gathered_;
  std::size_t waiting_for_ = 0;  ///< loops that have not answered
  std::size_t connections_before_ = 0;
  TimePoint last_;
  Timer timer_;
};

}  // namespace weir::cli
