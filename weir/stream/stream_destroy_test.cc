// weir: tests of streams that are aborted, or destroyed while they have something to send.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string>
#include <utility>

#include "tests/support/stream_support.h"
#include "tests/support/test_world.h"
#include "weir/loop/event_loop.h"
#include "weir/loop/timer.h"
#include "weir/stream/stream.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;

// --- abort ---

TEST(StreamEnd, abort_is_silent_and_resets_a_tcp_peer) {
  EventLoop loop;
  Connection connection = connect(loop, {}, Transport::tcp);
  Record record_;
  record(*connection, record_);
  connection->write("lost");
  bool was_told = false;
  connection->when_sent([&](std::error_code) { was_told = true; });

  connection->abort();
  EXPECT_FALSE(connection->is_open());
  EXPECT_EQ(connection->write("x"), Accepted::closed);
  settle(loop);

  connection.peer.receive();
  EXPECT_EQ(connection.peer.error, ECONNRESET);
  EXPECT_EQ(record_.order, "");
  EXPECT_FALSE(was_told);
}

TEST(StreamEnd, abort_inside_any_callback_is_the_last_of_them) {
  for (const char where : {'d', 'e', 's', 'r', 'c', 'f'}) {
    EventLoop loop;
    Connection connection =
        connect(loop, {.write_marks = {.low = 0, .high = 1}}, Transport::tcp, {.send = 4096}, {.receive = 4096});
    std::string order;
    const auto enter = [&](char letter) {
      order += letter;
      if (letter == where) connection->abort();
    };
    connection->on_data([&](Stream& s) {
      s.input().clear();
      enter('d');
    });
    connection->on_end([&](Stream&) { enter('e'); });
    connection->on_drained([&](Stream&) { enter('r'); });
    connection->on_closed([&](Stream&, std::error_code) { enter('c'); });
    connection->write("x");
    connection->when_sent([&](std::error_code) { enter('s'); });
    connection.peer.send("y");
    settle(loop);
    if (where == 'f' || where == 'c') {
      connection->write(pattern(500000));
      connection->when_sent([&](std::error_code error) { enter(error ? 'f' : 's'); });
      connection->when_sent([&](std::error_code error) { enter(error ? 'f' : 's'); });
      settle(loop);
      connection.peer.reset();
    } else {
      connection.peer.finish();
    }
    settle(loop, 30);

    ASSERT_FALSE(order.empty());
    EXPECT_EQ(order.back(), where) << order;
    EXPECT_EQ(std::count(order.begin(), order.end(), where), 1) << order;
  }
}

// --- destruction ---

TEST(StreamEnd, destroying_is_silent_and_what_was_accepted_is_still_flushed) {
  for (const Transport transport : transports) {
    EventLoop loop;
    Connection connection = connect(loop, {}, transport, {.send = 4096});
    Record record_;
    record(*connection, record_);
    const std::string ours = pattern(1_MiB);
    connection->write(ours);
    bool was_told = false;
    connection->when_sent([&](std::error_code) { was_told = true; });

    connection.stream.reset();
    ASSERT_TRUE(spin_until(loop, [&] { return connection.peer.receive(), connection.peer.has_ended; }));

    EXPECT_EQ(connection.peer.received, ours);
    EXPECT_EQ(connection.peer.error, 0);
    EXPECT_EQ(record_.order, "");
    EXPECT_FALSE(was_told);
    connection.peer.close();
    const Result<RunEnd> end = loop.run();  // nothing is left
    ASSERT_TRUE(end);
    EXPECT_EQ(*end, RunEnd::empty);
  }
}

TEST(StreamEnd, a_loop_with_a_lingering_stream_is_not_empty_and_ends_with_it) {
  EventLoop loop;
  Connection connection = connect(loop, {}, Transport::unix_pair, {.send = 4096});
  const std::string ours = pattern(100000);
  connection->write(ours);
  connection.stream.reset();
  Timer reader(loop, [&](Timer& timer) {
    connection.peer.receive();
    if (connection.peer.has_ended) return connection.peer.close();
    timer.start(1ms);
  });
  reader.start(0ms);

  const Result<RunEnd> end = loop.run();

  ASSERT_TRUE(end);
  EXPECT_EQ(*end, RunEnd::empty);
  EXPECT_EQ(connection.peer.received, ours);
}

TEST(StreamEnd, the_loops_destructor_ends_what_still_lingers) {
  Peer peer;
  {
    EventLoop loop;
    Connection connection = connect(loop, {}, Transport::tcp, {.send = 4096}, {.receive = 4096});
    connection->write(pattern(1_MiB));
    connection.stream.reset();
    settle(loop);
    peer = std::move(connection.peer);
  }

  peer.receive();

  EXPECT_EQ(peer.error, ECONNRESET);
}

TEST(StreamEnd, lingering_ends_with_its_time_and_a_cut_off_stream_does_not_look_whole) {
  if (!is_simulated()) GTEST_SKIP() << "needs virtual time";
  EventLoop loop;
  Connection connection = connect(loop, {.linger = 2s}, Transport::tcp, {.send = 4096}, {.receive = 4096});
  connection->write(pattern(1_MiB));
  const TimePoint start = world().now();
  connection.stream.reset();

  const Result<RunEnd> end = loop.run();  // the peer never reads

  ASSERT_TRUE(end);
  EXPECT_EQ(*end, RunEnd::empty);
  EXPECT_GE(world().now() - start, 2s);
  EXPECT_LE(world().now() - start, 2s + 2ms);
  connection.peer.receive();
  EXPECT_EQ(connection.peer.error, ECONNRESET);
  EXPECT_EQ(connection.peer.received, pattern(1_MiB).substr(0, connection.peer.received.size()));
}

TEST(StreamEnd, a_destroyed_stream_throws_away_what_the_peer_sends_and_does_not_reset_it) {
  EventLoop loop;
  Connection connection = connect(loop, {}, Transport::tcp, {.receive = 1 << 20});
  connection->write("the answer");
  connection.peer.send(pattern(100000));  // unread at the time of destruction
  connection.stream.reset();

  ASSERT_TRUE(spin_until(loop, [&] { return connection.peer.receive(), connection.peer.has_ended; }));

  EXPECT_EQ(connection.peer.received, "the answer");
  EXPECT_EQ(connection.peer.error, 0);
}

// hazard: E10
TEST(StreamEnd, a_callback_of_its_own_flush_may_abort_and_destroy_the_stream) {
  for (const bool drains : {false, true}) {
    EventLoop loop;
    Connection connection = connect(loop, {.write_marks = {.low = 1, .high = 2}});
    Connection other = connect(loop);
    int told = 0;
    const auto end = [&] {
      ++told;
      connection->abort();
      connection.stream.reset();
    };
    connection->write("flushed at once");
    if (drains) connection->on_drained([end](Stream&) { end(); });
    if (!drains) connection->when_sent([end](std::error_code) { end(); });
    other->on_data([&](Stream& s) {
      s.input().clear();
      connection->flush_now();  // nothing but this call keeps the stream
    });
    other.peer.send("x");

    ASSERT_TRUE(spin_until(loop, [&] { return told == 1; }));

    EXPECT_EQ(connection.stream, nullptr);
  }
}

}  // namespace
}  // namespace weir
