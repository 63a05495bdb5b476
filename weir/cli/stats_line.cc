// weir: the figures of a server for people, in a line.
// SPDX-License-Identifier: MIT
#include "weir/cli/stats_line.h"

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

#include <fmt/format.h>

namespace weir::cli {
namespace {

/// The value in the largest unit that leaves it at 1 or more, with three digits.
std::string with_unit(double value, std::span<const std::string_view> units) {
  std::size_t unit = 0;
  for (; unit + 1 < units.size() && value >= 999.5; ++unit) value /= 1000;
  const int decimals = unit == 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return fmt::format("{:.{}f} {}", value, decimals, units[unit]);
}

std::string quantile(const LoopHistogram& histogram, double fraction) {
  return histogram.count() == 0 ? "-" : short_duration(histogram.quantile(fraction));
}

std::string longest(const LoopHistogram& histogram) {
  return histogram.count() == 0 ? "-" : short_duration(histogram.max());
}

std::string slowest(const SlowestCallbacks& callbacks) {
  if (callbacks.is_empty()) return {};
  const SlowCallback& first = callbacks[0];
  std::string text = fmt::format("  slowest {}", name_of(first.kind));
  if (!first.name().empty()) text += fmt::format(" \"{}\"", first.name());
  if (first.descriptor >= 0) text += fmt::format(" fd {}", first.descriptor);
  return text + ": " + short_duration(first.duration);
}

}  // namespace

std::string stall_sentence(const Stall& stall) {
  const SlowCallback& slowest = stall.slowest;
  const std::string of_what =
      slowest.duration == Duration::zero()
          ? ", of many short pieces of work"
          : fmt::format("; longest: {} {}", name_of(slowest.kind), short_duration(slowest.duration));
  return fmt::format("a turn of an event loop took {}{}", short_duration(stall.turn), of_what);
}

std::string short_duration(Duration duration) {
  constexpr std::array<std::string_view, 4> units{"ns", "us", "ms", "s"};
  return with_unit(static_cast<double>(duration.count()), units);
}

std::string short_amount(double amount) {
  constexpr std::array<std::string_view, 5> units{"", "k", "M", "G", "T"};
  return with_unit(amount, units);
}

std::string stats_line(const StatsInterval& interval, std::size_t connections_before) {
  const LoopInsight& insight = interval.insight;
  const LoopCounters& counters = insight.counters;
  const double seconds = std::max(std::chrono::duration<double>(interval.length).count(), 1e-9);
  const auto rate = [seconds](std::uint64_t count) { return short_amount(static_cast<double>(count) / seconds); };
  // The two are looked at at different moments, so that one may seem to have gone before it came.
  std::string reads = rate(counters.receives);
  if (reads.back() != ' ') reads += ' ';
  const std::size_t came = counters.accepts;
  const std::size_t all = connections_before + came;
  const std::size_t went = all > interval.connections ? all - interval.connections : 0;
  const double busy = std::chrono::duration<double>(insight.turn_time.total()).count() /
                      (seconds * static_cast<double>(interval.loops));
  return fmt::format(
             "{} connections (+{} -{})  in {}B/s in {}reads/s  out {}B/s  busy {:.0f} %  turn p50 {} p99 {} max {}  "
             "callback p99 {} max {}  timers late p99 {}  posts waited p99 {}  stalls {}  pool {}B",
             interval.connections, came, went, rate(counters.received_bytes), reads, rate(counters.sent_bytes),
             std::min(busy, 1.0) * 100, quantile(insight.turn_time, 0.5), quantile(insight.turn_time, 0.99),
             longest(insight.turn_time), quantile(insight.callback_time, 0.99), longest(insight.callback_time),
             quantile(insight.timer_lateness, 0.99), quantile(insight.post_delay, 0.99), counters.stalls,
             short_amount(static_cast<double>(interval.pool_bytes))) +
         slowest(insight.slowest);
}

}  // namespace weir::cli
