// weir: an echo in which every system call, and every allocation, fails once.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <cstdio>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/stream_support.h"
#include "weir/buffer/allocation_plan.h"
#include "weir/buffer/pool.h"
#include "weir/loop/event_loop.h"
#include "weir/server/server.h"
#include "weir/stream/stream.h"
#include "weir/sys/fault_kernel.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;
using sys::Call;
using sys::Fault;
using sys::FaultPlan;

/// What each call may answer besides success.
std::vector<Fault> faults_of(Call call) {
  std::vector<int> errors;
  std::vector<Fault> faults;
  switch (call) {
    case Call::open_socket:
    case Call::create_socket_pair:
    case Call::create_pipe:
    case Call::open_file:
    case Call::create_event_counter:
    case Call::create_epoll: errors = {EMFILE, ENFILE, ENOMEM}; break;
    case Call::bind: errors = {EADDRINUSE, EACCES}; break;
    case Call::listen: errors = {EADDRINUSE}; break;
    case Call::accept:
      errors = {EMFILE, ENFILE, ENOBUFS, ENOMEM, ECONNABORTED, EPROTO, EPERM, EINTR, EAGAIN, EBADF};
      break;
    case Call::connect: errors = {ECONNREFUSED, EADDRNOTAVAIL, ENETUNREACH, EAGAIN, ETIMEDOUT}; break;
    case Call::shutdown: errors = {ENOTCONN, ENOBUFS}; break;
    case Call::local_name:
    case Call::peer_name:
    case Call::get_option:
    case Call::set_option: errors = {ENOBUFS, EINVAL}; break;
    case Call::receive:
    case Call::receive_from:
    case Call::read_at:
      errors = {EAGAIN, EINTR, ECONNRESET, ETIMEDOUT, ENOMEM};
      faults.push_back({.at_most = 1});
      break;
    case Call::send:
    case Call::send_pieces:
    case Call::send_to:
    case Call::send_file:
      errors = {EAGAIN, EINTR, EPIPE, ECONNRESET, ENOBUFS};
      faults.push_back({.at_most = 1});
      break;
    case Call::read:
    case Call::write: errors = {EAGAIN, EINTR}; break;
    case Call::close: errors = {EINTR, EIO}; break;
    case Call::file_size:
    case Call::unlink:
    case Call::describe_file: errors = {ENOENT, EACCES}; break;
    case Call::control_epoll: errors = {ENOMEM, ENOSPC, EEXIST, ENOENT, EPERM}; break;
    case Call::wait_epoll: errors = {EINTR, EINVAL}; break;
  }
  for (const int error : errors) faults.push_back({.error = error});
  return faults;
}

/// Two clients send to an echo server and end; then the server stops. On one loop, over Unix sockets, whose every effect
/// is there when a call returns, so that a clock that jumps never jumps too early.
class Scenario {
 public:
  static constexpr std::size_t clients = 2;

  /// One side's stream as the program sees it.
  struct Side {
    std::unique_ptr<Stream> stream;
    std::string received;
    std::string sent;
    std::vector<int> told;
    int closed = 0;
    std::error_code error;
  };

  explicit Scenario(Duration limit = 20s) : time_limit(limit) {}

  void play() {
    if (loop == nullptr) {
      auto made = EventLoop::create();
      if (!made) return;
      loop = *std::move(made);
    }
    auto listening = Server::listen(*loop, {.address = "unix:@weir-torture-" + std::to_string(::getpid()),
                                            .stream = {.time_limits = {.write = 5s, .idle = time_limit}}});
    if (listening) {
      server = *std::move(listening);
      server->on_stream([this](Stream& stream) {
        ++server_streams;
        stream.on_data([](Stream& s) { s.write(s.input().take_all()); });
        stream.on_closed([this](Stream&, std::error_code error) {
          ++server_closed;
          if (error) ++server_failed;
        });
      });
    }
    for (std::size_t i = 0; i < clients; ++i) open(sides[i], i);
    run([&] { return all_closed(); });
    is_over = all_closed();
    if (server == nullptr) return;
    server->stop(time_limit, [this] { has_stopped = true; });
    run([&] { return has_stopped; });
  }

  void open(Side& side, std::size_t number) {
    auto made =
        Stream::connect(*loop, "unix:@weir-torture-" + std::to_string(::getpid()),
                        {.connect = {}, .stream = StreamOptions{.time_limits = {.write = 5s, .idle = time_limit}}});
    ASSERT_TRUE(made);
    side.stream = *std::move(made);
    side.stream->on_data([&side](Stream& s) { side.received += text_of(s.input().take_all()); });
    side.stream->on_closed([&side](Stream&, std::error_code error) {
      ++side.closed;
      side.error = error;
    });
    const std::string all = pattern(number == 0 ? 100 : 300000, number * 1000);
    for (std::size_t at = 0; at < all.size(); at += 100000) {
      Buffer buffer;
      buffer.append(all.substr(at, 50000));
      buffer.append(std::string_view(all).substr(std::min(at + 50000, all.size()), 50000));
      const std::size_t size = buffer.size();
      if (side.stream->write(std::move(buffer)) == Accepted::refused) break;
      side.sent += all.substr(at, size);
      side.stream->when_sent([&side, at](std::error_code) { side.told.push_back(static_cast<int>(at)); });
    }
    side.stream->finish_writing();
  }

  template <class Condition>
  void run(Condition condition) {
    for (; turns < 5000 && !condition(); ++turns) {
      const Result<RunEnd> end = loop->run_once();
      if (!end && ++failed_waits > 3) return;
      if (end && *end == RunEnd::empty) return;
    }
  }

  bool all_closed() const {
    for (const Side& side : sides) {
      if (side.closed == 0) return false;
    }
    return true;
  }

  bool has_open_streams() const {
    for (const Side& side : sides) {
      if (side.stream != nullptr && side.stream->is_open()) return true;
    }
    return false;
  }

  /// What must hold whatever happened.
  void check() const {
    for (const Side& side : sides) {
      EXPECT_LE(side.closed, 1);
      EXPECT_EQ(side.received == side.sent.substr(0, side.received.size()), true) << "not a prefix";
      EXPECT_TRUE(std::is_sorted(side.told.begin(), side.told.end()));
      if (side.closed == 1) {
        EXPECT_EQ(side.told.size(), (side.sent.size() + 99999) / 100000) << "each is told once";
      }
      // A Unix socket knows no reset: where the server's stream failed, the client sees an end.
      if (side.closed == 1 && !side.error && server_failed == 0) {
        EXPECT_EQ(side.received.size(), side.sent.size()) << "an orderly end promises all";
      }
    }
    EXPECT_LE(server_closed, server_streams);
    if (has_stopped) {
      EXPECT_EQ(server->stream_count(), 0U);
    }
  }

  Duration time_limit;
  std::unique_ptr<EventLoop> loop;
  std::unique_ptr<Server> server;
  std::array<Side, clients> sides;
  int server_streams = 0;
  int server_closed = 0;
  int server_failed = 0;
  int turns = 0;
  int failed_waits = 0;
  bool is_over = false;
  bool has_stopped = false;
};

TEST(Torture, the_echo_itself_is_whole) {
  ClockKernel clock;
  sys::FaultKernel kernel({}, &clock);
  const sys::ScopedKernel installed(kernel);
  Scenario scenario;

  scenario.play();

  scenario.check();
  EXPECT_TRUE(scenario.is_over);
  EXPECT_TRUE(scenario.has_stopped);
  EXPECT_EQ(scenario.server_closed, 2);
  for (const Scenario::Side& side : scenario.sides) {
    EXPECT_FALSE(side.error);
    EXPECT_EQ(side.received.size(), side.sent.size());
  }
}

// hazard: RE16
TEST(Torture, every_system_call_that_fails_once_or_from_then_on_harms_nothing_else) {
  std::array<std::uint64_t, sys::call_count> calls{};
  {
    ClockKernel clock;
    sys::FaultKernel kernel({}, &clock);
    const sys::ScopedKernel installed(kernel);
    Scenario().play();
    for (std::size_t i = 0; i < calls.size(); ++i) calls[i] = kernel.calls(static_cast<Call>(i));
  }
  const std::set<int> descriptors = open_descriptors();
  int runs = 0;
  for (std::size_t c = 0; c < calls.size(); ++c) {
    const auto call = static_cast<Call>(c);
    for (Fault fault : faults_of(call)) {
      for (const bool from_then_on : {false, true}) {
        if (from_then_on && fault.at_most != unlimited) fault.at_most = 997;  // else it takes too long
        // Interrupted for ever, or always told to wait: no system does that, and nothing could be done about it.
        const bool is_endless = from_then_on && (fault.error == EINTR || fault.error == EAGAIN);
        if (is_endless) continue;
        for (std::uint64_t k = 1; k <= calls[c]; ++k) {
          SCOPED_TRACE("call " + std::to_string(k) + (from_then_on ? " and later of " : " of ") +
                       std::string(sys::name_of(call)) + " gives " + std::to_string(fault.error));
          {
            ClockKernel clock;
            sys::FaultKernel kernel(
                from_then_on ? FaultPlan::from_nth(k, fault, {call}) : FaultPlan::nth(k, fault, {call}), &clock);
            const sys::ScopedKernel installed(kernel);
            Scenario scenario;
            const TimePoint start = clock.now();
            scenario.play();
            scenario.check();
            EXPECT_LT(scenario.turns, 5000) << "it spins or hangs";
            EXPECT_LE(clock.now() - start, 120s);
            if (scenario.loop != nullptr && scenario.failed_waits == 0) {
              EXPECT_TRUE(scenario.is_over) << "a stream was never told of its end";
              EXPECT_TRUE(scenario.has_stopped || scenario.server == nullptr);
            }
            if (testing::Test::HasFailure()) {
              ADD_FAILURE() << kernel.trace();
              return;
            }
          }
          ASSERT_EQ(open_descriptors(), descriptors);
          ASSERT_EQ(Pool::default_pool().stats().blocks, 0U);
          ++runs;
        }
      }
    }
  }
  std::printf("torture: %d failing calls\n", runs);
  EXPECT_GE(runs, 300);
}

TEST(Torture, every_allocation_that_fails_harms_nothing_else) {
  const std::set<int> descriptors = open_descriptors();
  const auto play = [](Scenario& scenario) {
    // What throws leaves the function of ours or `run`; the program goes on with what it has.
    for (int attempt = 0; attempt < 100; ++attempt) {
      try {
        if (attempt == 0) {
          scenario.play();
        } else if (scenario.loop != nullptr) {
          for (Scenario::Side& side : scenario.sides) {
            if (side.stream != nullptr) side.stream->finish();
          }
          scenario.run([&] { return !scenario.has_open_streams(); });
        }
        return;
      } catch (const std::bad_alloc&) {}
    }
  };
  std::size_t total = 0;
  {
    ClockKernel clock;
    const sys::ScopedKernel installed(clock);
    Scenario scenario;
    scenario.loop = *EventLoop::create();
    const AllocationPlan counting(unlimited);
    scenario.play();
    total = counting.count();
  }
  ASSERT_GT(total, 10U);
  for (std::size_t k = 1; k <= total; ++k) {
    SCOPED_TRACE("allocation " + std::to_string(k) + " of " + std::to_string(total));
    {
      ClockKernel clock;
      const sys::ScopedKernel installed(clock);
      Scenario scenario;
      scenario.loop = *EventLoop::create();
      {
        const AllocationPlan failing(k);
        play(scenario);
      }
      EXPECT_FALSE(scenario.has_open_streams());
      for (const Scenario::Side& side : scenario.sides) EXPECT_LE(side.closed, 1);
    }
    ASSERT_EQ(open_descriptors(), descriptors);
    ASSERT_EQ(Pool::default_pool().stats().blocks, 0U);
    if (testing::Test::HasFailure()) return;
  }
}

TEST(Torture, closing_cancelling_and_destroying_allocate_nothing) {
  EventLoop loop;
  std::vector<Connection> connections;
  for (int i = 0; i < 5; ++i) {
    connections.push_back(connect(loop, {}, Transport::unix_pair, {.send = 4096}));
    connections.back()->write(pattern(100000));
    connections.back()->when_sent([](std::error_code) {});
    connections.back()->on_closed([](Stream&, std::error_code) {});
  }
  settle(loop);
  const std::size_t before = allocations_so_far();

  connections[0]->abort();
  connections[1].stream.reset();
  connections[2]->finish();
  connections[3]->finish_writing();
  connections[4]->pause();
  connections[4]->resume();
  connections[0].stream.reset();
  (void)loop.poll();
  (void)loop.poll();

  EXPECT_EQ(allocations_so_far() - before, 0U);
}

}  // namespace
}  // namespace weir
