// weir: tests of streams when memory runs short, and when callbacks throw.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/stream_support.h"
#include "weir/buffer/pool.h"
#include "weir/loop/event_loop.h"
#include "weir/loop/timer.h"
#include "weir/stream/stream.h"
#include "weir/sys/fault_kernel.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;

// --- memory ---

TEST(StreamMemory, a_write_that_finds_the_budget_spent_is_refused_untouched_and_welcome_later) {
  Pool pool({.limit = 1_MiB});
  {
    EventLoop loop({.pool = &pool});
    Connection connection = connect(loop, {}, Transport::unix_pair, {.send = 4096});
    const std::string all = pattern(3_MiB);
    std::size_t written = 0;
    std::size_t refusals = 0;

    ASSERT_TRUE(spin_until(loop, [&] {
      while (written < all.size()) {
        const std::string_view next = std::string_view(all).substr(written, 10000);
        const std::size_t before = connection->output().size();
        if (connection->write(next) == Accepted::refused) {
          EXPECT_EQ(connection->output().size(), before);
          ++refusals;
          break;
        }
        written += next.size();
      }
      connection.peer.receive(100000);
      return connection.peer.received.size() == all.size();
    }));

    EXPECT_EQ(connection.peer.received == all, true);
    EXPECT_GT(refusals, 0U);
    EXPECT_LE(pool.stats().peak, 1_MiB);
  }
}

TEST(StreamMemory, a_short_budget_holds_reading_back_and_loses_nothing) {
  Pool pool({.limit = 1_MiB});
  {
    EventLoop loop({.pool = &pool});
    Connection connection = connect(loop, {}, Transport::tcp);
    const std::string sent = pattern(2_MiB);
    std::string got;
    std::vector<Buffer> held;
    std::size_t holding = 0;
    connection->on_data([&](Stream& s) {
      got += text_of(s.input());
      holding += s.input().size();
      held.push_back(s.input().take_all());  // until the pool has no more
    });
    std::size_t offered = 0;
    std::size_t stalls = 0;

    ASSERT_TRUE(spin_until(loop, [&] {
      offered += connection.peer.send(std::string_view(sent).substr(offered));
      const std::size_t before = got.size();
      settle(loop, 3);
      if (got.size() == before && !held.empty()) {
        ++stalls;
        held.clear();  // wakes the loop
      }
      return got.size() == sent.size();
    }));

    EXPECT_EQ(got == sent, true);
    EXPECT_GT(stalls, 0U);
    EXPECT_LE(pool.stats().peak, 1_MiB);
  }
}

TEST(StreamMemory, memory_that_comes_back_wakes_a_loop_that_sleeps) {
  Pool pool({.limit = 1_MiB});
  {
    EventLoop loop({.pool = &pool});
    Connection connection = connect(loop);
    Record record_;
    record(*connection, record_);
    Result<Block> block = pool.try_allocate(900_KiB);
    ASSERT_TRUE(block);
    connection.peer.send("waits for memory");
    settle(loop);
    EXPECT_EQ(record_.data, "");
    Timer giver(loop, [&](Timer&) { block = errc::eof; });
    giver.start(1ms);

    const Result<RunEnd> end = loop.run_until([&] { return !record_.data.empty(); });

    ASSERT_TRUE(end);
    EXPECT_EQ(record_.data, "waits for memory");
  }
}

/// What waits to be sent may be the very memory that is short: sending it must not wait for memory.
TEST(StreamMemory, a_stream_that_waits_for_memory_to_read_still_sends_all_its_output) {
  Pool pool({.limit = 1_MiB});
  {
    EventLoop loop({.pool = &pool});
    Connection connection = connect(loop, {}, Transport::tcp);
    Record record_;
    record(*connection, record_);
    Result<Block> block = pool.try_allocate(900_KiB);
    ASSERT_TRUE(block);
    connection.peer.send("waits for memory");
    settle(loop);
    const std::string all = pattern(2_MiB);
    Buffer pieces;  // a call takes 64 of them whole: the turn is over although the kernel has room for more
    for (std::size_t at = 0; at < all.size(); at += 4_KiB) {
      pieces.append(Slice::from_static(std::string_view(all).substr(at, 1)));
      pieces.append(Slice::adopt(all.substr(at + 1, 4_KiB - 1)));
    }

    ASSERT_NE(connection->write(std::move(pieces)), Accepted::refused);
    const bool all_sent =
        spin_until(loop, [&] { return connection.peer.receive(), connection.peer.received.size() == all.size(); });

    EXPECT_TRUE(all_sent) << "only " << connection.peer.received.size();
    EXPECT_EQ(record_.data, "");
    block = errc::eof;
    settle(loop);
    EXPECT_EQ(record_.data, "waits for memory");
  }
}

TEST(StreamMemory, small_pieces_that_are_kept_do_not_hold_large_blocks) {
  EventLoop loop;
  Connection connection = connect(loop);
  std::vector<Buffer> kept;
  connection->on_data([&](Stream& s) { kept.push_back(s.input().take_all()); });
  const std::size_t before = loop.pool().stats().in_use;

  for (int i = 0; i < 200; ++i) {
    connection.peer.send("small");
    settle(loop, 1);
  }

  EXPECT_EQ(kept.size(), 200U);
  EXPECT_LE(loop.pool().stats().in_use - before, 200 * 512 + 128_KiB);
}

// --- exceptions ---

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
