// weir: threads of the system, for what runs on several.
// SPDX-License-Identifier: MIT
#include "weir/sys/threads.h"

#include <sched.h>

#include <cerrno>
#include <memory>

namespace weir::sys {
namespace {

void* run(void* argument) noexcept {
  const std::unique_ptr<Callback<void()>> body(static_cast<Callback<void()>*>(argument));
  (*body)();
  return nullptr;
}

}  // namespace

Result<Thread> Thread::start(Callback<void()> body) {
  auto argument = std::make_unique<Callback<void()>>(std::move(body));
  Thread thread;
  if (const int error = ::pthread_create(&thread.id_, nullptr, run, argument.get()); error != 0)
    return system_error(error);
  (void)argument.release();
  thread.is_running_ = true;
  return thread;
}

void Thread::join() noexcept {
  if (std::exchange(is_running_, false)) (void)::pthread_join(id_, nullptr);
}

std::vector<int> usable_processors() {
  cpu_set_t usable;
  CPU_ZERO(&usable);
  std::vector<int> numbers;
  if (::sched_getaffinity(0, sizeof usable, &usable) == 0) {
    for (int number = 0; number < CPU_SETSIZE; ++number) {
      if (CPU_ISSET(static_cast<std::size_t>(number), &usable)) numbers.push_back(number);
    }
  }
  if (numbers.empty()) numbers.push_back(0);  // a machine with more processors than the set has places
  return numbers;
}

Result<void> run_this_thread_on(std::span<const int> processors) noexcept {
  cpu_set_t only;
  CPU_ZERO(&only);
  for (const int processor : processors) {
    if (processor < 0 || processor >= CPU_SETSIZE) return system_error(EINVAL);
    CPU_SET(static_cast<std::size_t>(processor), &only);
  }
  if (::sched_setaffinity(0, sizeof only, &only) != 0) return system_error(errno);
  return {};
}

}  // namespace weir::sys
