// weir: `weir echo`, a server that sends back what it receives.
// SPDX-License-Identifier: MIT
#pragma once

#include "weir/cli/service.h"

namespace weir::cli {

struct EchoOptions {
  ServiceOptions service{};
  bool lines = false;  ///< echo complete lines only
};

/// Serves until SIGTERM or SIGINT; returns the exit code.
int run_echo(const EchoOptions& options);

}  // namespace weir::cli
