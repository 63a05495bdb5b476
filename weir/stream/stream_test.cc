// weir: tests of streams: reading, writing, callbacks, and the bounds on both buffers.
// SPDX-License-Identifier: MIT
#include "weir/stream/stream.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/stream_support.h"
#include "weir/loop/event_loop.h"
#include "weir/loop/timer.h"
#include "weir/sys/fault_kernel.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;

// --- reading ---

TEST(Stream, tells_of_what_arrived_and_keeps_what_was_not_taken) {
  EventLoop loop;
  Connection connection = connect(loop);
  std::vector<std::string> seen;
  connection->on_data([&](Stream& s) {
    seen.push_back(text_of(s.input()));
    s.input().drop(1);
  });

  connection.peer.send("abc");
  ASSERT_TRUE(spin_until(loop, [&] { return seen.size() == 1; }));
  connection.peer.send("d");
  ASSERT_TRUE(spin_until(loop, [&] { return seen.size() == 2; }));

  EXPECT_EQ(seen, (std::vector<std::string>{"abc", "bcd"}));
}

TEST(Stream, a_handler_that_is_set_late_hears_of_the_bytes_that_wait) {
  EventLoop loop;
  Connection connection = connect(loop);
  connection.peer.send("early");
  settle(loop);
  EXPECT_EQ(text_of(connection->input()), "early");

  std::string seen;
  connection->on_data([&](Stream& s) { seen += text_of(s.input().take_all()); });
  settle(loop);

  EXPECT_EQ(seen, "early");
}

TEST(Stream, a_paused_stream_is_silent_and_delivers_what_waits_when_resumed) {
  EventLoop loop;
  Connection connection = connect(loop);
  std::vector<std::string> seen;
  connection->on_data([&](Stream& s) {
    seen.push_back(text_of(s.input().take(std::min<std::size_t>(3, s.input().size()))));
    s.pause();
  });
  connection.peer.send("abcdef");
  ASSERT_TRUE(spin_until(loop, [&] { return seen.size() == 1; }));
  EXPECT_TRUE(connection->is_paused());
  connection.peer.send("ghi");
  settle(loop);
  EXPECT_EQ(seen.size(), 1U);

  connection->resume();  // the three bytes that were left are told without anything new arriving
  EXPECT_FALSE(connection->is_paused());
  EXPECT_EQ(seen.size(), 1U) << "never inside resume()";
  settle(loop, 1);

  ASSERT_GE(seen.size(), 2U);
  EXPECT_EQ(seen[1], "def");
  connection->on_data([&](Stream& s) { seen.push_back(text_of(s.input().take_all())); });
  connection->resume();
  settle(loop);
  EXPECT_EQ(seen.back(), "ghi");
}

// hazard: RE10
TEST(Stream, all_messages_of_one_read_are_there_for_the_taking) {
  EventLoop loop;
  Connection connection = connect(loop);
  int calls = 0;
  int messages = 0;
  connection->on_data([&](Stream& s) {
    ++calls;
    while (const auto end = s.input().find(std::byte{'\n'})) {
      s.input().drop(*end + 1);
      ++messages;
    }
  });

  connection.peer.send("one\ntwo\nthree\nfour\nfi");
  settle(loop);

  EXPECT_EQ(messages, 4);
  EXPECT_EQ(calls, 1);
  connection.peer.send("ve\n");
  settle(loop);
  EXPECT_EQ(messages, 5);
}

// hazard: S8, RE11
TEST(Stream, input_never_passes_the_high_mark_by_more_than_one_receive) {
  EventLoop loop;
  for (const Marks marks :
       {Marks{.low = 0, .high = 1}, Marks{.low = 1024, .high = 4096}, Marks{.low = 16_KiB, .high = 64_KiB}}) {
    Connection connection = connect(loop, {.read_marks = marks}, Transport::tcp);
    std::size_t most = 0;
    connection->on_data([&](Stream& s) { most = std::max(most, s.input().size()); });  // takes nothing
    const std::string sent = pattern(1_MiB);
    std::size_t offered = 0;

    for (int i = 0; i < 100; ++i) {
      offered += connection.peer.send(std::string_view(sent).substr(offered));
      settle(loop, 1);
    }

    EXPECT_GE(connection->input().size(), marks.high);
    EXPECT_LE(most, marks.high + 64_KiB);
    EXPECT_LE(connection->input().size(), marks.high + 64_KiB);
    EXPECT_EQ(text_of(connection->input()), sent.substr(0, connection->input().size()));
  }
}

// hazard: E5
TEST(Stream, reading_goes_on_when_the_input_is_drained_from_anywhere) {
  for (const Transport transport : transports) {
    EventLoop loop;
    Connection connection = connect(loop, {.read_marks = {.low = 2048, .high = 4096}}, transport);
    const std::string sent = pattern(60000);
    ASSERT_EQ(connection.peer.send(sent), sent.size());  // once: no further edge will come
    std::string got;

    ASSERT_TRUE(spin_until(loop, [&] {
      // outside of any callback, and never below the low mark by more than it takes
      if (connection->input().size() > 2048)
        got += text_of(connection->input().take(connection->input().size() - 2048));
      if (got.size() + 2048 >= sent.size()) got += text_of(connection->input().take_all());
      return got.size() == sent.size();
    }));

    EXPECT_EQ(got, sent);
  }
}

TEST(Stream, reading_stays_suspended_above_the_low_mark) {
  EventLoop loop;
  Connection connection = connect(loop, {.read_marks = {.low = 1000, .high = 4000}});
  connection.peer.send(pattern(4000));
  settle(loop);
  ASSERT_EQ(connection->input().size(), 4000U);
  connection.peer.send("more");

  connection->input().drop(2999);
  settle(loop);
  EXPECT_EQ(connection->input().size(), 1001U);

  connection->input().drop(1);
  settle(loop);
  EXPECT_EQ(connection->input().size(), 1004U);
}

TEST(Stream, read_marks_take_effect_at_once) {
  EventLoop loop;
  Connection connection = connect(loop, {.read_marks = {.low = 1000, .high = 4000}});
  connection.peer.send(pattern(3000));
  settle(loop);

  connection->set_read_marks({.low = 100, .high = 2000});
  connection.peer.send("more");
  settle(loop);
  EXPECT_EQ(connection->input().size(), 3000U) << "the new high mark is passed already";

  connection->set_read_marks({.low = 5000, .high = 5000});
  settle(loop);
  EXPECT_EQ(connection->input().size(), 3004U);
}

// hazard: E17, RE11
TEST(Stream, four_streams_with_more_and_more_data_leave_a_fifth_its_turn) {
  EventLoop loop;
  constexpr std::size_t per_turn = 256_KiB + 64_KiB;  // the turn, and the receive that crosses its border
  std::vector<Connection> firehoses;
  std::vector<std::size_t> in_turn(4, 0);
  const std::string much = pattern(3_MiB);
  std::size_t queued = 0;
  std::size_t all = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    firehoses.push_back(connect(loop, {.read_marks = {.low = 1_MiB, .high = 64_MiB}}, Transport::tcp));
    queued += firehoses[i].peer.send(much);
    firehoses[i]->on_data([&, i](Stream& s) {
      in_turn[i] += s.input().size();
      all += s.input().size();
      s.input().clear();
    });
  }
  ASSERT_GT(queued, 4 * 600_KiB);
  Connection ping = connect(loop, {}, Transport::tcp);
  bool is_answered = true;
  ping->on_data([&](Stream& s) {
    s.input().clear();
    is_answered = true;
  });
  std::size_t before = 0;
  std::size_t waited = 0;
  std::size_t most = 0;

  ASSERT_TRUE(spin_until(loop, [&] {
    for (std::size_t& bytes : in_turn) most = std::max(most, std::exchange(bytes, 0));
    if (is_answered) {
      waited = std::max(waited, all - before);
      before = all;
      is_answered = false;
      ping.peer.send("x");
    }
    return all == queued;
  }));

  EXPECT_LE(most, per_turn);
  EXPECT_LE(waited, 4 * per_turn);
}

TEST(Stream, has_the_limits_by_default_that_are_documented) {
  const StreamOptions options;
  const ConnectOptions connecting;

  EXPECT_EQ(options.read_marks.low, 16_KiB);
  EXPECT_EQ(options.read_marks.high, 64_KiB);
  EXPECT_EQ(options.write_marks.low, 64_KiB);
  EXPECT_EQ(options.write_marks.high, 256_KiB);
  EXPECT_EQ(options.output_limit, 4_MiB);
  EXPECT_EQ(options.time_limits.write, 60s);
  EXPECT_EQ(options.time_limits.read, TimeLimits::no_limit);
  EXPECT_EQ(options.time_limits.idle, TimeLimits::no_limit);
  EXPECT_EQ(options.linger, 10s);
  EXPECT_EQ(options.linger_bytes, 1_MiB);
  EXPECT_EQ(connecting.timeout, 10s);
}

// --- writing ---

TEST(Stream, writes_outside_of_a_callback_go_out_at_the_end_of_the_turn) {
  EventLoop loop;
  Connection connection = connect(loop);

  EXPECT_EQ(connection->write("text"), Accepted::yes);
  EXPECT_EQ(connection->write(as_bytes(" bytes")), Accepted::yes);
  EXPECT_EQ(connection->write(Slice::from_static(" slice")), Accepted::yes);
  Buffer buffer;
  buffer.append(" buffer");
  EXPECT_EQ(connection->write(std::move(buffer)), Accepted::yes);
  connection.peer.receive();
  EXPECT_EQ(connection.peer.received, "");
  EXPECT_EQ(connection->output().size(), 23U);
  settle(loop, 1);

  connection.peer.receive();
  EXPECT_EQ(connection.peer.received, "text bytes slice buffer");
  EXPECT_TRUE(connection->output().is_empty());
}

TEST(Stream, writes_inside_its_callback_go_out_together_when_that_returns) {
  EventLoop loop;
  sys::FaultKernel kernel;
  Connection connection = connect(loop);
  std::string during;
  connection->on_data([&](Stream& s) {
    s.input().clear();
    s.write("one ");
    s.write("two");
    connection.peer.receive();
    during = connection.peer.received;
  });
  const sys::ScopedKernel installed(kernel);

  connection.peer.send("x");
  settle(loop);

  connection.peer.receive();
  EXPECT_EQ(during, "");
  EXPECT_EQ(connection.peer.received, "one two");
  EXPECT_EQ(kernel.calls(sys::Call::send) + kernel.calls(sys::Call::send_pieces), 1U);
}

TEST(Stream, flush_now_sends_inside_a_callback_and_outside_of_the_loop) {
  EventLoop loop;
  Connection connection = connect(loop);

  connection->write("at once");
  connection->flush_now();
  connection.peer.receive();
  EXPECT_EQ(connection.peer.received, "at once");

  connection->on_data([&](Stream& s) {
    s.input().clear();
    s.write(", inside");
    s.flush_now();
    connection.peer.receive();
  });
  connection.peer.send("x");
  settle(loop);
  EXPECT_EQ(connection.peer.received, "at once, inside");
}

TEST(Stream, an_empty_write_is_accepted_and_sends_nothing) {
  EventLoop loop;
  sys::FaultKernel kernel;
  const sys::ScopedKernel installed(kernel);
  Connection connection = connect(loop);

  EXPECT_EQ(connection->write(""), Accepted::yes);
  EXPECT_EQ(connection->write(Buffer()), Accepted::yes);
  settle(loop);

  EXPECT_EQ(kernel.calls(sys::Call::send), 0U);
}

TEST(Stream, answers_slow_down_from_the_high_mark_on) {
  EventLoop loop;
  Connection connection = connect(loop, {.write_marks = {.low = 500, .high = 1000}});

  EXPECT_EQ(connection->write(pattern(999)), Accepted::yes);
  EXPECT_EQ(connection->write("x"), Accepted::slow_down);
  EXPECT_EQ(connection->write("x"), Accepted::slow_down);
}

TEST(Stream, refuses_what_would_pass_the_limit_and_leaves_it_untouched) {
  EventLoop loop;
  Connection connection = connect(loop, {.output_limit = 1000});
  ASSERT_EQ(connection->write(pattern(990)), Accepted::yes);
  Buffer buffer;
  buffer.append("0123456789a");
  const Slice slice = Slice::from_static("0123456789a");

  EXPECT_EQ(connection->write(std::move(buffer)), Accepted::refused);
  EXPECT_EQ(connection->write(slice), Accepted::refused);
  EXPECT_EQ(connection->write("0123456789a"), Accepted::refused);

  EXPECT_EQ(text_of(buffer), "0123456789a");
  EXPECT_EQ(connection->output().size(), 990U);
  EXPECT_EQ(connection->write("0123456789"), Accepted::yes) << "to the byte";
  EXPECT_EQ(connection->write("x"), Accepted::refused);
  connection->set_output_limit(1001);
  EXPECT_EQ(connection->write("x"), Accepted::yes);
}

TEST(Stream, takes_nothing_after_finish_and_leaves_it_untouched) {
  EventLoop loop;
  Connection connection = connect(loop);
  connection->finish();
  Buffer buffer;
  buffer.append("late");

  EXPECT_EQ(connection->write(std::move(buffer)), Accepted::closed);
  EXPECT_EQ(connection->write("late"), Accepted::closed);
  EXPECT_FALSE(connection->is_writable());
  EXPECT_TRUE(connection->is_open());
  EXPECT_EQ(text_of(buffer), "late");
}

// hazard: S8
TEST(Stream, a_peer_that_does_not_read_is_not_read_from_and_costs_no_more_than_the_limit) {
  EventLoop loop;
  const StreamOptions options{.write_marks = {.low = 16_KiB, .high = 64_KiB}, .output_limit = 256_KiB};
  Connection connection = connect(loop, options, Transport::tcp, {.send = 4096}, {.receive = 4096});
  std::size_t refused = 0;
  std::size_t slowed = 0;
  connection->on_data([&](Stream& s) {
    s.input().clear();
    for (int i = 0; i < 100; ++i) {
      const Accepted answer = s.write(pattern(10000));
      refused += answer == Accepted::refused ? 1 : 0;
      slowed += answer == Accepted::slow_down ? 1 : 0;
    }
  });
  connection.peer.send("go");
  ASSERT_TRUE(spin_until(loop, [&] { return refused > 0; }));

  connection.peer.send("this is not read");
  settle(loop, 50);

  EXPECT_GT(slowed, 0U);
  EXPECT_LE(connection->output().size(), 256_KiB);
  EXPECT_TRUE(connection->input().is_empty());
  EXPECT_TRUE(connection->is_open());
}

TEST(Stream, an_echo_by_reference_is_never_refused_and_loses_nothing_to_a_slow_reader) {
  for (const Transport transport : transports) {
    EventLoop loop;
    Connection connection =
        connect(loop, {.output_limit = 256_KiB + 128_KiB + 64_KiB}, transport, {.send = 4096}, {.receive = 4096});
    bool was_refused = false;
    connection->on_data([&](Stream& s) {
      const Accepted answer = s.write(s.input().take_all());
      was_refused = was_refused || answer == Accepted::refused || answer == Accepted::closed;
    });
    const std::string sent = pattern(4_MiB);
    std::size_t offered = 0;
    std::size_t turn = 0;

    ASSERT_TRUE(spin_until(loop, [&] {
      offered += connection.peer.send(std::string_view(sent).substr(offered, 200000));
      if (offered == sent.size() || ++turn % 3 == 0) connection.peer.receive(50000);
      return connection.peer.received.size() == sent.size();
    }));

    EXPECT_EQ(connection.peer.received, sent);
    EXPECT_FALSE(was_refused);
  }
}

TEST(Stream, read_while_output_full_lifts_that_one_reason) {
  EventLoop loop;
  Connection connection = connect(loop, {.write_marks = {.low = 0, .high = 1}, .read_while_output_full = true},
                                  Transport::tcp, {.send = 4096}, {.receive = 4096});
  Record record_;
  record(*connection, record_);
  while (connection->output().size() < 100000) {
    connection->write(pattern(10000));
    settle(loop, 1);
  }

  connection.peer.send("heard");
  settle(loop);

  EXPECT_EQ(record_.data, "heard");
}

TEST(Stream, drained_is_told_once_for_each_time_it_was_slowed_down) {
  EventLoop loop;
  Connection connection = connect(loop, {.write_marks = {.low = 64_KiB, .high = 256_KiB}}, Transport::tcp,
                                  {.send = 4096}, {.receive = 4096});
  Record record_;
  std::size_t left_when_told = 0;
  record(*connection, record_);
  connection->on_drained([&](Stream& s) {
    record_.order += 'r';
    left_when_told = s.output().size();
  });

  for (int round = 1; round <= 3; ++round) {
    Accepted answer = Accepted::yes;
    while (answer == Accepted::yes) answer = connection->write(pattern(100000));
    ASSERT_EQ(answer, Accepted::slow_down);
    ASSERT_EQ(connection->write("again"), Accepted::slow_down);
    ASSERT_TRUE(spin_until(loop, [&] { return connection.peer.receive(), connection->output().is_empty(); }));
    EXPECT_EQ(record_.count('r'), round);
    EXPECT_LE(left_when_told, 64_KiB);
  }
}

/// The pattern of every producer: fill up, wait for on_drained, fill up again.
TEST(Stream, a_producer_that_refills_in_on_drained_never_stalls) {
  for (const Transport transport : transports) {
    for (const std::size_t piece : {std::size_t{1000}, std::size_t{100000}, std::size_t{300000}}) {
      EventLoop loop;
      Connection connection = connect(loop, {}, transport);
      const std::string all = pattern(3000000);
      std::size_t written = 0;
      const auto fill = [&](Stream& s) {
        while (written < all.size()) {
          const std::string_view next = std::string_view(all).substr(written, piece);
          const Accepted answer = s.write(next);
          if (answer == Accepted::refused) return;
          written += next.size();
          if (answer == Accepted::slow_down) return;
        }
      };
      connection->on_drained(fill);
      fill(*connection);

      ASSERT_TRUE(
          spin_until(loop, [&] { return connection.peer.receive(), connection.peer.received.size() == all.size(); }))
          << "stalled after " << connection.peer.received.size() << " bytes, pieces of " << piece;

      EXPECT_EQ(connection.peer.received, all);
    }
  }
}

TEST(Stream, write_marks_take_effect_at_once) {
  EventLoop loop;
  Connection connection = connect(loop, {}, Transport::unix_pair, {.send = 4096});
  Record record_;
  record(*connection, record_);
  connection->write(pattern(100000));
  settle(loop);
  const std::size_t waiting = connection->output().size();
  ASSERT_GT(waiting, 50000U);

  connection->set_write_marks({.low = 1000, .high = 10000});  // passed already: the peer is not read from any more
  connection.peer.send("later");
  settle(loop);
  EXPECT_EQ(record_.data, "");

  ASSERT_EQ(connection->write("x"), Accepted::slow_down);
  connection->set_write_marks({.low = 200000, .high = 300000});  // now it is below the low mark
  settle(loop);
  EXPECT_EQ(record_.data, "later");
  EXPECT_EQ(record_.count('r'), 1);
  EXPECT_GE(connection->output().size(), waiting);
}

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

// --- the rest ---

TEST(Stream, a_callback_may_replace_itself_while_it_runs) {
  EventLoop loop;
  Connection connection = connect(loop);
  std::string order;
  const auto counted = std::make_shared<int>(7);
  connection->on_data([&order, counted](Stream& s) {
    s.input().clear();
    s.on_data([&order](Stream& again) {
      again.input().clear();
      order += '2';
    });
    order += *counted == 7 ? '1' : '!';  // what the old callback captured is still there
  });

  connection.peer.send("x");
  settle(loop);
  connection.peer.send("y");
  settle(loop);

  EXPECT_EQ(order, "12");
  EXPECT_EQ(counted.use_count(), 1) << "and is let go soon";
}

TEST(Stream, attached_objects_go_with_the_stream_or_with_their_successor) {
  struct Counted {
    explicit Counted(int* places) : places_(places) { ++*places_; }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;
    ~Counted() { --*places_; }
    int* places_;
  };
  EventLoop loop;
  Connection connection = connect(loop);
  int alive = 0;

  Counted& first = connection->attach<Counted>(&alive);
  EXPECT_EQ(&first, &connection->attached<Counted>());
  EXPECT_EQ(alive, 1);
  connection->attach<Counted>(&alive);
  EXPECT_EQ(alive, 1);
  connection->attach<std::string>("another type");
  EXPECT_EQ(alive, 0);
  EXPECT_EQ(connection->attached<std::string>(), "another type");
  connection->attach<Counted>(&alive);
  connection.stream.reset();
  settle(loop);

  EXPECT_EQ(alive, 0);
}

TEST(Stream, an_attached_object_may_be_used_to_the_end_of_the_callback_that_destroys_the_stream) {
  EventLoop loop;
  Connection connection = connect(loop);
  std::string seen;
  connection->on_data([&](Stream& s) {
    auto& text = s.attached<std::string>();
    connection.stream.reset();
    seen = text;
  });
  connection->attach<std::string>(pattern(1000));
  connection.peer.send("x");
  settle(loop);

  EXPECT_EQ(seen, pattern(1000));
}

TEST(Stream, knows_the_addresses_of_both_ends) {
  EventLoop loop;
  Connection connection = connect(loop, {}, Transport::tcp);
  sockaddr_in name{};
  socklen_t length = sizeof name;
  ASSERT_EQ(::getsockname(connection.peer.number(), reinterpret_cast<sockaddr*>(&name), &length), 0);

  const Result<Address> peer = connection->peer_address();
  const Result<Address> local = connection->local_address();

  ASSERT_TRUE(peer);
  ASSERT_TRUE(local);
  EXPECT_EQ(peer->port(), ntohs(name.sin_port));
  EXPECT_NE(local->port(), 0);
  connection->abort();
  EXPECT_FALSE(connection->peer_address());
}

TEST(Stream, settings_are_shared_until_one_stream_changes_its_own) {
  EventLoop loop;
  const StreamSettings settings(StreamOptions{.output_limit = 10});
  SocketPair first = open_sockets();
  SocketPair second = open_sockets();
  auto one = Stream::adopt(loop, std::move(first.ours), settings);
  auto two = Stream::adopt(loop, std::move(second.ours), settings);

  (*one)->set_output_limit(20);

  EXPECT_EQ((*one)->write(pattern(20)), Accepted::yes);
  EXPECT_EQ((*two)->write(pattern(20)), Accepted::refused);
  EXPECT_EQ(settings->output_limit, 10U);
}

using StreamDeathTest = testing::Test;

TEST(StreamDeathTest, marks_that_contradict_themselves_are_a_programmer_error) {
  EventLoop loop;
  Connection connection = connect(loop);

  EXPECT_DEATH(connection->set_read_marks({.low = 2, .high = 1}), "stream.cc");
  EXPECT_DEATH(connection->set_write_marks({.low = 0, .high = 0}), "stream.cc");
  EXPECT_DEATH(connection->when_sent({}), "stream.cc");
}

}  // namespace
}  // namespace weir
