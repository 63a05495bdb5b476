// weir: epoll_pwait2(2) by way of epoll_pwait(2), for valgrind, which does not know it; scripts/memcheck loads it first.
// SPDX-License-Identifier: MIT
#include <sys/epoll.h>

#include <algorithm>
#include <climits>
#include <ctime>

/// Waits whole milliseconds, rounded up, so that no timer is early.
extern "C" int epoll_pwait2(int epoll, epoll_event* events, int count, const timespec* timeout, const sigset_t* mask) {
  long long milliseconds = -1;
  if (timeout != nullptr) milliseconds = timeout->tv_sec * 1000LL + (timeout->tv_nsec + 999'999) / 1'000'000;
  return epoll_pwait(epoll, events, count, static_cast<int>(std::min<long long>(milliseconds, INT_MAX)), mask);
}
