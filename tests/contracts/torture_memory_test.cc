// weir: an echo in which every allocation fails once.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/careful_machine.h"
#include "tests/support/stream_support.h"
#include "weir/buffer/allocation_plan.h"
#include "weir/buffer/pool.h"
#include "weir/loop/event_loop.h"
#include "weir/server/server.h"
#include "weir/stream/stream.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;

/// Two clients send to an echo server and end; then the server stops. On one loop, over Unix sockets.
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
    auto listening = Server::listen(
        *loop, {.address = "unix:@torture", .stream = {.time_limits = {.write = 5s, .idle = time_limit}}});
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
        Stream::connect(*loop, "unix:@torture",
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

TEST(TortureMemory, every_allocation_that_fails_harms_nothing_else) {
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
    Machine machine;
    Scenario scenario;
    scenario.loop = *EventLoop::create();
    const AllocationPlan counting(unlimited);
    scenario.play();
    total = counting.count();
    EXPECT_TRUE(scenario.is_over);
    EXPECT_TRUE(scenario.has_stopped);
    for (const Scenario::Side& side : scenario.sides) EXPECT_EQ(side.received, side.sent);
  }
  ASSERT_GT(total, 10U);
  for (std::size_t k = 1; k <= total; ++k) {
    SCOPED_TRACE("allocation " + std::to_string(k) + " of " + std::to_string(total));
    Machine machine;
    {
      Scenario scenario;
      scenario.loop = *EventLoop::create();
      {
        const AllocationPlan failing(k);
        play(scenario);
      }
      EXPECT_FALSE(scenario.has_open_streams());
      for (const Scenario::Side& side : scenario.sides) {
        EXPECT_LE(side.closed, 1);
        EXPECT_EQ(side.received, side.sent.substr(0, side.received.size())) << "not a prefix";
        EXPECT_TRUE(std::is_sorted(side.told.begin(), side.told.end()));
      }
    }
    ASSERT_EQ(machine.world.local().open_descriptors(), 0U) << machine.world.trace();
    ASSERT_EQ(Pool::default_pool().stats().blocks, 0U);
    if (testing::Test::HasFailure()) return;
  }
}

TEST(TortureMemory, closing_cancelling_and_destroying_allocate_nothing) {
  Machine machine;
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
