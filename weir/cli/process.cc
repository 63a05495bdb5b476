// weir: what the tool asks of its process: limits, signals, exit codes.
// SPDX-License-Identifier: MIT
#include "weir/cli/process.h"

#include <sys/resource.h>

#include <csignal>

namespace weir::cli {

void prepare_process() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    (void)::setrlimit(RLIMIT_NOFILE, &limit);  // with a lower limit fewer connections fit, and that is told then
  }
  // The library raises no SIGPIPE. This is for the log: whoever reads it may go, and the server stays.
  (void)std::signal(SIGPIPE, SIG_IGN);
}

std::size_t descriptor_limit() {
  rlimit limit{};
  return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 0;
}

}  // namespace weir::cli
