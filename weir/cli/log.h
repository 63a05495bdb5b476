// weir: the tool's log: sentences on stderr, from a level on.
// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

#include <fmt/format.h>

#include "weir/loop/diagnostic.h"

namespace weir::cli {

enum class LogLevel { error, warning, info, debug };

/// Writes `COMMAND: LEVEL: sentence`, one line each and in one piece, to stderr.
class Log {
 public:
  Log(std::string_view command, LogLevel level) : command_(command), level_(level) {}

  bool says(LogLevel level) const noexcept { return level <= level_; }

  template <class... Args>
  void error(fmt::format_string<Args...> format, Args&&... args) const {
    if (says(LogLevel::error)) write(LogLevel::error, fmt::vformat(format, fmt::make_format_args(args...)));
  }
  template <class... Args>
  void warning(fmt::format_string<Args...> format, Args&&... args) const {
    if (says(LogLevel::warning)) write(LogLevel::warning, fmt::vformat(format, fmt::make_format_args(args...)));
  }
  template <class... Args>
  void info(fmt::format_string<Args...> format, Args&&... args) const {
    if (says(LogLevel::info)) write(LogLevel::info, fmt::vformat(format, fmt::make_format_args(args...)));
  }
  template <class... Args>
  void debug(fmt::format_string<Args...> format, Args&&... args) const {
    if (says(LogLevel::debug)) write(LogLevel::debug, fmt::vformat(format, fmt::make_format_args(args...)));
  }

  /// What the library has to say.
  void diagnostic(const Diagnostic& diagnostic) const;

 private:
  void write(LogLevel level, std::string_view sentence) const;

  std::string command_;
  LogLevel level_;
};

}  // namespace weir::cli
