// weir: `weir echo`, a server that sends back what it receives.
// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "weir/cli/log.h"
#include "weir/loop/event_loop.h"

namespace weir::cli {

struct EchoOptions {
  std::string address;
  bool lines = false;       ///< echo complete lines only
  std::size_t threads = 1;  ///< each with a loop of its own
  BackendChoice backend = BackendChoice::automatic;
  LogLevel log = LogLevel::warning;
  double stats_seconds = 0;  ///< how often to print a line of figures; 0: never
};

/// Serves until SIGTERM or SIGINT; returns the exit code.
int run_echo(const EchoOptions& options);

}  // namespace weir::cli
