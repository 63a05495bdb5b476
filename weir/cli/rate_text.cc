// weir: rates as people write them.
// SPDX-License-Identifier: MIT
#include "weir/cli/rate_text.h"

#include <algorithm>
#include <charconv>
#include <string_view>

namespace weir::cli {
namespace {

constexpr double largest = 1e15;

bool begins_with_number(std::string_view text) { return !text.empty() && text.front() >= '0' && text.front() <= '9'; }

/// None when it is no unit. `m` is none: it could mean a thousandth.
std::optional<double> factor_of(std::string_view unit) {
  if (unit.ends_with('B')) unit.remove_suffix(1);
  if (unit.empty()) return 1;
  const double base = unit.ends_with('i') ? 1024 : 1000;
  if (unit.ends_with('i')) unit.remove_suffix(1);
  constexpr std::string_view prefixes = "kMGT";
  const std::size_t power = prefixes.find(unit == "K" ? "k" : unit);
  if (unit.size() != 1 || power == std::string_view::npos) return std::nullopt;
  double factor = base;
  for (std::size_t i = 0; i < power; ++i) factor *= base;
  return factor;
}

}  // namespace

std::optional<std::uint64_t> parse_rate(std::string_view text) {
  if (!begins_with_number(text)) return std::nullopt;
  double number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc()) return std::nullopt;
  const auto factor = factor_of(text.substr(static_cast<std::size_t>(rest - text.data())));
  if (!factor) return std::nullopt;
  const double rate = number * *factor;
  if (!(rate >= 1 && rate <= largest)) return std::nullopt;
  return static_cast<std::uint64_t>(rate);
}

}  // namespace weir::cli
