// weir: a wall clock that jumps a year back and forth with every look at it; loaded before the C library by a test.
// SPDX-License-Identifier: MIT
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <ctime>

namespace {

constexpr std::time_t year = 365L * 24 * 3600;
std::atomic<unsigned> looks{0};

std::time_t jump() { return looks.fetch_add(1) % 2 == 0 ? year : -year; }

}  // namespace

extern "C" int clock_gettime(clockid_t clock, timespec* time) noexcept {
  const long done = ::syscall(SYS_clock_gettime, clock, time);
  if (done == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) time->tv_sec += jump();
  return static_cast<int>(done);
}

extern "C" int gettimeofday(timeval* time, void*) noexcept {
  timespec now{};
  (void)clock_gettime(CLOCK_REALTIME, &now);
  *time = {.tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000};
  return 0;
}

extern "C" std::time_t time(std::time_t* time) noexcept {
  timespec now{};
  (void)clock_gettime(CLOCK_REALTIME, &now);
  if (time != nullptr) *time = now.tv_sec;
  return now.tv_sec;
}
