// weir: tests of servers on loops with threads of their own; they also run under ThreadSanitizer.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/support/server_support.h"
#include "weir/loop/loop_threads.h"
#include "weir/loop/timer.h"
#include "weir/server/server_group.h"
#include "weir/sys/calls.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;
using Spread = ServerGroup::Spread;

/// Connects, has some bytes echoed, and closes, again and again. How many echoes came back.
std::size_t exchange(const Address& server, std::size_t connections, unsigned seed) {
  std::mt19937 random(seed);
  std::size_t echoed = 0;
  for (std::size_t i = 0; i < connections; ++i) {
    Peer peer = dial(server);
    const std::string text = pattern(1 + random() % 5000);
    std::size_t sent = 0;
    for (const TimePoint limit = sys::monotonic_now() + 20s;
         peer.received.size() < text.size() && !peer.has_ended && sys::monotonic_now() < limit;) {
      sent += peer.send(std::string_view(text).substr(sent));
      peer.receive();
      std::this_thread::yield();
    }
    if (peer.received == text) ++echoed;
  }
  return echoed;
}

TEST(ServerThreads, echo_on_four_loops_to_clients_on_two_threads_and_stop_in_order) {
  for (const Spread spread : {Spread::by_system, Spread::by_load}) {
    auto threads = *LoopThreads::create({.count = 4});
    std::atomic<std::size_t> streams = 0;
    auto group = ServerGroup::listen(threads->loops(),
                                     {.server = {.address = "127.0.0.1:0", .connection_limit = 3}, .spread = spread},
                                     [&streams](Stream& stream) {
                                       ++streams;
                                       echo(stream);
                                     });
    ASSERT_TRUE(group);
    const Address address = (*group)->address();
    std::atomic<std::size_t> echoed = 0;
    std::atomic<int> clients = 2;
    std::vector<std::thread> running;
    for (unsigned seed = 0; seed < 2; ++seed) {
      running.emplace_back([&, seed] {
        echoed += exchange(address, 200, seed);
        if (--clients == 0) (*group)->stop(5s, [&] { threads->stop(); });
      });
    }

    ASSERT_TRUE(threads->run());
    for (std::thread& thread : running) thread.join();

    EXPECT_EQ(echoed, 400U);
    EXPECT_EQ(streams, 400U);
    EXPECT_EQ((*group)->stream_count(), 0U);
  }
}

TEST(ServerThreads, stops_from_several_threads_at_once_tell_once) {
  for (int round = 0; round < 20; ++round) {
    auto threads = *LoopThreads::create({.count = 3});
    auto group = ServerGroup::listen(threads->loops(), {.address = "127.0.0.1:0"}, [](Stream&) {});
    ASSERT_TRUE(group);
    std::vector<std::thread> running;
    std::atomic<int> told = 0;
    for (int i = 0; i < 3; ++i) {
      running.emplace_back([&] {
        (*group)->stop(1s, [&] {
          ++told;
          threads->stop();
        });
      });
    }

    ASSERT_TRUE(threads->run());
    for (std::thread& thread : running) thread.join();

    EXPECT_GE(told, 1);
  }
}

}  // namespace
}  // namespace weir
