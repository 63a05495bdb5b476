// weir: tests of a loop that somebody else waits for.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <thread>

#include "tests/support/descriptor_check.h"
#include "tests/support/test_kernel.h"
#include "weir/loop/event_loop.h"
#include "weir/loop/timer.h"
#include "weir/loop/watch.h"
#include "weir/sys/calls.h"

namespace weir {
namespace {

using namespace weir::literals;

/// Another loop, of the barest kind, in which weir's is one descriptor.
class HostLoop {
 public:
  explicit HostLoop(EventLoop& guest) : epoll_(sys::create_epoll().number()), guest_(guest) {
    epoll_event event{};
    event.events = EPOLLIN;
    EXPECT_TRUE(sys::control_epoll(epoll_.number(), EPOLL_CTL_ADD, guest.backend_descriptor(), event));
  }

  /// True when the guest's descriptor is readable within `limit`.
  bool wait(Duration limit) {
    std::array<epoll_event, 1> events{};
    const sys::CallResult ready = sys::wait_epoll(epoll_.number(), events, limit);
    return ready && ready.count() == 1;
  }

  /// Waits for the guest as its header says, and lets it make a turn.
  void turn() {
    (void)wait(std::min<Duration>(guest_.time_to_deadline(), 1s));
    EXPECT_TRUE(guest_.poll());
    ++turns;
  }

  int turns = 0;

 private:
  sys::Descriptor epoll_;
  EventLoop& guest_;
};

EventLoop::Options on_epoll() { return {.backend = BackendChoice::epoll}; }

TEST(Embedding, a_loop_with_nothing_to_do_has_no_deadline) {
  EventLoop loop;

  EXPECT_EQ(loop.next_deadline(), TimePoint::max());
}

TEST(Embedding, the_deadline_is_not_after_the_next_timer_and_not_now) {
  for (const Duration length : {Duration(10ms), Duration(1s), Duration(1h), Duration(24h * 1000)}) {
    EventLoop loop;
    Timer timer(loop, [](Timer&) {});
    timer.start(length);

    const Duration left = loop.next_deadline() - loop.now();

    EXPECT_GT(left, std::min(length / 64, Duration(1h))) << "few turns until the timer fires";
    EXPECT_LE(left, length + 1ms);
  }
}

TEST(Embedding, the_time_to_the_deadline_is_a_length_whatever_the_deadline_is) {
  EventLoop loop;
  EXPECT_EQ(loop.time_to_deadline(), Duration::max()) << "there is none";
  Timer timer(loop, {.precise = true}, [](Timer&) {});
  timer.start(1h);
  EXPECT_GT(loop.time_to_deadline(), 59min);
  EXPECT_LE(loop.time_to_deadline(), 1h);

  timer.start(-1h);
  EXPECT_EQ(loop.time_to_deadline(), 0s) << "it has passed";
  timer.cancel();
  loop.post([] {});

  EXPECT_EQ(loop.time_to_deadline(), 0s) << "something is to be done";
}

TEST(Embedding, work_that_waits_already_is_due_at_once) {
  EventLoop loop;
  loop.post([] {});

  EXPECT_EQ(loop.next_deadline(), TimePoint::min());
}

TEST(Embedding, a_post_after_the_deadline_was_asked_for_wakes_the_host) {
  const testing_support::OnRealKernel real;
  EventLoop loop(on_epoll());
  HostLoop host(loop);
  bool has_run = false;
  ASSERT_EQ(loop.next_deadline(), TimePoint::max());
  EXPECT_FALSE(host.wait(0s));

  std::thread([&] { loop.post([&] { has_run = true; }); }).join();

  EXPECT_TRUE(host.wait(10s));
  EXPECT_EQ(*loop.poll(), RunEnd::turn);
  EXPECT_TRUE(has_run);
}

TEST(Embedding, every_post_wakes_the_host_again) {
  EventLoop loop(on_epoll());
  HostLoop host(loop);
  int run = 0;
  for (int i = 1; i <= 100; ++i) {
    ASSERT_EQ(loop.next_deadline(), TimePoint::max());
    loop.post([&] { ++run; });
    ASSERT_TRUE(host.wait(0s)) << i;
    EXPECT_TRUE(loop.poll());
    EXPECT_FALSE(host.wait(0s));
  }
  EXPECT_EQ(run, 100);
}

TEST(Embedding, timers_and_events_come_while_the_host_waits) {
  EventLoop loop(on_epoll());
  HostLoop host(loop);
  std::array<int, 2> ends{};
  ASSERT_TRUE(sys::create_pipe(ends));
  const sys::Descriptor reader(ends[0]);
  const sys::Descriptor writer(ends[1]);
  int fired = 0;
  int readable = 0;
  Timer timer(loop, [&](Timer& t) {
    ++fired;
    EXPECT_TRUE(sys::write(writer.number(), as_bytes("x")));
    if (fired < 3) t.start(2ms);
  });
  auto watch = Watch::start(loop, reader.number(), {.readable = true}, [&](Readiness) {
    std::array<std::byte, 8> into{};
    EXPECT_TRUE(sys::read(reader.number(), into));
    ++readable;
  });
  ASSERT_TRUE(watch);
  timer.start(2ms);

  while ((fired < 3 || readable < 3) && host.turns < 1000) host.turn();

  EXPECT_EQ(fired, 3);
  EXPECT_EQ(readable, 3);
  EXPECT_LT(host.turns, 30) << "a turn only when something is due";
}

}  // namespace
}  // namespace weir
