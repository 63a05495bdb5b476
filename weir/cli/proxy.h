// weir: `weir proxy`, which passes connections on to other servers.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "weir/base/bytes.h"
#include "weir/cli/service.h"

namespace weir::cli {

struct ProxyOptions {
  ServiceOptions service{};
  std::vector<std::string> targets{};  ///< addresses; at least one
  std::uint64_t bytes_per_second = 0;  ///< each way, of all connections together; 0: no limit
  std::size_t max_connections = 0;     ///< 0: no limit
  double idle_seconds = 0;             ///< 0: no limit
  double connect_seconds = 5;
};

/// Serves until SIGTERM or SIGINT; returns the exit code.
int run_proxy(const ProxyOptions& options);

}  // namespace weir::cli
