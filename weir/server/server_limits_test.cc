// weir: tests of how many connections a server may have.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/loop_fixture.h"
#include "tests/support/server_support.h"
#include "weir/loop/event_loop.h"
#include "weir/server/server.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;

class ServerLimits : public testing::Test {
 protected:
  void listen(std::size_t limit, std::size_t limit_per_host = unlimited, const std::string& address = "127.0.0.1:0") {
    auto listening = Server::listen(
        loop, {.address = address, .connection_limit = limit, .connection_limit_per_host = limit_per_host});
    ASSERT_TRUE(listening);
    server = *std::move(listening);
    server->on_stream([this](Stream& stream) {
      ++served;
      most = std::max(most, server->stream_count());
      stream.write("hello");
      echo(stream);
    });
    loop.on_diagnostic([this](const Diagnostic& told) { remarks.push_back(told.error); });
  }

  void dial(std::size_t count) {
    for (; count > 0; --count) peers.push_back(testing_support::dial(server->address()));
  }

  bool is_served(Peer& peer) {
    peer.receive();
    return !peer.received.empty();
  }

  EventLoop loop;
  std::unique_ptr<Server> server;
  std::vector<Peer> peers;
  std::size_t served = 0;
  std::size_t most = 0;
  std::vector<std::error_code> remarks;
};

TEST_F(ServerLimits, who_comes_when_it_is_full_waits_and_is_served_in_order) {
  listen(2);
  dial(5);
  settle(loop, 30);
  EXPECT_EQ(served, 2U);
  EXPECT_FALSE(is_served(peers[2]));
  EXPECT_FALSE(peers[2].has_ended) << "it waits";

  for (std::size_t i = 0; i < 3; ++i) {
    peers[i].close();
    ASSERT_TRUE(spin_until(loop, [&] { return is_served(peers[i + 2]); }));
    EXPECT_EQ(served, i + 3);
  }

  EXPECT_EQ(most, 2U);
  EXPECT_TRUE(remarks.empty());
}

TEST_F(ServerLimits, a_full_server_does_not_spin) {
  listen(1);
  dial(3);
  settle(loop, 30);
  const std::uint64_t before = loop.counters().turns;

  run_for(loop, 1s);

  EXPECT_LE(loop.counters().turns - before, 5U);
}

TEST_F(ServerLimits, a_full_server_is_not_woken_by_what_others_close) {
  listen(1);
  dial(2);
  settle(loop, 30);
  const auto other = testing_support::listen(loop);
  std::vector<Peer> clients;
  for (int i = 0; i < 50; ++i) clients.push_back(testing_support::dial(other->address()));
  ASSERT_TRUE(spin_until(loop, [&] {
    for (Peer& client : clients) client.receive();
    return std::all_of(clients.begin(), clients.end(), [](const Peer& client) { return client.has_ended; });
  }));
  clients.clear();
  ASSERT_TRUE(spin_until(loop, [&] { return other->stream_count() == 0; }));
  EXPECT_EQ(served, 1U);

  peers[0].close();
  EXPECT_TRUE(spin_until(loop, [&] { return is_served(peers[1]); }));
}

TEST_F(ServerLimits, many_connections_over_a_small_server_all_get_through) {
  listen(3);
  for (int round = 0; round < 20; ++round) {
    dial(7);
    ASSERT_TRUE(spin_until(loop, [&] {
      for (Peer& peer : peers) {
        if (is_served(peer)) peer.close();
      }
      std::erase_if(peers, [](const Peer& peer) { return !peer.received.empty(); });
      return peers.empty();
    }));
  }

  EXPECT_EQ(served, 140U);
  EXPECT_LE(most, 3U);
}

TEST_F(ServerLimits, one_address_gets_no_more_than_its_share) {
  listen(unlimited, 2);
  dial(4);
  ASSERT_TRUE(spin_until(loop, [&] {
    for (Peer& peer : peers) peer.receive();
    return peers[2].has_ended && peers[3].has_ended && is_served(peers[1]);
  }));
  EXPECT_EQ(served, 2U);
  ASSERT_EQ(remarks.size(), 1U) << "at most one a second";
  EXPECT_EQ(remarks[0], errc::limit);

  peers[0].close();
  ASSERT_TRUE(spin_until(loop, [&] { return server->stream_count() == 1; }));
  dial(1);
  EXPECT_TRUE(spin_until(loop, [&] { return is_served(peers[4]); }));
  EXPECT_EQ(server->stream_count(), 2U);
}

TEST_F(ServerLimits, of_none_for_an_address_lets_nobody_in) {
  listen(unlimited, 0);
  dial(1);

  EXPECT_TRUE(spin_until(loop, [&] { return peers[0].receive(), peers[0].has_ended; }));
  EXPECT_EQ(served, 0U);
}

TEST_F(ServerLimits, unix_peers_have_no_address_that_counts) {
  listen(unlimited, 1, "unix:@weir-server-limits-" + std::to_string(::getpid()));
  dial(3);

  EXPECT_TRUE(spin_until(loop, [&] { return is_served(peers[0]) && is_served(peers[1]) && is_served(peers[2]); }));
}

TEST_F(ServerLimits, a_stream_that_is_taken_from_the_server_counts_no_more) {
  listen(1);
  std::unique_ptr<Stream> taken;
  server->on_stream([&](Stream& stream) {
    ++served;
    if (taken == nullptr) taken = server->take(stream);
  });
  dial(2);

  EXPECT_TRUE(spin_until(loop, [&] { return served == 2; }));
  EXPECT_EQ(server->stream_count(), 1U);
}

TEST_F(ServerLimits, stopping_closes_the_connection_that_waits) {
  listen(1);
  dial(2);
  settle(loop, 30);
  bool is_stopped = false;

  server->stop(1s, [&] { is_stopped = true; });
  ASSERT_TRUE(spin_until(loop, [&] { return peers[1].receive(), peers[1].has_ended || peers[1].error != 0; }));
  peers[0].close();
  ASSERT_TRUE(spin_until(loop, [&] { return is_stopped; }));

  EXPECT_EQ(served, 1U);
}

TEST_F(ServerLimits, a_server_may_go_while_a_connection_waits_and_while_it_admits_one) {
  listen(1);
  dial(2);
  settle(loop, 30);
  server->on_stream([&](Stream&) {
    ++served;
    server.reset();
  });

  peers[0].close();
  ASSERT_TRUE(spin_until(loop, [&] { return server == nullptr; }));
  EXPECT_EQ(served, 2U);

  listen(1);
  dial(2);
  settle(loop, 30);
  server.reset();
  settle(loop);
  EXPECT_TRUE(loop.poll());
}

}  // namespace
}  // namespace weir
