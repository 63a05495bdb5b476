// weir: prints the figures of several loops, added up, every so often.
// SPDX-License-Identifier: MIT
#include "weir/cli/stats_printer.h"

#include <utility>

#include <fmt/format.h>

#include "weir/loop/call.h"

namespace weir::cli {

StatsPrinter::StatsPrinter(LoopThreads& threads, Duration period, Callback<std::size_t()> count_connections,
                           Callback<void(std::string_view)> print)
    : threads_(threads),
      count_connections_(std::move(count_connections)),
      print_(std::move(print)),
      before_(threads.count()),
      last_(threads.loop(0).now()),
      timer_(threads.loop(0), [this](Timer&) { begin(); }) {
  timer_.set_name("stats");
  timer_.start_every(period);
}

void StatsPrinter::begin() {
  if (waiting_for_ != 0) {
    return print_(fmt::format("{} of {} threads have not answered", waiting_for_, threads_.count()));
  }
  gathered_ = {};
  waiting_for_ = threads_.count();
  for (std::size_t i = 0; i < threads_.count(); ++i) {
    EventLoop& loop = threads_.loop(i);
    const auto look = [&loop] {
      LoopInsight insight = loop.insight();
      loop.forget_slowest();
      return insight;
    };
    call(threads_.loop(0), loop, look, [this, i](Result<LoopInsight> insight) {
      if (insight) answered(i, *std::move(insight));
    });
  }
}

void StatsPrinter::answered(std::size_t loop, LoopInsight insight) {
  gathered_.insight += insight.since(before_[loop]);
  before_[loop] = std::move(insight);
  if (--waiting_for_ == 0) tell();
}

void StatsPrinter::tell() {
  EventLoop& first = threads_.loop(0);
  gathered_.length = first.now() - std::exchange(last_, first.now());
  gathered_.loops = threads_.count();
  gathered_.connections = count_connections_();
  gathered_.pool_bytes = first.pool().stats().in_use;
  const std::size_t before = std::exchange(connections_before_, gathered_.connections);
  print_(stats_line(gathered_, before));
}

}  // namespace weir::cli
