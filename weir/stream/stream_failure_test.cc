// weir: tests of streams whose peer is gone or resets, and of what an event costs.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <csignal>
#include <memory>
#include <string>

#include "tests/support/stream_support.h"
#include "weir/loop/event_loop.h"
#include "weir/loop/timer.h"
#include "weir/stream/stream.h"
#include "weir/sys/fault_kernel.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;

/// The disposition of SIGPIPE for the length of a scope.
class DefaultSigpipe {
 public:
  DefaultSigpipe() : previous_(std::signal(SIGPIPE, SIG_DFL)) {}
  DefaultSigpipe(const DefaultSigpipe&) = delete;
  DefaultSigpipe& operator=(const DefaultSigpipe&) = delete;
  ~DefaultSigpipe() { std::signal(SIGPIPE, previous_); }

 private:
  void (*previous_)(int);
};

// hazard: S2, RE13
TEST(StreamEnd, writing_to_a_peer_that_is_gone_raises_no_sigpipe) {
  const OnRealKernel real;
  const DefaultSigpipe armed;
  for (const Transport transport : transports) {
    for (const bool in_pieces : {false, true}) {
      EventLoop loop;
      Connection connection = connect(loop, {.read_while_output_full = true}, transport);
      Record record_;
      record(*connection, record_);
      connection->pause();  // the end is not seen by reading
      connection.peer.reset();
      for (int i = 0; i < 10 && connection->is_open(); ++i) {
        connection->write(in_pieces ? Slice::from_static("static ") : Slice());
        connection->write("and copied");
        settle(loop, 2);
      }
      connection->resume();
      ASSERT_TRUE(spin_until(loop, [&] { return record_.closed == 1; }));
      EXPECT_TRUE(record_.error == std::errc::connection_reset || record_.error == std::errc::broken_pipe)
          << record_.error;
    }
  }
}

// hazard: E4
TEST(StreamEnd, an_error_while_writing_still_delivers_what_the_peer_had_sent) {
  for (const Transport transport : transports) {
    EventLoop loop;
    Connection connection = connect(loop, {}, transport, {.receive = 4 << 20}, {.send = 4 << 20});
    Record record_;
    record(*connection, record_);
    const std::string sent = pattern(1_MiB);
    const std::size_t count = connection.peer.send(sent);
    connection.peer.reset();
    connection->write("this fails before anything is read");

    connection->flush_now();
    EXPECT_EQ(record_.order, "") << "outside of the loop nothing is told";
    ASSERT_TRUE(spin_until(loop, [&] { return record_.closed == 1; }));

    EXPECT_EQ(record_.data.size(), count);
    EXPECT_EQ(record_.data, sent.substr(0, count));
    EXPECT_TRUE(record_.error);
    if (transport == Transport::tcp) {
      EXPECT_EQ(record_.error, std::errc::connection_reset);
      EXPECT_EQ(record_.count('e'), 0) << "a reset is no end";
    }
  }
}

TEST(StreamEnd, an_error_while_writing_to_a_paused_stream_waits_until_it_is_resumed) {
  EventLoop loop;
  Connection connection = connect(loop, {}, Transport::tcp);
  Record record_;
  record(*connection, record_);
  connection->pause();
  connection.peer.send("last words");
  connection.peer.reset();
  connection->write("fails");
  settle(loop);
  EXPECT_EQ(record_.order, "");

  connection->resume();
  ASSERT_TRUE(spin_until(loop, [&] { return record_.closed == 1; }));

  EXPECT_EQ(record_.data, "last words");
  EXPECT_EQ(record_.error, std::errc::connection_reset);
}

TEST(StreamEnd, a_broken_stream_that_is_paused_can_still_be_finished_and_destroyed) {
  for (const bool destroys : {false, true}) {
    EventLoop loop;
    Connection connection = connect(loop, {}, Transport::tcp);
    Record record_;
    record(*connection, record_);
    connection->pause();
    connection.peer.reset();
    connection->write("fails");
    settle(loop);
    ASSERT_EQ(record_.order, "");

    if (destroys) {
      connection.stream.reset();
    } else {
      connection->finish();
    }
    const Result<RunEnd> end = loop.run();

    ASSERT_TRUE(end);
    EXPECT_EQ(*end, RunEnd::empty);
    EXPECT_EQ(record_.closed, destroys ? 0 : 1);
  }
}

TEST(StreamEnd, an_end_that_cannot_be_sent_is_told_after_what_the_peer_had_sent) {
  EventLoop loop;
  Connection connection = connect(loop, {}, Transport::tcp, {.receive = 1 << 20});
  Record record_;
  record(*connection, record_);
  connection.peer.send(pattern(30000));
  connection.peer.reset();

  connection->finish_writing();
  connection->flush_now();  // shutdown(2) says ENOTCONN before anything was read
  ASSERT_TRUE(spin_until(loop, [&] { return record_.closed == 1; }));

  EXPECT_EQ(record_.data, pattern(30000));
  EXPECT_TRUE(record_.error);
  EXPECT_EQ(record_.count('e'), 0);
}

// hazard: S5
TEST(StreamEnd, a_reset_that_both_directions_notice_is_one_terminal_event) {
  EventLoop loop;
  Connection connection = connect(loop, {}, Transport::tcp, {.send = 4096}, {.receive = 4096});
  Record record_;
  record(*connection, record_);
  connection->write(pattern(300000));
  settle(loop);
  connection.peer.reset();

  ASSERT_TRUE(spin_until(loop, [&] { return record_.closed == 1; }));
  settle(loop, 20);

  EXPECT_EQ(record_.closed, 1);
  EXPECT_EQ(record_.order, "c");
  EXPECT_EQ(connection->write("x"), Accepted::closed);
  connection->finish();
  connection->finish_writing();
  connection->resume();
  connection->flush_now();
  connection->abort();
  settle(loop);
  EXPECT_EQ(record_.order, "c");
}

// hazard: E3
TEST(StreamEnd, a_reset_of_a_fully_paused_stream_costs_nothing_and_is_reported_on_resume) {
  EventLoop loop;
  sys::FaultKernel kernel;
  const sys::ScopedKernel installed(kernel);
  Connection connection = connect(loop, {}, Transport::tcp, {.send = 4096}, {.receive = 4096});
  Record record_;
  record(*connection, record_);
  connection->write(pattern(300000));
  connection->pause();
  settle(loop);
  connection.peer.reset();
  Timer second(loop, [&](Timer&) { loop.stop(); });
  second.start(200ms);
  const std::uint64_t before = kernel.waits();

  ASSERT_TRUE(loop.run());
  const std::uint64_t waits = kernel.waits() - before;
  connection->resume();
  ASSERT_TRUE(spin_until(loop, [&] { return record_.closed == 1; }));

  EXPECT_LE(waits, 5U);
  EXPECT_TRUE(record_.error);
}

// hazard: RE2
TEST(StreamEnd, one_event_that_says_everything_at_once_touches_nothing_after_the_stream_is_gone) {
  for (const char when : {'d', 'e', 'c'}) {
    EventLoop loop;
    Connection connection = connect(loop, {}, Transport::unix_pair, {.send = 4096});
    connection->write(pattern(100000));  // so that room to write is reported too
    settle(loop);
    connection->on_data([&](Stream& s) {
      s.input().clear();
      if (when == 'd') connection.stream.reset();
    });
    connection->on_end([&](Stream& s) {
      s.finish();
      if (when == 'e') connection.stream.reset();
    });
    connection->on_closed([&](Stream&, std::error_code) {
      if (when == 'c') connection.stream.reset();
    });
    connection.peer.send("data");
    connection.peer.receive();
    if (when == 'c') {
      connection.peer.close();  // in, out, end and hang-up in one event
    } else {
      connection.peer.finish();
    }

    ASSERT_TRUE(spin_until(loop, [&] { return connection.stream == nullptr; }));
    connection.peer.close();
    settle(loop, 20);
  }
}

// hazard: RE4, RE5
TEST(StreamEnd, room_to_write_sends_what_waits_and_then_costs_nothing) {
  EventLoop loop;
  sys::FaultKernel kernel;
  const sys::ScopedKernel installed(kernel);
  Connection connection = connect(loop, {}, Transport::tcp, {.send = 4096}, {.receive = 4096});
  const std::string ours = pattern(500000);
  connection->write(ours);
  ASSERT_TRUE(
      spin_until(loop, [&] { return connection.peer.receive(), connection.peer.received.size() == ours.size(); }));
  EXPECT_EQ(connection.peer.received, ours);
  settle(loop, 20);
  Timer second(loop, [&](Timer&) { loop.stop(); });
  second.start(100ms);
  const std::uint64_t before = kernel.all_calls();

  ASSERT_TRUE(loop.run());

  EXPECT_LE(kernel.all_calls() - before, 6U) << kernel.trace();
}

}  // namespace
}  // namespace weir
