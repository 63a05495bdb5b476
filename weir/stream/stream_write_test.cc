// weir: tests of writing to streams, and of the bounds on their output.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "tests/support/stream_support.h"
#include "weir/loop/event_loop.h"
#include "weir/stream/stream.h"
#include "weir/sys/fault_kernel.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;

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

TEST(Stream, flush_now_finds_room_that_the_system_has_not_reported) {
  EventLoop loop;
  Connection connection = connect(loop, {}, Transport::tcp, {.send = 100'000}, {.receive = 4096});
  connection->write(pattern(1_MiB));
  settle(loop);
  bool has_found = false;

  for (int i = 0; i < 200 && !has_found; ++i) {
    connection.peer.receive(2000);
    settle(loop);
    const std::size_t before = connection->output().size();
    const TimePoint moved = connection->last_moved();
    connection->flush_now();
    has_found = connection->output().size() < before;
    EXPECT_LE(moved, connection->last_moved());
  }

  EXPECT_TRUE(has_found);
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

}  // namespace
}  // namespace weir
