// weir: whether a call throws, found out in a child process, for the build in which a throw ends the process.
// SPDX-License-Identifier: MIT
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <exception>

#include "tests/support/throws.h"

namespace weir::testing_support {
namespace {

constexpr int has_thrown = 77;

bool throws(CallRunner run, void* call) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(STDERR_FILENO);  // its last words are expected
    std::set_terminate([] { ::_exit(has_thrown); });
    run(call);
    ::_exit(0);
  }
  int status = 0;
  while (child > 0 && ::waitpid(child, &status, 0) < 0 && errno == EINTR) {}
  if (WIFEXITED(status) && WEXITSTATUS(status) == has_thrown) return true;
  run(call);  // also when the child has crashed: so that it shows how
  return false;
}

}  // namespace

bool throws_bad_alloc(CallRunner run, void* call) { return throws(run, call); }

bool throws_system_error(CallRunner run, void* call) { return throws(run, call); }

bool throws_something(CallRunner run, void* call) { return throws(run, call); }

bool can_throw() noexcept { return false; }

void throw_something() { std::terminate(); }

}  // namespace weir::testing_support
