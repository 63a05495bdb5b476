// weir: the tool's command line.
// SPDX-License-Identifier: MIT
#pragma once

#include <variant>

#include "weir/cli/bench_echo.h"
#include "weir/cli/echo.h"
#include "weir/cli/proxy.h"

namespace weir::cli {

/// Nothing is left to do: help was printed, or what is wrong with the arguments.
struct Ended {
  int exit_code;
};

using CommandLine = std::variant<Ended, EchoOptions, ProxyOptions, BenchEchoOptions>;

/// What the arguments ask for. Prints help and the version to stdout, and what is wrong as one line to stderr.
CommandLine parse_command_line(int argc, char** argv);

}  // namespace weir::cli
