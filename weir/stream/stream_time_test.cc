// weir: tests of time limits in turns that take long, without memory, and of marks that must not hold up an end.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/stream_support.h"
#include "tests/support/test_world.h"
#include "weir/buffer/pool.h"
#include "weir/loop/event_loop.h"
#include "weir/loop/timer.h"
#include "weir/stream/stream.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;

class StreamTime : public SimulatedTest {
 protected:
  void open(StreamOptions options, EventLoop& on) {
    connection = connect(on, options);
    record(*connection, told);
  }
  void open(StreamOptions options) { open(options, loop); }

  void run_for(Duration length, EventLoop& which) {
    Timer end(which, [&](Timer&) { which.stop(); });
    end.start(length);
    ASSERT_TRUE(which.run());
  }
  void run_for(Duration length) { run_for(length, loop); }

  EventLoop loop;
  Record told;
  Connection connection;
};

TEST_F(StreamTime, the_write_limit_counts_from_a_write_late_in_a_long_turn) {
  open({.time_limits = {.write = 200ms}});
  TimePoint written;
  loop.post([&] {
    world().run_for(300ms);
    written = world().now();
    connection->write(pattern(1_MiB));
  });

  ASSERT_TRUE(loop.run_until([&] { return told.closed == 1; }));

  EXPECT_EQ(told.error, errc::write_timed_out);
  EXPECT_GE(world().now() - written, 200ms);
  EXPECT_LE(world().now() - written, 210ms);
}

TEST_F(StreamTime, how_late_a_limit_is_heard_of_is_measured_when_it_is_reached) {
  open({.time_limits = {.read = 100ms}});
  run_for(60ms);
  connection.peer.send("not yet");
  run_for(60ms);  // the timer looked, and found that the limit had moved
  const LoopInsight before = loop.insight();
  loop.post([&] { world().run_for(70ms); });

  ASSERT_TRUE(loop.run_until([&] { return told.closed == 1; }));

  const LoopInsight since = loop.insight().since(before);
  EXPECT_EQ(told.error, errc::read_timed_out);
  EXPECT_EQ(before.timer_lateness.count(), 2U) << "those of run_for";
  EXPECT_EQ(since.timer_lateness.count(), 1U);
  EXPECT_GE(since.timer_lateness.max(), 25ms);
  EXPECT_LE(since.timer_lateness.max(), 40ms);
  EXPECT_EQ(since.counters.timers, 0U) << "that is of Timers";
}

TEST_F(StreamTime, the_read_limit_counts_from_a_resume_late_in_a_long_turn) {
  open({.time_limits = {.read = 200ms}});
  connection->pause();
  TimePoint resumed;
  loop.post([&] {
    world().run_for(300ms);
    resumed = world().now();
    connection->resume();
  });

  ASSERT_TRUE(loop.run_until([&] { return told.closed == 1; }));

  EXPECT_EQ(told.error, errc::read_timed_out);
  EXPECT_GE(world().now() - resumed, 200ms);
  EXPECT_LE(world().now() - resumed, 210ms);
}

/// More streams than a wait reports at once, so that the time of most is over before the loop hears of their data.
TEST_F(StreamTime, data_that_waits_in_the_kernel_wins_over_limits_that_passed_while_the_loop_was_busy) {
  for (const TimeLimits& limits : {TimeLimits{.read = 300ms}, TimeLimits{.idle = 300ms}}) {
    std::vector<Connection> connections;
    std::vector<Record> records(300);
    for (Record& each : records) {
      connections.push_back(connect(loop, {.time_limits = limits}));
      record(*connections.back(), each);
    }
    settle(loop);

    loop.post([&] {
      for (Connection& each : connections) each.peer.send("x");
      world().run_for(400ms);
    });
    settle(loop, 20);

    for (const Record& each : records) {
      ASSERT_EQ(each.data, "x");
      ASSERT_EQ(each.closed, 0);
    }
    run_for(500ms);
    for (const Record& each : records) ASSERT_EQ(each.closed, 1) << "now nothing has come for long enough";
  }
}

TEST_F(StreamTime, waiting_for_memory_is_not_the_peers_silence) {
  Pool pool({.limit = 1_MiB});
  {
    EventLoop short_loop({.pool = &pool});
    open({.time_limits = {.read = 200ms}}, short_loop);
    Result<Block> block = pool.try_allocate(800_KiB);
    ASSERT_TRUE(block);
    connection.peer.send("data");

    run_for(500ms, short_loop);
    EXPECT_EQ(told.order, "");
    block = errc::eof;
    settle(short_loop);
    EXPECT_EQ(told.order, "d");
    ASSERT_TRUE(short_loop.run_until([&] { return told.closed == 1; }));

    EXPECT_EQ(told.data, "data");
    EXPECT_EQ(told.error, errc::read_timed_out);
    connection = {};
  }
}

TEST_F(StreamTime, pausing_and_resuming_does_not_put_off_the_idle_limit) {
  open({.time_limits = {.idle = 200ms}});
  Timer timer(loop, [&](Timer&) {
    connection->pause();
    connection->resume();
  });
  timer.start_every(100ms);
  const TimePoint start = world().now();

  ASSERT_TRUE(loop.run_until([&] { return told.closed == 1 || world().now() - start > 2s; }));

  EXPECT_EQ(told.error, errc::idle_timed_out);
  EXPECT_LE(world().now() - start, 310ms);
}

TEST_F(StreamTime, read_marks_set_after_finish_do_not_keep_the_peers_end_from_being_seen) {
  open({.linger = 1s});
  connection->on_data([](Stream&) {});  // leaves it
  connection.peer.send("0123456789");
  settle(loop);
  ASSERT_EQ(connection->input().size(), 10U);

  connection->finish();
  connection->set_read_marks({.low = 0, .high = 4});
  connection.peer.close();
  const TimePoint start = world().now();
  ASSERT_TRUE(loop.run_until([&] { return told.closed == 1; }));

  EXPECT_LT(world().now() - start, 500ms);
}

using StreamMarksDeathTest = StreamTime;

TEST_F(StreamMarksDeathTest, options_with_a_high_mark_of_zero_or_below_the_low_one_are_a_programmers_error) {
  const auto make = [](Marks read, Marks write) { (void)StreamSettings({.read_marks = read, .write_marks = write}); };
  const Marks good{.low = 1, .high = 1};

  make(good, good);

  EXPECT_DEATH(make(good, {.low = 0, .high = 0}), "stream_options.h");
  EXPECT_DEATH(make({.low = 0, .high = 0}, good), "stream_options.h");
  EXPECT_DEATH(make(good, {.low = 2, .high = 1}), "stream_options.h");
  EXPECT_DEATH(make({.low = 2, .high = 1}, good), "stream_options.h");
}

}  // namespace
}  // namespace weir
