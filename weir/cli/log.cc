// weir: the tool's log: sentences on stderr, from a level on.
// SPDX-License-Identifier: MIT
#include "weir/cli/log.h"

#include <cstdio>
#include <system_error>

#include "weir/cli/process.h"

namespace weir::cli {
namespace {

std::string_view name_of(LogLevel level) {
  switch (level) {
    case LogLevel::error: return "error";
    case LogLevel::warning: return "warning";
    case LogLevel::info: return "info";
    case LogLevel::debug: return "debug";
  }
  return "";
}

LogLevel level_of(Diagnostic::Level level) {
  switch (level) {
    case Diagnostic::Level::error: return LogLevel::error;
    case Diagnostic::Level::warning: return LogLevel::warning;
    case Diagnostic::Level::info: return LogLevel::info;
  }
  return LogLevel::error;
}

bool is_out_of_descriptors(std::error_code error) { return error == std::errc::too_many_files_open; }

}  // namespace

void Log::diagnostic(const Diagnostic& diagnostic) const {
  const LogLevel level = level_of(diagnostic.level);
  if (!says(level)) return;
  std::string sentence(diagnostic.message);
  if (diagnostic.error) {
    const std::string reason = diagnostic.error.message();
    if (sentence.find(reason) == std::string::npos) sentence += ": " + reason;
  }
  if (is_out_of_descriptors(diagnostic.error))
    sentence += fmt::format(" (the limit is {}, see ulimit -n)", descriptor_limit());
  write(level, sentence);
}

void Log::write(LogLevel level, std::string_view sentence) const {
  const std::string line = fmt::format("{}: {}: {}\n", command_, name_of(level), sentence);
  (void)std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace weir::cli
