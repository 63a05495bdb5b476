// weir: tests of streams when memory runs short.
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
    Result<Block> block = pool.try_allocate(800_KiB);
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
    Result<Block> block = pool.try_allocate(800_KiB);
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

}  // namespace
}  // namespace weir
