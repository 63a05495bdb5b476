// weir: tests of servers that stop.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <cerrno>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/server_support.h"
#include "tests/support/test_world.h"
#include "weir/loop/event_loop.h"
#include "weir/loop/timer.h"
#include "weir/server/server.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;

TEST(Server, stop_without_streams_tells_once_and_never_inside) {
  EventLoop loop;
  const auto server = listen(loop);
  int stopped = 0;

  server->stop(1s, [&] { ++stopped; });
  EXPECT_EQ(stopped, 0);
  const Result<RunEnd> end = loop.run();

  ASSERT_TRUE(end);
  EXPECT_EQ(*end, RunEnd::empty) << "the deadline does not hold the loop";
  EXPECT_EQ(stopped, 1);
  server->stop(1s);
  settle(loop);
  EXPECT_EQ(stopped, 1);
}

TEST(Server, stop_listens_no_more_at_once) {
  EventLoop loop;
  const auto server = listen(loop);
  const Address address = server->address();

  server->stop(1s);

  int error = 0;
  (void)dial(address, &error);
  EXPECT_EQ(error, ECONNREFUSED);
  settle(loop);
}

// hazard: S13
TEST(Server, stop_under_load_loses_no_byte_that_was_answered) {
  constexpr std::size_t clients = 100;
  EventLoop loop;
  const auto server = listen(loop);
  std::vector<std::string> written(clients);
  server->on_stream([&](Stream& stream) {
    stream.on_data([&](Stream& s) {
      // Every client sends its number first; what is written for it is remembered.
      auto& client = s.attached<std::size_t>();
      if (client == unlimited) {
        client = static_cast<unsigned char>(s.input().front()[0]);
        s.input().drop(1);
      }
      const std::string text = text_of(s.input());
      if (s.write(s.input().take_all()) == Accepted::closed) return;
      written[client] += text;
    });
    stream.attach<std::size_t>(unlimited);
  });
  std::vector<Peer> peers;
  const std::string all = pattern(400000);
  std::vector<std::size_t> offered(clients, 0);
  for (std::size_t i = 0; i < clients; ++i) {
    peers.push_back(dial(server->address()));
    const char number = static_cast<char>(i);
    ASSERT_EQ(peers[i].send(std::string_view(&number, 1)), 1U);
  }
  int stopped = 0;
  int turn = 0;

  ASSERT_TRUE(spin_until(loop, [&] {
    for (std::size_t i = 0; i < clients; ++i) {
      if (!peers[i].has_ended) offered[i] += peers[i].send(std::string_view(all).substr(offered[i], 20000));
      if (i % 2 == 0 || turn % 5 == 0) peers[i].receive();
      if (peers[i].has_ended) peers[i].finish();
    }
    if (++turn == 8) server->stop(15s, [&] { ++stopped; });
    return stopped == 1;
  }));
  for (Peer& peer : peers) peer.receive();

  EXPECT_EQ(server->stream_count(), 0U);
  for (std::size_t i = 0; i < clients; ++i) {
    EXPECT_TRUE(peers[i].has_ended);
    EXPECT_EQ(peers[i].error, 0);
    EXPECT_EQ(peers[i].received == written[i], true)
        << i << ": " << peers[i].received.size() << " of " << written[i].size();
    EXPECT_EQ(peers[i].received == all.substr(0, peers[i].received.size()), true);
  }
}

// hazard: S13
TEST(Server, what_is_still_open_at_the_deadline_is_aborted) {
  if (!is_simulated()) GTEST_SKIP() << "needs virtual time";
  EventLoop loop;
  const auto server = listen(loop);
  server->on_stream([](Stream& stream) {
    stream.write(pattern(4'000'000));
    stream.on_closed([](Stream&, std::error_code) { ADD_FAILURE() << "an abort is silent"; });
  });
  std::vector<Peer> peers;
  for (int i = 0; i < 5; ++i) peers.push_back(dial(server->address()));
  settle(loop, 3);
  const TimePoint start = world().now();
  int stopped = 0;

  server->stop(5s, [&] { ++stopped; });
  ASSERT_TRUE(loop.run_until([&] { return stopped == 1; }));

  EXPECT_GE(world().now() - start, 5s);
  EXPECT_LE(world().now() - start, 5s + 2ms);
  EXPECT_EQ(server->stream_count(), 0U);
  for (Peer& peer : peers) {
    peer.receive();
    EXPECT_EQ(peer.error, ECONNRESET);
  }
}

// hazard: S13
TEST(Server, a_second_stop_only_shortens) {
  if (!is_simulated()) GTEST_SKIP() << "needs virtual time";
  EventLoop loop;
  const auto server = listen(loop);
  server->on_stream([](Stream&) {});
  Peer peer = dial(server->address());
  ASSERT_TRUE(spin_until(loop, [&] { return server->stream_count() == 1; }));
  const TimePoint start = world().now();
  int stopped = 0;

  server->stop(5s, [&] { ++stopped; });
  server->stop(100s);
  Timer impatient(loop, [&](Timer&) { server->stop(1s); });
  impatient.start(2s);
  ASSERT_TRUE(loop.run_until([&] { return stopped == 1; }));

  EXPECT_GE(world().now() - start, 3s);
  EXPECT_LE(world().now() - start, 3s + 2ms);
  EXPECT_EQ(stopped, 1);
}

TEST(Server, a_stop_of_no_time_aborts_in_the_next_turn_and_not_inside) {
  EventLoop loop;
  const auto server = listen(loop);
  server->on_stream([](Stream&) {});
  Peer peer = dial(server->address());
  ASSERT_TRUE(spin_until(loop, [&] { return server->stream_count() == 1; }));
  bool has_stopped = false;

  server->stop(-1s, [&] { has_stopped = true; });
  EXPECT_EQ(server->stream_count(), 1U);

  EXPECT_TRUE(spin_until(loop, [&] { return has_stopped; }));
}

TEST(Server, stop_inside_on_stream_finishes_that_stream_too) {
  EventLoop loop;
  const auto server = listen(loop);
  int stopped = 0;
  server->on_stream([&](Stream& stream) {
    stream.write("the last one");
    server->stop(10s, [&] { ++stopped; });
  });
  Peer peer = dial(server->address());

  ASSERT_TRUE(spin_until(loop, [&] {
    peer.receive();
    if (peer.has_ended) peer.finish();
    return stopped == 1;
  }));

  EXPECT_EQ(peer.received, "the last one");
}

TEST(Server, on_stopped_may_destroy_the_server) {
  EventLoop loop;
  auto server = listen(loop);
  server->stop(1s, [&] { server.reset(); });

  ASSERT_TRUE(loop.run());

  EXPECT_EQ(server, nullptr);
}

TEST(Server, a_server_that_is_destroyed_while_it_stops_tells_nothing_more) {
  EventLoop loop;
  auto server = listen(loop);
  int stopped = 0;
  server->on_stream([](Stream& s) { s.write("flushed"); });
  Peer peer = dial(server->address());
  ASSERT_TRUE(spin_until(loop, [&] { return server->stream_count() == 1; }));
  server->stop(1s, [&] { ++stopped; });

  server.reset();
  ASSERT_TRUE(spin_until(loop, [&] { return peer.receive(), peer.has_ended; }));
  settle(loop);

  EXPECT_EQ(peer.received, "flushed");
  EXPECT_EQ(stopped, 0);
}

TEST(Server, destroying_it_flushes_what_its_streams_accepted) {
  EventLoop loop;
  auto server = listen(loop);
  const std::string answer = pattern(3'000'000);
  bool has_written = false;
  server->on_stream([&](Stream& stream) {
    stream.write(answer);
    has_written = true;
  });
  Peer peer = dial(server->address());
  ASSERT_TRUE(spin_until(loop, [&] { return has_written; }));

  server.reset();
  ASSERT_TRUE(spin_until(loop, [&] { return peer.receive(), peer.has_ended; }));

  EXPECT_EQ(peer.received == answer, true);
  EXPECT_EQ(peer.error, 0);
}

// hazard: aborting runs release callbacks of foreign memory, and those may destroy other streams of the same server.
TEST_F(ServerStop, at_its_deadline_goes_on_when_aborting_one_stream_destroys_the_others) {
  const std::string more_than_the_kernel_takes(32_MiB, 'x');
  for (const bool takes_all : {false, true}) {
    SCOPED_TRACE(takes_all);
    std::vector<Stream*> streams;
    int released = 0;
    server->on_stream([&](Stream& stream) {
      streams.push_back(&stream);
      stream.write(Slice::foreign(as_bytes(more_than_the_kernel_takes), [&, is_first = streams.size() == 1] {
        ++released;
        if (!is_first) return;
        for (std::size_t i = 1; i < (takes_all ? streams.size() : 2); ++i) server->take(*streams[i])->abort();
      }));
    });
    dial(4);
    ASSERT_TRUE(spin_until(loop, [&] { return streams.size() == 4; }));
    bool is_stopped = false;

    server->stop(50ms, [&] { is_stopped = true; });
    ASSERT_TRUE(loop.run_until([&] { return is_stopped; }));

    EXPECT_EQ(server->stream_count(), 0U);
    EXPECT_EQ(released, 4);
    peers.clear();
    auto next = Server::listen(loop, {.address = "127.0.0.1:0", .stream = StreamOptions{.output_limit = unlimited}});
    ASSERT_TRUE(next);
    server = *std::move(next);
  }
}

TEST_F(ServerStop, at_its_deadline_passes_over_a_stream_that_was_aborted_in_the_same_turn) {
  if (!is_simulated()) GTEST_SKIP() << "needs virtual time";
  std::vector<Stream*> streams;
  server->on_stream([&](Stream& stream) { streams.push_back(&stream); });
  dial(3);
  ASSERT_TRUE(spin_until(loop, [&] { return streams.size() == 3; }));
  bool is_stopped = false;
  server->stop(50ms, [&] { is_stopped = true; });
  Timer timer(loop, [&](Timer&) { streams[0]->abort(); });
  timer.start(40ms);

  world().run_for(60ms);  // both fire in one turn, and the stream goes at its end
  settle(loop);

  EXPECT_TRUE(is_stopped);
  EXPECT_EQ(server->stream_count(), 0U);
}

}  // namespace
}  // namespace weir
