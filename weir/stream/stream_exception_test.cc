// weir: tests of streams whose callbacks throw.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/passing_support.h"
#include "tests/support/stream_support.h"
#include "weir/loop/event_loop.h"
#include "weir/stream/stream.h"

namespace weir {
namespace {

using namespace weir::testing_support;

struct Thrown {};

/// Turns until one throws. False when none does.
bool throws(EventLoop& loop, Peer* peer = nullptr) {
  for (int i = 0; i < 200; ++i) {
    if (peer != nullptr) peer->receive();
    try {
      (void)loop.poll();
    } catch (const Thrown&) {
      return true;
    }
  }
  return false;
}

TEST(StreamException, leaves_run_and_what_was_written_before_it_is_sent) {
  EventLoop loop;
  Connection connection = connect(loop);
  connection->on_data([](Stream& s) {
    s.write(s.input().take_all());
    throw Thrown();
  });
  connection.peer.send("one");

  EXPECT_THROW((void)loop.run(), Thrown);
  settle(loop);
  connection.peer.receive();
  EXPECT_EQ(connection.peer.received, "one");

  connection.peer.send("two");
  EXPECT_THROW((void)loop.run(), Thrown);
  settle(loop);
  connection.peer.receive();
  EXPECT_EQ(connection.peer.received, "onetwo");
}

TEST(StreamException, that_descriptors_brought_about_loses_none_of_the_bytes_they_came_with) {
  EventLoop loop;
  Connection connection = connect(loop);
  std::string told;
  connection->on_descriptors([&](Stream&, const Descriptors& all) {
    told += '[' + std::to_string(mark_of(all[0])) + ']';
    if (told == "[1]") throw Thrown();
  });
  connection->on_data([&](Stream& s) { told += text_of(s.input().take_all()); });
  EXPECT_EQ(pass(connection.peer, "a", marked(1)), 1U);
  EXPECT_EQ(pass(connection.peer, "b", marked(2)), 1U);

  EXPECT_TRUE(throws(loop));
  EXPECT_FALSE(throws(loop));

  EXPECT_TRUE(told == "[1]a[2]b" || told == "[1][2]ab") << told;
}

TEST(StreamException, in_one_callback_loses_no_event_of_the_same_turn) {
  EventLoop loop;
  std::vector<Connection> connections;
  std::vector<std::string> got(20);
  for (std::size_t i = 0; i < got.size(); ++i) {
    connections.push_back(connect(loop));
    connections[i]->on_data([&, i](Stream& s) {
      got[i] += text_of(s.input().take_all());
      if (i % 3 == 0) throw Thrown();
    });
  }
  for (std::size_t i = 0; i < got.size(); ++i) connections[i].peer.send(std::to_string(i));
  int thrown = 0;

  while (throws(loop)) ++thrown;

  EXPECT_EQ(thrown, 7);
  for (std::size_t i = 0; i < got.size(); ++i) EXPECT_EQ(got[i], std::to_string(i));
}

/// One callback throws, the first time it runs; everything else that has to be told is told all the same, once.
TEST(StreamException, in_any_callback_takes_nothing_from_the_others) {
  for (const char thrower : {'d', 'e', 's', 'S', 'r', 'c', 'f', 'g'}) {
    SCOPED_TRACE(thrower);
    EventLoop loop;
    Connection connection = connect(loop, {.write_marks = {.low = 1000, .high = 2000}}, Transport::tcp);
    std::string order;
    const auto enter = [&](char letter) {
      order += letter;
      if (letter == thrower && std::count(order.begin(), order.end(), letter) == 1) throw Thrown();
    };
    connection->on_data([&](Stream& s) {
      s.input().clear();
      enter('d');
    });
    connection->on_end([&](Stream&) { enter('e'); });
    connection->on_drained([&](Stream&) { enter('r'); });
    connection->on_closed([&](Stream&, std::error_code) { enter('c'); });
    ASSERT_EQ(connection->write(pattern(3000)), Accepted::slow_down);
    connection->when_sent([&](std::error_code) { enter('s'); });
    connection->when_sent([&](std::error_code) { enter('S'); });
    const bool fails = thrower == 'c' || thrower == 'f' || thrower == 'g';
    int thrown = 0;
    while (throws(loop, &connection.peer)) ++thrown;
    connection.peer.send("data");  // is read only if the output's being full is over
    while (throws(loop, &connection.peer)) ++thrown;
    EXPECT_EQ(order, "sSrd");
    if (fails) {
      ASSERT_EQ(connection->write(pattern(500)), Accepted::yes);
      connection->when_sent([&](std::error_code) { enter('f'); });
      connection->when_sent([&](std::error_code) { enter('g'); });
      connection.peer.reset();
    } else {
      connection.peer.finish();
    }
    connection->flush_now();
    while (throws(loop)) ++thrown;
    if (!fails) {
      connection->finish();
      while (throws(loop)) ++thrown;
    }

    EXPECT_EQ(thrown, 1);
    EXPECT_EQ(order, fails ? "sSrdfgc" : "sSrdec");
    EXPECT_FALSE(connection->is_open());
  }
}

/// The last bytes are delivered together with the end; a throw there must not swallow the end.
TEST(StreamException, on_the_last_bytes_does_not_lose_the_end_or_the_error) {
  for (const bool with_reset : {false, true}) {
    EventLoop loop;
    Connection first = connect(loop, {}, Transport::tcp);
    Connection second = connect(loop, {}, Transport::tcp);
    std::string order;
    second->on_data([&](Stream& s) {
      order += 'd';
      if (order.size() == 1) return s.pause();  // and leaves the bytes
      s.input().clear();
      throw Thrown();
    });
    second->on_end([&](Stream& s) {
      order += 'e';
      s.finish();
    });
    second->on_closed([&](Stream&, std::error_code error) {
      EXPECT_EQ(static_cast<bool>(error), with_reset);
      order += 'c';
    });
    second.peer.send("last");
    settle(loop);
    ASSERT_EQ(order, "d");
    first->on_data([&](Stream& s) {
      s.input().clear();
      second->resume();  // the end of the second is in the same batch of events, behind this one
    });
    first.peer.send("x");
    if (with_reset) {
      second.peer.reset();
    } else {
      second.peer.finish();
    }

    EXPECT_TRUE(throws(loop));
    settle(loop, 20);

    EXPECT_EQ(order, with_reset ? "ddc" : "ddec");
  }
}

TEST(StreamException, that_passes_through_another_streams_callback_leaves_both_in_order) {
  EventLoop loop;
  Connection outer = connect(loop);
  Connection inner = connect(loop);
  inner->write("inner");
  inner->when_sent([](std::error_code) { throw Thrown(); });
  outer->on_data([&](Stream& s) {
    s.write(s.input().take_all());
    inner->flush_now();
    ADD_FAILURE() << "not reached";
  });
  // In the same turn, before the inner one would be flushed by itself.
  outer.peer.send("outer");

  EXPECT_TRUE(throws(loop));
  settle(loop);

  outer.peer.receive();
  inner.peer.receive();
  EXPECT_EQ(outer.peer.received, "outer");
  EXPECT_EQ(inner.peer.received, "inner");
}

TEST(StreamException, in_a_stream_that_was_destroyed_by_then_harms_nobody) {
  EventLoop loop;
  Connection connection = connect(loop);
  connection->on_data([&](Stream& s) {
    s.write(s.input().take_all());
    connection.stream.reset();
    throw Thrown();
  });
  connection.peer.send("flushed all the same");

  EXPECT_TRUE(throws(loop));
  ASSERT_TRUE(spin_until(loop, [&] { return connection.peer.receive(), connection.peer.has_ended; }));

  EXPECT_EQ(connection.peer.received, "flushed all the same");
}

}  // namespace
}  // namespace weir
