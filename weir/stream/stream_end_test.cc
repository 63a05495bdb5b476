// weir: tests of how streams end: in order, half, at once, in the background, and by failure.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <csignal>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/stream_support.h"
#include "weir/loop/event_loop.h"
#include "weir/loop/timer.h"
#include "weir/stream/stream.h"
#include "weir/sys/fault_kernel.h"

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
    const auto started = std::chrono::steady_clock::now();
    while (!closed && std::chrono::steady_clock::now() - started < patience) {
      if (offered < extra.size()) offered += connection.peer.send(std::string_view(extra).substr(offered));
      if (offered == extra.size()) {
        connection.peer.receive();  // only now: the answer waits in the kernel
        if (connection.peer.has_ended) connection.peer.finish();
      }
      (void)loop.poll();
    }
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
  {
    ClockKernel kernel;
    const sys::ScopedKernel installed(kernel);
    EventLoop loop;
    Connection connection = connect(loop, {.linger = 3s});
    Record record_;
    record(*connection, record_);
    const TimePoint start = kernel.now();
    connection->finish();
    ASSERT_TRUE(loop.run_until([&] { return record_.closed == 1; }));
    EXPECT_FALSE(record_.error);
    EXPECT_GE(kernel.now() - start, 3s);
    EXPECT_LE(kernel.now() - start, 3s + 2ms);
  }
}

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
  ClockKernel kernel;
  const sys::ScopedKernel installed(kernel);
  EventLoop loop;
  Connection connection = connect(loop, {.linger = 2s}, Transport::tcp, {.send = 4096}, {.receive = 4096});
  connection->write(pattern(1_MiB));
  const TimePoint start = kernel.now();
  connection.stream.reset();

  const Result<RunEnd> end = loop.run();  // the peer never reads

  ASSERT_TRUE(end);
  EXPECT_EQ(*end, RunEnd::empty);
  EXPECT_GE(kernel.now() - start, 2s);
  EXPECT_LE(kernel.now() - start, 2s + 2ms);
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

// --- failure ---

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
  const std::uint64_t before = kernel.calls(sys::Call::wait_epoll);

  ASSERT_TRUE(loop.run());
  const std::uint64_t waits = kernel.calls(sys::Call::wait_epoll) - before;
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
