// weir: tests of how streams end in order: by their peer, and by finish.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>

#include "tests/support/stream_support.h"
#include "tests/support/test_world.h"
#include "weir/loop/event_loop.h"
#include "weir/stream/stream.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;

// --- the peer ends ---

// hazard: E4
TEST(StreamEnd, the_end_is_told_once_after_all_the_data) {
  for (const Transport transport : transports) {
    EventLoop loop;
    Connection connection = connect(loop, {}, transport, {.receive = 4 << 20}, {.send = 4 << 20});
    Record record_;
    record(*connection, record_);
    const std::string sent = pattern(150000);
    std::size_t offered = connection.peer.send(sent);
    ASSERT_TRUE(spin_until(loop, [&] {
      offered += connection.peer.send(std::string_view(sent).substr(offered));
      return offered == sent.size();
    }));
    connection.peer.finish();

    ASSERT_TRUE(spin_until(loop, [&] { return record_.count('e') > 0; }));
    settle(loop);

    EXPECT_EQ(record_.data, sent);
    EXPECT_EQ(record_.order.back(), 'e');
    EXPECT_EQ(record_.count('e'), 1);
    EXPECT_TRUE(connection->is_writable());
    connection->write("still here");
    settle(loop);
    connection.peer.receive();
    EXPECT_EQ(connection.peer.received, "still here");
  }
}

// hazard: E4
TEST(StreamEnd, data_and_reset_in_one_event_give_the_data_then_one_terminal_event) {
  EventLoop loop;
  Connection connection = connect(loop, {}, Transport::tcp, {.receive = 4 << 20}, {.send = 4 << 20});
  Record record_;
  record(*connection, record_);
  const std::string sent = pattern(1_MiB);
  ASSERT_EQ(connection.peer.send(sent), sent.size());
  connection.peer.reset();

  ASSERT_TRUE(spin_until(loop, [&] { return record_.closed > 0; }));
  settle(loop);

  EXPECT_EQ(record_.data.size(), sent.size());
  EXPECT_EQ(record_.data, sent);
  EXPECT_EQ(record_.count('e'), 0);
  EXPECT_EQ(record_.closed, 1);
  EXPECT_EQ(record_.order.back(), 'c');
  EXPECT_EQ(record_.error, std::errc::connection_reset);
}

// hazard: E4
TEST(StreamEnd, data_and_end_are_delivered_to_a_stream_that_was_paused_meanwhile) {
  for (const Transport transport : transports) {
    EventLoop loop;
    Connection connection = connect(loop, {}, transport, {.receive = 4 << 20}, {.send = 4 << 20});
    Record record_;
    record(*connection, record_);
    connection->pause();
    const std::string sent = pattern(150000);
    const std::size_t count = connection.peer.send(sent);
    connection.peer.finish();
    settle(loop);
    EXPECT_EQ(record_.order, "");

    connection->resume();
    ASSERT_TRUE(spin_until(loop, [&] { return record_.count('e') == 1; }));

    EXPECT_EQ(record_.data, sent.substr(0, count));
    EXPECT_EQ(record_.order.back(), 'e');
  }
}

TEST(StreamEnd, a_stream_without_a_handler_for_it_finishes_too) {
  for (const Transport transport : transports) {
    EventLoop loop;
    Connection connection = connect(loop, {}, transport);
    Record record_;
    record(*connection, record_, false);
    connection->on_data([&](Stream& s) { s.write(s.input().take_all()); });
    connection.peer.send("echo this");
    connection.peer.finish();

    ASSERT_TRUE(spin_until(loop, [&] { return record_.closed == 1; }));

    connection.peer.receive();
    EXPECT_EQ(connection.peer.received, "echo this");
    EXPECT_TRUE(connection.peer.has_ended);
    EXPECT_EQ(connection.peer.error, 0);
    EXPECT_FALSE(record_.error);
    EXPECT_FALSE(connection->is_open());
  }
}

// hazard: S3
TEST(StreamEnd, all_of_10_MB_still_arrives_after_the_peer_has_ended) {
  for (const Transport transport : transports) {
    EventLoop loop;
    Connection connection = connect(loop, {.output_limit = 16_MiB}, transport);
    const std::string all = pattern(10'000'000);
    int closed = 0;
    connection->on_end([&](Stream& s) {
      EXPECT_NE(s.write(all), Accepted::refused);
      s.finish();
    });
    connection->on_closed([&](Stream&, std::error_code error) {
      EXPECT_FALSE(error);
      ++closed;
    });
    connection.peer.finish();

    ASSERT_TRUE(spin_until(loop, [&] { return connection.peer.receive(), connection.peer.has_ended; }));
    settle(loop);

    EXPECT_EQ(connection.peer.received == all, true);
    EXPECT_EQ(connection.peer.error, 0);
    EXPECT_EQ(closed, 1);
  }
}

// hazard: S3
TEST(StreamEnd, finish_writing_flushes_sends_the_end_and_goes_on_reading) {
  for (const Transport transport : transports) {
    EventLoop loop;
    Connection connection = connect(loop, {.output_limit = 16_MiB}, transport, {.send = 4096});
    Record record_;
    record(*connection, record_);
    const std::string ours = pattern(300000);
    const std::string theirs = pattern(3_MiB, 77);
    connection->write(ours);
    connection->finish_writing();
    EXPECT_FALSE(connection->is_writable());
    std::size_t offered = 0;

    ASSERT_TRUE(spin_until(loop, [&] {
      connection.peer.receive();
      if (!connection.peer.has_ended) return false;
      offered += connection.peer.send(std::string_view(theirs).substr(offered));
      return offered == theirs.size();
    }));
    ASSERT_TRUE(spin_until(loop, [&] { return record_.data.size() == theirs.size(); }));
    EXPECT_EQ(record_.closed, 0) << "only half of it has ended";
    connection.peer.finish();
    ASSERT_TRUE(spin_until(loop, [&] { return record_.closed == 1; }));

    EXPECT_EQ(connection.peer.received, ours);
    EXPECT_EQ(record_.data, theirs);
    EXPECT_EQ(record_.order.substr(record_.order.size() - 2), "ec");
    EXPECT_FALSE(record_.error);
  }
}

// --- finish ---

TEST(StreamEnd, finish_flushes_sends_the_end_and_closes_when_the_peer_has_ended_too) {
  for (const Transport transport : transports) {
    EventLoop loop;
    Connection connection = connect(loop, {}, transport, {.send = 4096});
    Record record_;
    record(*connection, record_);
    const std::string ours = pattern(200000);
    connection->write(ours);
    connection->finish();

    ASSERT_TRUE(spin_until(loop, [&] { return connection.peer.receive(), connection.peer.has_ended; }));
    settle(loop);
    EXPECT_EQ(record_.order, "") << "the peer has not ended";
    EXPECT_TRUE(connection->is_open());
    connection.peer.finish();
    ASSERT_TRUE(spin_until(loop, [&] { return record_.closed == 1; }));

    EXPECT_EQ(connection.peer.received, ours);
    EXPECT_EQ(record_.order, "c");
    EXPECT_FALSE(record_.error);
  }
}

TEST(StreamEnd, input_that_comes_after_finish_is_thrown_away_unheard) {
  EventLoop loop;
  Connection connection = connect(loop);
  Record record_;
  record(*connection, record_);
  connection->finish();
  connection.peer.send("too late");
  connection.peer.finish();

  ASSERT_TRUE(spin_until(loop, [&] { return record_.closed == 1; }));

  EXPECT_EQ(record_.order, "c");
}

TEST(StreamEnd, pausing_a_finished_stream_does_not_keep_it_from_closing) {
  EventLoop loop;
  Connection connection = connect(loop);
  Record record_;
  record(*connection, record_);
  connection->pause();
  connection->finish();
  connection->pause();
  connection.peer.send("x");
  connection.peer.finish();

  ASSERT_TRUE(spin_until(loop, [&] { return record_.closed == 1; }));

  EXPECT_FALSE(record_.error);
}

/// Answers a request and closes, while the client goes on sending what nobody reads. A close with unread input would be
/// a reset, which destroys the answer on its way.
// hazard: S4
TEST(StreamEnd, a_response_survives_what_the_client_pipelines_after_its_request_1000_times) {
  const std::string response = pattern(60000);
  const std::string extra = pattern(1'000'000);
  EventLoop loop;
  int whole = 0;
  for (int i = 0; i < 1000; ++i) {
    Connection connection = connect(loop, {}, Transport::tcp);
    bool closed = false;
    connection->on_data([&](Stream& s) {
      s.input().clear();
      s.write(as_bytes(response));
      s.finish();
    });
    connection->on_closed([&](Stream&, std::error_code error) { closed = !error; });
    std::size_t offered = 0;
    (void)spin_until(loop, [&] {
      if (offered < extra.size()) offered += connection.peer.send(std::string_view(extra).substr(offered));
      if (offered == extra.size()) {
        connection.peer.receive();  // only now: the answer waits in the kernel
        if (connection.peer.has_ended) connection.peer.finish();
      }
      return closed;
    });
    whole += connection.peer.received == response && connection.peer.error == 0 && closed ? 1 : 0;
  }

  EXPECT_EQ(whole, 1000);
}

TEST(StreamEnd, draining_ends_with_the_bytes_or_the_time_that_linger_allows) {
  {
    EventLoop loop;
    Connection connection = connect(loop, {.linger_bytes = 100000});
    Record record_;
    record(*connection, record_);
    connection->finish();
    std::size_t offered = 0;
    ASSERT_TRUE(spin_until(loop, [&] {
      offered += connection.peer.send(pattern(10000));
      return record_.closed == 1;
    }));
    EXPECT_FALSE(record_.error);
    EXPECT_GE(offered, 100000U);
    EXPECT_LE(offered, 1_MiB);
  }
  if (!is_simulated()) GTEST_SKIP() << "needs virtual time";
  {
    EventLoop loop;
    Connection connection = connect(loop, {.linger = 3s});
    Record record_;
    record(*connection, record_);
    const TimePoint start = world().now();
    connection->finish();
    ASSERT_TRUE(loop.run_until([&] { return record_.closed == 1; }));
    EXPECT_FALSE(record_.error);
    EXPECT_GE(world().now() - start, 3s);
    EXPECT_LE(world().now() - start, 3s + 2ms);
  }
}

}  // namespace
}  // namespace weir
