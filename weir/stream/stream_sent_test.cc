// weir: tests of when_sent, and of how deep the callbacks of streams stand on the stack.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/stream_support.h"
#include "weir/loop/event_loop.h"
#include "weir/stream/stream.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;

// --- when_sent ---

TEST(Stream, when_sent_tells_in_order_when_what_was_written_before_has_left) {
  EventLoop loop;
  Connection connection = connect(loop, {}, Transport::unix_pair, {.send = 4096});
  std::vector<int> told;
  for (int i = 0; i < 10; ++i) {
    connection->write(pattern(20000));
    connection->when_sent([&, i](std::error_code error) {
      EXPECT_FALSE(error);
      EXPECT_LE(connection->output().size(), static_cast<std::size_t>(9 - i) * 20000);
      told.push_back(i);
    });
  }
  settle(loop, 1);
  EXPECT_LT(told.size(), 10U);

  ASSERT_TRUE(spin_until(loop, [&] { return connection.peer.receive(), told.size() == 10; }));

  EXPECT_EQ(told, (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
  settle(loop);
  EXPECT_EQ(told.size(), 10U);
}

TEST(Stream, when_sent_with_nothing_to_wait_for_is_called_in_the_loop_and_not_inside) {
  EventLoop loop;
  Connection connection = connect(loop);
  int told = 0;

  connection->when_sent([&](std::error_code error) { told += error ? 100 : 1; });
  EXPECT_EQ(told, 0);
  settle(loop, 1);

  EXPECT_EQ(told, 1);
}

TEST(Stream, when_sent_asked_again_by_its_own_callback_waits_for_a_later_turn) {
  EventLoop loop;
  Connection connection = connect(loop);
  int told = 0;
  std::function<void(std::error_code)> again = [&](std::error_code) {
    if (++told < 100000) connection->when_sent([&](std::error_code error) { again(error); });
  };
  connection->when_sent([&](std::error_code error) { again(error); });

  settle(loop, 10);

  EXPECT_GE(told, 1);
  EXPECT_LE(told, 20);
}

TEST(Stream, a_producer_driven_by_when_sent_never_stalls) {
  for (const Transport transport : transports) {
    EventLoop loop;
    Connection connection = connect(loop, {}, transport);
    const std::string all = pattern(2000000);
    std::size_t written = 0;
    std::function<void()> next = [&] {
      if (written == all.size()) return;
      const std::string_view piece = std::string_view(all).substr(written, 30000);
      ASSERT_EQ(connection->write(piece), Accepted::yes);
      written += piece.size();
      connection->when_sent([&](std::error_code error) {
        ASSERT_FALSE(error);
        next();
      });
    };
    next();

    ASSERT_TRUE(
        spin_until(loop, [&] { return connection.peer.receive(), connection.peer.received.size() == all.size(); }))
        << "stalled after " << connection.peer.received.size();
    EXPECT_EQ(connection.peer.received, all);
  }
}

// hazard: S5
TEST(Stream, what_waits_to_be_sent_fails_once_in_order_before_the_terminal_event) {
  EventLoop loop;
  Connection connection = connect(loop, {}, Transport::tcp, {.send = 4096}, {.receive = 4096});
  std::string order;
  for (int i = 0; i < 4; ++i) {
    connection->write(pattern(100000));
    connection->when_sent([&, i](std::error_code error) {
      EXPECT_TRUE(error);
      order += std::to_string(i);
    });
  }
  connection->on_closed([&](Stream&, std::error_code error) {
    EXPECT_EQ(error, std::errc::connection_reset);
    order += 'c';
  });
  settle(loop);
  EXPECT_EQ(order, "");

  connection.peer.reset();
  ASSERT_TRUE(spin_until(loop, [&] { return !connection->is_open(); }));

  settle(loop);
  EXPECT_EQ(order, "0123c");
}

TEST(Stream, when_sent_that_asks_again_while_the_stream_fails_does_not_hold_it_up) {
  EventLoop loop;
  Connection connection = connect(loop, {}, Transport::tcp, {.send = 4096}, {.receive = 4096});
  int told = 0;
  int closed = 0;
  std::function<void(std::error_code)> again = [&](std::error_code) {
    if (++told < 100000) connection->when_sent([&](std::error_code error) { again(error); });
  };
  connection->on_closed([&](Stream&, std::error_code) { ++closed; });
  connection->write(pattern(200000));
  connection->when_sent([&](std::error_code error) { again(error); });
  settle(loop);

  connection.peer.reset();
  ASSERT_TRUE(spin_until(loop, [&] { return closed == 1; }));

  EXPECT_LE(told, 2);
}

// --- recursion ---

/// How deep the callbacks of the stream stand on the stack.
class Depth {
 public:
  template <class Function>
  void enter(Function function) {
    ++depth_;
    most_ = std::max(most_, depth_);
    function();
    --depth_;
  }
  int most() const { return most_; }

 private:
  int depth_ = 0;
  int most_ = 0;
};

// hazard: E11
TEST(Stream, whatever_a_callback_calls_the_stack_stays_shallow) {
  EventLoop loop;
  Connection connection = connect(loop, {.write_marks = {.low = 1, .high = 2}}, Transport::tcp, {.send = 1 << 20});
  Depth depth;
  int left = 2000;
  std::function<void(std::error_code)> sent;
  const auto provoke = [&](Stream& s) {
    if (--left < 0) return;
    s.pause();
    s.resume();
    s.write("abc");
    s.when_sent([&](std::error_code error) { sent(error); });
    s.flush_now();
    s.set_read_marks({.low = 1, .high = 2});
    s.set_write_marks({.low = 1, .high = 2});
    s.pause();
    s.resume();
    s.flush_now();
  };
  sent = [&](std::error_code) { depth.enter([&] { provoke(*connection); }); };
  connection->on_data([&](Stream& s) {
    depth.enter([&] {
      s.input().clear();
      provoke(s);
    });
  });
  connection->on_drained([&](Stream& s) { depth.enter([&] { provoke(s); }); });
  connection.peer.send("begin");

  ASSERT_TRUE(spin_until(loop, [&] {
    connection.peer.receive();
    connection.peer.send("x");
    return left < 0;
  }));

  EXPECT_LE(depth.most(), 4);
}

// hazard: E11
TEST(Stream, two_streams_that_flush_each_other_stay_shallow) {
  EventLoop loop;
  Connection first = connect(loop, {}, Transport::unix_pair);
  Connection second = connect(loop, {}, Transport::unix_pair);
  Depth depth;
  int left = 3000;
  std::function<void(Stream&, Stream&)> play = [&](Stream& a, Stream& b) {
    depth.enter([&] {
      if (--left < 0) return;
      b.write("x");
      b.when_sent([&](std::error_code) { play(b, a); });
      b.flush_now();
    });
  };
  first->on_data([&](Stream& s) {
    s.input().clear();
    play(*first, *second);
  });
  first.peer.send("begin");

  ASSERT_TRUE(spin_until(loop, [&] {
    first.peer.receive();
    second.peer.receive();
    return left < 0;
  }));

  EXPECT_LE(depth.most(), 4);
}

// hazard: E11
TEST(Stream, finishing_inside_every_callback_ends_once_and_stays_shallow) {
  EventLoop loop;
  Connection connection = connect(loop);
  std::string order;
  Depth depth;
  const auto finish = [&](char letter) {
    depth.enter([&] {
      order += letter;
      connection->finish();
      connection->flush_now();
      connection->finish_writing();
      connection->resume();
    });
  };
  connection->on_data([&](Stream& s) {
    s.write("answer");
    s.when_sent([&](std::error_code) { finish('s'); });
    finish('d');
  });
  connection->on_end([&](Stream&) { finish('e'); });
  connection->on_closed([&](Stream&, std::error_code error) {
    EXPECT_FALSE(error);
    finish('c');
  });
  connection.peer.send("request");
  connection.peer.finish();

  ASSERT_TRUE(spin_until(loop, [&] { return !connection->is_open(); }));
  settle(loop);

  connection.peer.receive();
  EXPECT_EQ(connection.peer.received, "answer");
  EXPECT_TRUE(connection.peer.has_ended);
  EXPECT_EQ(order, "dsc");
  EXPECT_LE(depth.most(), 2);
}

}  // namespace
}  // namespace weir
