// weir: tests of servers that adopt streams, and of those that leave theirs to end by themselves.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/server_support.h"
#include "tests/support/test_world.h"
#include "weir/loop/event_loop.h"
#include "weir/loop/timer.h"
#include "weir/server/server_group.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;

/// A server on one loop, connections of its own, and one that was opened from here and that it adopts.
class ServerDrain : public testing::Test {
 protected:
  void serve(std::size_t count) {
    server->on_stream([](Stream& stream) { echo(stream); });
    for (; count > 0; --count) peers.push_back(dial(server->address()));
    ASSERT_TRUE(spin_until(loop, [&] { return server->stream_count() == peers.size(); }));
  }

  Peer adopt_one() {
    Stream::ConnectingOptions options;
    std::unique_ptr<Stream> stream = *Stream::connect(loop, elsewhere.address(), options);
    adopted = stream.get();
    server->adopt(std::move(stream));
    Peer peer;
    EXPECT_TRUE(spin_until(loop, [&] {
      if (peer.number() < 0) peer = elsewhere.accept();
      return adopted->is_connected() && peer.number() >= 0;
    }));
    return peer;
  }

  EventLoop loop;
  Acceptor elsewhere;
  std::unique_ptr<Server> server = listen(loop);
  std::vector<Peer> peers;
  Stream* adopted = nullptr;
  int stopped = 0;
};

TEST_F(ServerDrain, leaves_streams_to_their_peers_and_tells_when_the_last_is_gone) {
  serve(3);

  server->drain(1h, [&] { ++stopped; });
  settle(loop);
  EXPECT_EQ(server->stream_count(), 3U);
  for (Peer& peer : peers) peer.send("still here");
  ASSERT_TRUE(spin_until(loop, [&] {
    for (Peer& peer : peers) peer.receive();
    return peers[0].received == "still here" && peers[2].received == "still here";
  }));
  EXPECT_FALSE(peers[1].has_ended);
  EXPECT_EQ(stopped, 0);
  peers.clear();

  EXPECT_TRUE(spin_until(loop, [&] { return stopped == 1; }));
  EXPECT_EQ(server->stream_count(), 0U);
}

TEST_F(ServerDrain, listens_no_more) {
  const Address address = server->address();

  server->drain(1s);

  int error = 0;
  (void)dial(address, &error);
  EXPECT_EQ(error, ECONNREFUSED);
  settle(loop);
}

TEST_F(ServerDrain, without_streams_tells_at_once) {
  server->drain(1h, [&] { ++stopped; });
  EXPECT_EQ(stopped, 0);

  settle(loop);

  EXPECT_EQ(stopped, 1);
}

TEST_F(ServerDrain, what_is_still_open_at_the_deadline_is_aborted) {
  if (!is_simulated()) GTEST_SKIP() << "needs virtual time";
  serve(2);
  const TimePoint start = world().now();

  server->drain(5s, [&] { ++stopped; });
  ASSERT_TRUE(loop.run_until([&] { return stopped == 1; }));

  EXPECT_GE(world().now() - start, 5s);
  EXPECT_LE(world().now() - start, 5s + 2ms);
  for (Peer& peer : peers) {
    peer.receive();
    EXPECT_EQ(peer.error, ECONNRESET);
  }
}

TEST_F(ServerDrain, a_stop_after_it_finishes_the_streams) {
  serve(2);

  server->drain(1h, [&] { ADD_FAILURE() << "the second callback takes the place of the first"; });
  server->stop(1h, [&] { ++stopped; });

  EXPECT_TRUE(spin_until(loop, [&] {
    for (Peer& peer : peers) {
      peer.receive();
      if (peer.has_ended) peer.finish();
    }
    return stopped == 1;
  }));
}

TEST_F(ServerDrain, waits_for_adopted_streams_too) {
  Peer peer = adopt_one();
  EXPECT_EQ(server->stream_count(), 1U);
  EXPECT_NE(adopted->owner(), nullptr);

  server->drain(1h, [&] { ++stopped; });
  settle(loop);
  EXPECT_EQ(stopped, 0);
  peer.close();

  EXPECT_TRUE(spin_until(loop, [&] { return stopped == 1; }));
  EXPECT_EQ(server->stream_count(), 0U);
}

TEST_F(ServerDrain, a_stream_that_is_adopted_while_it_drains_is_left_alone_and_by_a_stop_finished) {
  serve(1);
  server->drain(1h, [&] { ++stopped; });
  Peer first = adopt_one();
  EXPECT_TRUE(adopted->is_writable());

  server->stop(1h);
  Peer second = adopt_one();

  EXPECT_FALSE(adopted->is_writable());
  ASSERT_TRUE(spin_until(loop, [&] { return first.receive(), second.receive(), first.has_ended && second.has_ended; }));
  EXPECT_EQ(stopped, 0);
  for (Peer* peer : {&first, &second, &peers[0]}) peer->close();
  EXPECT_TRUE(spin_until(loop, [&] { return stopped == 1; }));
}

TEST_F(ServerDrain, an_adopted_stream_is_destroyed_after_it_has_closed) {
  Peer peer = adopt_one();
  int closed = 0;
  adopted->on_closed([&](Stream& stream, std::error_code error) {
    EXPECT_EQ(server->stream_count(), 1U);
    EXPECT_EQ(&stream, adopted);
    EXPECT_EQ(error, std::errc::connection_reset);
    ++closed;
  });

  peer.reset();

  EXPECT_TRUE(spin_until(loop, [&] { return server->stream_count() == 0; }));
  EXPECT_EQ(closed, 1);
}

TEST_F(ServerDrain, a_stream_that_is_closed_already_when_it_is_adopted_goes_at_the_end_of_the_turn) {
  std::unique_ptr<Stream> stream = *Stream::connect(loop, elsewhere.address());
  stream->abort();

  server->adopt(std::move(stream));
  EXPECT_EQ(server->stream_count(), 1U);
  settle(loop);

  EXPECT_EQ(server->stream_count(), 0U);
}

TEST_F(ServerDrain, an_adopted_stream_may_be_taken_again_and_takes_no_connections_place) {
  auto limited = Server::listen(loop, {.address = "127.0.0.1:0", .connection_limit = 1});
  ASSERT_TRUE(limited);
  server = *std::move(limited);
  Peer peer = adopt_one();

  server->on_stream([](Stream& stream) { echo(stream); });
  peers.push_back(dial(server->address()));
  ASSERT_TRUE(spin_until(loop, [&] { return server->stream_count() == 2; })) << "there is a place for a connection";
  const std::unique_ptr<Stream> taken = server->take(*adopted);

  EXPECT_EQ(server->stream_count(), 1U);
  EXPECT_EQ(taken->owner(), nullptr);
}

TEST_F(ServerDrain, destroying_the_server_destroys_adopted_streams_too) {
  Peer peer = adopt_one();
  adopted->write("flushed");

  server.reset();

  ASSERT_TRUE(spin_until(loop, [&] { return peer.receive(), peer.has_ended; }));
  EXPECT_EQ(peer.received, "flushed");
}

TEST(GroupDrain, drains_every_loop_with_what_each_has_adopted) {
  std::array<EventLoop, 2> loops;
  const std::array<EventLoop*, 2> pointers{&loops[0], &loops[1]};
  const auto spin = [&](auto done) {
    return spin_until(loops[0], [&] {
      (void)loops[1].poll();
      return done();
    });
  };
  auto group = *ServerGroup::listen(pointers, {.address = "127.0.0.1:0"}, [](Stream& stream) { echo(stream); });
  Acceptor elsewhere;
  for (EventLoop& loop : loops) group->adopt(*Stream::connect(loop, elsewhere.address()));
  std::vector<Peer> peers;
  ASSERT_TRUE(spin([&] {
    if (Peer peer = elsewhere.accept(); peer.number() >= 0) peers.push_back(std::move(peer));
    return peers.size() == 2;
  }));
  EXPECT_EQ(group->stream_count(0), 1U);
  EXPECT_EQ(group->stream_count(1), 1U);
  int stopped = 0;

  group->drain(1h, [&] { ++stopped; });
  peers.pop_back();
  ASSERT_TRUE(spin([&] { return group->stream_count() == 1; }));
  peers[0].receive();
  EXPECT_FALSE(peers[0].has_ended);
  EXPECT_EQ(stopped, 0);
  peers.clear();

  EXPECT_TRUE(spin([&] { return stopped == 1; }));
  EXPECT_EQ(group->stream_count(), 0U);
}

}  // namespace
}  // namespace weir
