// weir: tests of simulated links: what they do to connections and datagrams.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/support/sim_support.h"

namespace weir::sim {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;

class LinkTest : public testing::Test {
 protected:
  void set_link(const Link& link) { world.set_link(client, server, link); }

  World world;
  Host& server = world.add_host("server");
  Host& client = world.add_host("client");
};

TEST_F(LinkTest, bandwidth_bounds_what_gets_through) {
  set_link({.latency = 1ms, .bytes_per_second = 1'000'000});
  const auto echo = start_echo(server);
  Client stream(client, server.address(7777), {.read_while_output_full = true});
  stream->write(std::string(2'000'000, 'x'));

  EXPECT_EQ(world.run_until([&] { return stream.received.size() == 2'000'000; }, 60s), Outcome::met);

  EXPECT_GT(world.elapsed(), 2s);
  EXPECT_LT(world.elapsed(), 2500ms);
}

TEST_F(LinkTest, jitter_loss_and_chunks_leave_the_bytes_of_a_connection_as_they_are) {
  set_link({.latency = 5ms, .jitter = 20ms, .chunk = 100, .has_random_chunks = true, .loss = 0.1});
  const auto echo = start_echo(server);
  Client stream(client, server.address(7777));
  std::string all;
  for (int i = 0; i < 5000; ++i) all += std::to_string(i * 7919);
  stream->write(all);

  EXPECT_EQ(world.run_until([&] { return stream.received.size() == all.size(); }, 1h), Outcome::met);

  EXPECT_EQ(stream.received, all);
  EXPECT_GT(world.elapsed(), 200ms) << "what is lost comes after it was repeated";
}

TEST_F(LinkTest, chunks_are_as_small_as_asked_for) {
  set_link({.latency = 1ms, .chunk = 10});
  const auto echo = start_echo(server);
  Client stream(client, server.address(7777));
  std::set<std::size_t> sizes;
  stream->on_data([&](Stream& s) {
    sizes.insert(s.input().size());
    stream.received.resize(stream.received.size() + s.input().size());
    s.input().clear();
  });
  stream->write(std::string(25, 'x'));
  (void)world.run_for(1s);

  EXPECT_EQ(stream.received.size(), 25U);
  EXPECT_LE(*sizes.rbegin(), 25U);
  EXPECT_NE(world.trace().find("10 bytes arrive"), std::string::npos);
}

TEST_F(LinkTest, a_direction_may_differ_from_the_other) {
  world.set_link_one_way(client, server, {.latency = 100ms});
  world.set_link_one_way(server, client, {.latency = 1ms});
  const auto echo = start_echo(server);
  Client stream(client, server.address(7777));
  stream->write("hello");

  (void)world.run_until([&] { return stream.received == "hello"; }, 10s);

  EXPECT_EQ(world.elapsed(), 202ms);
  EXPECT_EQ(world.link(client, server).latency, 100ms);
}

TEST_F(LinkTest, data_flows_again_at_the_first_repetition_after_a_partition) {
  const auto echo = start_echo(server);
  Client stream(client, server.address(7777));
  (void)world.run_for(1s);
  world.partition(client, server);
  stream->write("hello");
  (void)world.run_for(5s);
  EXPECT_EQ(stream.received, "");

  world.heal(client, server);

  EXPECT_EQ(world.run_until([&] { return stream.received == "hello"; }, 10s), Outcome::met);
  // Repetitions come after 0.2, 0.6, 1.4, 3.0 and 6.2 s.
  EXPECT_EQ(world.elapsed(), 1s + 6200ms + 2ms);
}

TEST_F(LinkTest, what_is_under_way_when_the_network_is_cut_is_lost_and_repeated) {
  set_link({.latency = 50ms});
  const auto echo = start_echo(server);
  Client stream(client, server.address(7777));
  (void)world.run_for(1s);
  stream->write("hello");
  (void)world.run_for(10ms);
  world.partition(client, server);
  (void)world.run_for(100ms);
  world.heal(client, server);

  EXPECT_EQ(world.run_until([&] { return stream.received == "hello"; }, 10s), Outcome::met);
  EXPECT_EQ(stream.received, "hello");
  EXPECT_NE(world.trace().find("5 bytes are lost"), std::string::npos);
}

TEST_F(LinkTest, a_connection_across_a_partition_is_given_up_in_the_end) {
  PlainSocket listening(server, SOCK_STREAM);
  ASSERT_TRUE(listening.bind(80));
  ASSERT_TRUE(sys::listen(listening.number(), 8));
  PlainSocket asking(client, SOCK_STREAM);
  PlainSocket impatient(client, SOCK_STREAM);
  impatient.set_option(IPPROTO_TCP, TCP_USER_TIMEOUT, 30'000);
  (void)asking.connect(server.address(80));
  (void)impatient.connect(server.address(80));
  (void)world.run_for(1s);
  world.partition(client, server);
  EXPECT_TRUE(asking.send("hello"));
  EXPECT_TRUE(impatient.send("hello"));

  (void)world.run_for(29s);
  EXPECT_EQ(impatient.take_error(), 0);
  (void)world.run_for(31s);
  EXPECT_EQ(impatient.take_error(), ETIMEDOUT);
  (void)world.run_for(13min);
  EXPECT_EQ(asking.take_error(), 0);
  (void)world.run_for(5min);
  EXPECT_EQ(asking.take_error(), ETIMEDOUT);
}

TEST_F(LinkTest, connecting_across_a_partition_times_out_after_two_minutes) {
  world.partition(client, server);
  PlainSocket asking(client, SOCK_STREAM);
  (void)asking.connect(server.address(80));

  (void)world.run_for(126s);
  EXPECT_EQ(asking.take_error(), 0);
  (void)world.run_for(2s);
  EXPECT_EQ(asking.take_error(), ETIMEDOUT);
}

TEST_F(LinkTest, nobody_answers_at_an_address_that_no_host_has) {
  PlainSocket asking(client, SOCK_STREAM);
  EXPECT_EQ(asking.connect(*Address::parse("10.0.0.99:80")).error_number(), EINPROGRESS);
  (void)world.run_for(4s);
  EXPECT_EQ(asking.take_error(), EHOSTUNREACH);
  PlainSocket outside(client, SOCK_STREAM);
  EXPECT_EQ(outside.connect(*Address::parse("192.0.2.1:80")).error_number(), ENETUNREACH);
}

TEST_F(LinkTest, a_reset_on_the_way_reaches_both_ends) {
  const auto echo = start_echo(server);
  Client stream(client, server.address(7777));
  (void)world.run_for(1s);
  EXPECT_EQ(echo->stream_count(), 1U);

  world.reset_connections(client, server);
  (void)world.run_for(1s);

  EXPECT_EQ(stream.end, std::errc::connection_reset);
  EXPECT_EQ(echo->stream_count(), 0U);
}

// hazard: S12
TEST_F(LinkTest, keep_alive_notices_a_peer_that_is_gone_and_one_that_has_forgotten) {
  PlainSocket listening(server, SOCK_STREAM);
  ASSERT_TRUE(listening.bind(80));
  ASSERT_TRUE(sys::listen(listening.number(), 8));
  PlainSocket one(client, SOCK_STREAM);
  PlainSocket other(client, SOCK_STREAM);
  PlainSocket without(client, SOCK_STREAM);
  for (PlainSocket* socket : {&one, &other, &without}) (void)socket->connect(server.address(80));
  for (PlainSocket* socket : {&one, &other}) {
    socket->set_option(SOL_SOCKET, SO_KEEPALIVE, 1);
    socket->set_option(IPPROTO_TCP, TCP_KEEPIDLE, 60);
    socket->set_option(IPPROTO_TCP, TCP_KEEPINTVL, 10);
    socket->set_option(IPPROTO_TCP, TCP_KEEPCNT, 3);
  }
  (void)world.run_for(24h + 10ms);
  EXPECT_EQ(one.take_error(), 0) << "a day of answered probes";

  world.partition(client, server);
  (void)world.run_for(59s);
  EXPECT_EQ(one.take_error(), 0);
  (void)world.run_for(35s);
  EXPECT_EQ(one.take_error(), ETIMEDOUT);
  EXPECT_EQ(without.take_error(), 0);

  other.close();
  PlainSocket late(client, SOCK_STREAM);
  world.heal(client, server);
  (void)late.connect(server.address(80));
  (void)world.run_for(1s);
  late.set_option(SOL_SOCKET, SO_KEEPALIVE, 1);
  late.set_option(IPPROTO_TCP, TCP_KEEPIDLE, 60);
  server.crash();
  server.restart();
  (void)world.run_for(61s);
  EXPECT_EQ(late.take_error(), ECONNRESET);
}

TEST_F(LinkTest, a_full_backlog_puts_connecting_off) {
  PlainSocket listening(server, SOCK_STREAM);
  ASSERT_TRUE(listening.bind(80));
  ASSERT_TRUE(sys::listen(listening.number(), 1));
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 4; ++i) {
    clients.push_back(std::make_unique<Client>(client, server.address(80)));
    (void)world.run_for(10ms);
  }
  const auto connected = [&] {
    int count = 0;
    for (const auto& each : clients) count += each->is_connected ? 1 : 0;
    return count;
  };
  (void)world.run_for(500ms);
  EXPECT_EQ(connected(), 2);

  sys::SocketName peer;
  const PlainSocket first(sys::Descriptor(sys::accept(listening.number(), peer).number()));
  const PlainSocket second(sys::Descriptor(sys::accept(listening.number(), peer).number()));
  (void)world.run_for(4s);

  EXPECT_EQ(connected(), 4);
}

// --- datagrams ---

class DatagramTest : public LinkTest {
 protected:
  DatagramTest() {
    EXPECT_TRUE(receiver.bind(53));
    EXPECT_TRUE(sender.connect(server.address(53)));
  }

  /// Sends 1000 numbered datagrams, and gives those that arrive, in order.
  std::vector<int> arrived_of_a_thousand() {
    std::vector<int> arrived;
    for (int i = 0; i < 1000; ++i) {
      EXPECT_TRUE(sender.send(std::to_string(i)));
      (void)world.run_for(1ms);
      for (std::string text = receiver.receive(); !text.empty(); text = receiver.receive())
        arrived.push_back(std::stoi(text));
    }
    (void)world.run_for(1s);
    for (std::string text = receiver.receive(); !text.empty(); text = receiver.receive())
      arrived.push_back(std::stoi(text));
    return arrived;
  }

  PlainSocket receiver{server, SOCK_DGRAM};
  PlainSocket sender{client, SOCK_DGRAM};
};

TEST_F(DatagramTest, all_arrive_in_order_over_a_good_link) {
  const std::vector<int> arrived = arrived_of_a_thousand();

  EXPECT_EQ(arrived.size(), 1000U);
  EXPECT_TRUE(std::is_sorted(arrived.begin(), arrived.end()));
}

TEST_F(DatagramTest, some_are_lost) {
  set_link({.latency = 1ms, .loss = 0.1});

  const std::size_t count = arrived_of_a_thousand().size();

  EXPECT_GT(count, 850U);
  EXPECT_LT(count, 950U);
}

TEST_F(DatagramTest, some_come_twice) {
  set_link({.latency = 1ms, .duplication = 0.1});

  const std::size_t count = arrived_of_a_thousand().size();

  EXPECT_GT(count, 1050U);
  EXPECT_LT(count, 1150U);
}

TEST_F(DatagramTest, some_are_overtaken) {
  set_link({.latency = 5ms, .reordering = 0.1});

  const std::vector<int> arrived = arrived_of_a_thousand();

  EXPECT_EQ(arrived.size(), 1000U);
  EXPECT_FALSE(std::is_sorted(arrived.begin(), arrived.end()));
}

TEST_F(DatagramTest, those_that_find_no_room_are_lost) {
  receiver.set_option(SOL_SOCKET, SO_RCVBUF, 4096);
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(sender.send(std::string(1000, 'x')));
  (void)world.run_for(1s);

  int count = 0;
  while (!receiver.receive().empty()) ++count;

  EXPECT_GE(count, 3);
  EXPECT_LE(count, 8);
}

TEST_F(DatagramTest, a_refusal_comes_back_to_who_is_connected) {
  receiver.close();
  EXPECT_TRUE(sender.send("anybody?"));
  EXPECT_EQ(sender.take_error(), 0) << "it takes the way there and back";
  (void)world.run_for(2ms);
  EXPECT_EQ(sender.take_error(), ECONNREFUSED);

  world.partition(client, server);
  EXPECT_TRUE(sender.send("anybody?"));
  (void)world.run_for(1s);
  EXPECT_EQ(sender.take_error(), 0);
}

}  // namespace
}  // namespace weir::sim
