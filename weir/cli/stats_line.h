// weir: the figures of a server for people, in a line.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>

#include "weir/base/time.h"
#include "weir/loop/insight.h"

namespace weir::cli {

/// What a line is made of.
struct StatsInterval {
  Duration length{};            ///< since the line before
  std::size_t loops = 1;        ///< whose figures are added up
  std::size_t connections = 0;  ///< open now
  std::size_t pool_bytes = 0;   ///< in use now
  LoopInsight insight{};        ///< of the interval, with its slowest callbacks
};

/// One line, without its end. How many connections have gone follows from how many came and were there before.
std::string stats_line(const StatsInterval& interval, std::size_t connections_before);

/// A sentence about a turn that was too long, and what in it was.
std::string stall_sentence(const Stall& stall);

/// Three digits and a unit: "950 ns", "1.23 us", "12.3 ms", "123 s".
std::string short_duration(Duration duration);
/// The same for amounts, by 1000: "950 ", "1.23 k", "12.3 M"; a unit may follow.
std::string short_amount(double amount);

}  // namespace weir::cli
