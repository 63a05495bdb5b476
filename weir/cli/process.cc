// weir: what the tool asks of its process: limits, signals, exit codes.
// SPDX-License-Identifier: MIT
#include "weir/cli/process.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>

namespace weir::cli {
namespace {

/// Whoever started it may have closed some: what is opened next would take their place, and be sent the log.
void fill_standard_descriptors() {
  int opened = STDIN_FILENO;
  while (opened >= 0 && opened <= STDERR_FILENO) opened = ::open("/dev/null", O_RDWR | O_NOCTTY);
  if (opened > STDERR_FILENO) (void)::close(opened);
}

}  // namespace

void prepare_process() {
  fill_standard_descriptors();
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    (void)::setrlimit(RLIMIT_NOFILE, &limit);  // with a lower limit fewer connections fit, and that is told then
  }
  // The library raises no SIGPIPE. This is for the log: whoever reads it may go, and the server stays.
  (void)std::signal(SIGPIPE, SIG_IGN);
}

/// The kernel resets what it closes without a time to linger. Asking each number that there may be needs no loop, which may
/// be stuck, and no descriptor, of which there may be none.
void exit_at_once(int exit_code) {
  constexpr std::size_t most = 1 << 20;
  const linger none{.l_onoff = 1, .l_linger = 0};
  const auto end = static_cast<int>(std::min(descriptor_limit(), most));
  for (int number = STDERR_FILENO + 1; number < end; ++number)
    (void)::setsockopt(number, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
  std::_Exit(exit_code);
}

std::size_t descriptor_limit() {
  rlimit limit{};
  return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 0;
}

}  // namespace weir::cli
