// weir: tests of the time limits of streams, in virtual time.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

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

/// A loop in virtual time, and a connection on it.
class StreamLimits : public SimulatedTest {
 protected:
  void open(StreamOptions options, SocketBuffers ours = {.send = 4096}) {
    connection = connect(loop, options, Transport::unix_pair, ours);
    record(*connection, record_);
    start = world().now();
  }

  /// Runs `what` every `period` of the loop's time.
  void every(Duration period, Callback<void(Timer&)> what) {
    ticker = std::make_unique<Timer>(loop, std::move(what));
    ticker->start_every(period);
  }

  Duration elapsed() { return world().now() - start; }

  void run_until_closed() {
    ASSERT_TRUE(loop.run_until([&] { return record_.closed > 0; }));
  }
  void run_for(Duration length) {
    Timer end(loop, [&](Timer&) { loop.stop(); });
    end.start(length);
    ASSERT_TRUE(loop.run());
  }

  EventLoop loop;
  Connection connection;
  Record record_;
  TimePoint start;
  std::unique_ptr<Timer> ticker;
};

// hazard: S7
TEST_F(StreamLimits, a_write_that_makes_no_progress_is_cut_after_its_limit) {
  open({});
  connection->write(pattern(1_MiB));

  run_until_closed();

  EXPECT_EQ(record_.error, errc::write_timed_out);
  EXPECT_GE(elapsed(), 60s);
  EXPECT_LE(elapsed(), 60s + 2ms);
  EXPECT_EQ(record_.order, "c");
}

// hazard: S7
TEST_F(StreamLimits, a_slow_drip_of_progress_is_not_cut) {
  open({.output_limit = 16_MiB, .time_limits = {.write = 1s}});
  connection->write(pattern(1_MiB));
  std::size_t taken = 0;
  every(900ms, [&](Timer&) { taken += connection.peer.receive(20000); });

  ASSERT_TRUE(loop.run_until([&] { return connection->output().is_empty() || record_.closed > 0; }));

  EXPECT_EQ(record_.closed, 0);
  EXPECT_GT(elapsed(), 10s);
  ticker.reset();
  connection->write(pattern(1_MiB));  // and when the drip ends, the limit counts from there
  start = world().now();
  run_until_closed();
  EXPECT_EQ(record_.error, errc::write_timed_out);
  EXPECT_LE(elapsed(), 1s + 2ms);
}

// hazard: S7
TEST_F(StreamLimits, writing_again_and_again_is_no_progress) {
  open({.time_limits = {.write = 1s}});
  connection->write(pattern(500000));
  every(100ms, [&](Timer&) {
    connection->write("more");
    connection->flush_now();
  });

  run_until_closed();

  EXPECT_EQ(record_.error, errc::write_timed_out);
  EXPECT_LE(elapsed(), 1s + 2ms);
}

TEST_F(StreamLimits, waiting_output_that_was_sent_in_time_does_not_count_on) {
  open({.time_limits = {.write = 1s}});
  connection->write(pattern(100000));
  run_for(900ms);
  while (!connection->output().is_empty()) {
    connection.peer.receive();
    (void)loop.poll();
  }

  run_for(10s);

  EXPECT_EQ(record_.closed, 0);
}

TEST_F(StreamLimits, a_silent_peer_is_cut_after_the_read_limit) {
  open({.time_limits = {.read = 5s}});

  run_until_closed();

  EXPECT_EQ(record_.error, errc::read_timed_out);
  EXPECT_GE(elapsed(), 5s);
  EXPECT_LE(elapsed(), 5s + 2ms);
}

TEST_F(StreamLimits, each_byte_read_starts_the_read_limit_anew) {
  open({.time_limits = {.read = 5s}});
  int drips = 0;
  every(4s, [&](Timer&) {
    if (++drips <= 10) connection.peer.send("x");
  });

  run_until_closed();

  EXPECT_EQ(record_.data.size(), 10U);
  EXPECT_GE(elapsed(), 45s);
  EXPECT_LE(elapsed(), 45s + 2ms);
}

// hazard: S7
TEST_F(StreamLimits, the_read_limit_does_not_count_while_reading_is_suspended) {
  open({.read_marks = {.low = 1, .high = 10}, .time_limits = {.read = 5s}});
  connection->pause();
  run_for(20s);
  EXPECT_EQ(record_.closed, 0) << "paused by the user";
  connection->resume();
  run_for(4900ms);
  EXPECT_EQ(record_.closed, 0) << "it counts from the resume";

  connection->on_data({});
  connection.peer.send(pattern(10));
  run_for(20s);
  EXPECT_EQ(record_.closed, 0) << "suspended by the full input";
  connection->input().clear();
  start = world().now();
  run_until_closed();
  EXPECT_EQ(record_.error, errc::read_timed_out);
  EXPECT_GE(elapsed(), 5s);
}

TEST_F(StreamLimits, nothing_that_moves_either_way_is_cut_after_the_idle_limit) {
  open({.time_limits = {.idle = 3s}}, {});
  int rounds = 0;
  every(2s, [&](Timer&) {
    if (++rounds > 6) return;
    if (rounds % 2 == 0) connection.peer.send("x");
    if (rounds % 2 == 1) connection->write("y");
  });

  run_until_closed();

  EXPECT_EQ(record_.error, errc::idle_timed_out);
  EXPECT_GE(elapsed(), 15s);
  EXPECT_LE(elapsed(), 15s + 2ms);
}

TEST_F(StreamLimits, last_moved_follows_bytes_of_either_way) {
  open({});
  EXPECT_EQ(connection->last_moved(), start);
  run_for(2s);
  EXPECT_EQ(connection->last_moved(), start);

  connection.peer.send("x");
  settle(loop);
  const TimePoint received = connection->last_moved();
  EXPECT_GE(received - start, 2s);
  run_for(3s);
  EXPECT_EQ(connection->last_moved(), received);
  connection->write("y");
  settle(loop);

  EXPECT_GE(connection->last_moved() - received, 3s);
}

TEST_F(StreamLimits, limits_can_be_set_later_and_lifted_again) {
  open({});
  run_for(100s);
  connection.peer.send("x");
  settle(loop);
  connection->set_time_limits({.read = 2s});
  run_for(1s);
  connection->set_time_limits({.read = TimeLimits::no_limit});
  run_for(100s);
  EXPECT_EQ(record_.closed, 0);

  connection->set_time_limits({.idle = 2s});  // passed long ago
  start = world().now();
  run_until_closed();

  EXPECT_EQ(record_.error, errc::idle_timed_out);
  EXPECT_LE(elapsed(), 2ms);
}

// hazard: S7
TEST_F(StreamLimits, data_that_arrived_in_the_same_turn_wins) {
  open({.time_limits = {.read = 5s}});
  settle(loop, 1);
  world().run_for(6s);
  connection.peer.send("just in time");

  settle(loop, 3);

  EXPECT_EQ(record_.closed, 0);
  EXPECT_EQ(record_.data, "just in time");
}

TEST_F(StreamLimits, time_that_passed_outside_of_the_loop_before_the_stream_was_made_does_not_count) {
  settle(loop);
  world().run_for(100s);
  open({.time_limits = {.read = 5s, .idle = 6s}});
  settle(loop);
  EXPECT_EQ(record_.closed, 0);

  run_until_closed();

  EXPECT_GE(elapsed(), 5s);
}

TEST_F(StreamLimits, time_that_passed_outside_of_the_loop_before_a_resume_does_not_count) {
  open({.time_limits = {.read = 5s}});
  connection->pause();
  settle(loop);
  world().run_for(100s);
  connection->resume();
  settle(loop);
  EXPECT_EQ(record_.closed, 0);
}

TEST_F(StreamLimits, are_armed_lazily_with_one_timer_and_no_call_a_read) {
  open({.time_limits = {.read = 60s}});
  const std::uint64_t turns = loop.counters().turns;
  for (int i = 0; i < 1000; ++i) {
    connection.peer.send("x");
    (void)loop.run_once();
    world().run_for(1ms);
  }
  EXPECT_EQ(loop.counters().turns - turns, 1000U) << "no turn is spent on moving the limit";

  start = world().now();
  run_until_closed();
  EXPECT_LE(elapsed(), 60s + 2ms);
  EXPECT_GE(elapsed(), 60s - 1ms);
}

TEST_F(StreamLimits, a_finished_stream_is_still_cut_when_the_peer_takes_nothing) {
  open({.time_limits = {.write = 7s}});
  connection->write(pattern(1_MiB));
  connection->finish();

  run_until_closed();

  EXPECT_EQ(record_.error, errc::write_timed_out);
  EXPECT_LE(elapsed(), 7s + 2ms);
}

TEST_F(StreamLimits, the_read_and_idle_limits_do_not_cut_a_stream_that_drains) {
  open({.time_limits = {.read = 1s, .idle = 1s}, .linger = 8s});
  connection->finish();

  run_until_closed();

  EXPECT_FALSE(record_.error);
  EXPECT_GE(elapsed(), 8s);
}

TEST_F(StreamLimits, the_longest_durations_never_fire) {
  open({.time_limits = {.write = TimeLimits::no_limit,
                        .read = Duration::max() - 1ns,
                        .idle = std::chrono::hours(24 * 365 * 200)},
        .linger = Duration::max()});
  connection->write(pattern(1_MiB));
  connection->set_time_limits({.write = Duration::max(), .read = Duration::max(), .idle = Duration::max()});

  run_for(std::chrono::hours(24 * 30));

  EXPECT_EQ(record_.closed, 0);
  connection->abort();
}

TEST_F(StreamLimits, a_limit_of_nothing_cuts_at_once_and_not_before_the_loop_runs) {
  open({});
  connection->set_time_limits({.read = 0ms});
  EXPECT_EQ(record_.closed, 0);

  settle(loop, 3);

  EXPECT_EQ(record_.error, errc::read_timed_out);
}

TEST_F(StreamLimits, a_time_limit_tells_those_who_wait_for_their_bytes) {
  open({.time_limits = {.write = 1s}});
  connection->write(pattern(1_MiB));
  std::error_code told;
  connection->when_sent([&](std::error_code error) { told = error; });

  run_until_closed();

  EXPECT_EQ(told, errc::write_timed_out);
}

}  // namespace
}  // namespace weir
