// weir: tests of reading frames from streams of every kind, and of input that a reader needs above the marks.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/stream_kinds.h"
#include "tests/support/test_world.h"
#include "weir/buffer/frame_reader.h"
#include "weir/buffer/line_reader.h"
#include "weir/loop/event_loop.h"
#include "weir/loop/timer.h"
#include "weir/stream/stream.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;

class StreamReading : public EveryKind {
 protected:
  /// Has each result of a read written down: the bytes, or the error in brackets.
  Stream::ReadHandler noted() {
    return [this](Stream&, Result<Buffer> result) {
      results.push_back(result ? text_of(*result) : "<" + result.error().message() + ">");
    };
  }
  static std::string failed(std::error_code error) { return "<" + error.message() + ">"; }
  bool wait_for(std::size_t count) {
    return spin_until(loop, [&] { return results.size() >= count; });
  }
  void send(std::string_view text) { ASSERT_NE(near().write(text), Accepted::refused); }

  std::vector<std::string> results;
};

TEST_P(StreamReading, frames_are_handed_over_one_by_one_however_they_arrive) {
  open();
  far().on_frame(LineReader(), [&](Stream&, Buffer line) { results.push_back(text_of(line)); });

  send("one\ntwo\r\nthr");
  ASSERT_TRUE(wait_for(2));
  settle(loop);
  EXPECT_EQ(results, (std::vector<std::string>{"one", "two"}));
  send("ee\n\nfive\nrest");
  ASSERT_TRUE(wait_for(5));
  settle(loop);

  EXPECT_EQ(results, (std::vector<std::string>{"one", "two", "three", "", "five"}));
  EXPECT_EQ(text_of(far().input()), "rest");
}

TEST_P(StreamReading, a_frame_above_the_high_mark_arrives) {
  open({}, {.read_marks = {.low = 100, .high = 1000}});
  far().on_frame(LengthReader({.limit = 900'000}), [&](Stream&, Buffer frame) { results.push_back(text_of(frame)); });
  Buffer message(loop.pool());
  message.append_big_endian(std::uint32_t{800'000});
  message.append(pattern(800'000));

  ASSERT_NE(near().write(std::move(message)), Accepted::refused);
  ASSERT_TRUE(wait_for(1));

  EXPECT_TRUE(results[0] == pattern(800'000));
}

TEST_P(StreamReading, a_frame_that_is_too_long_ends_the_stream_with_a_limit) {
  open();
  std::optional<std::error_code> error;
  far().on_frame(LineReader(10), [](Stream&, Buffer) { FAIL(); });
  far().on_closed([&](Stream&, std::error_code why) { error = why; });

  send("12345678901");
  ASSERT_TRUE(spin_until(loop, [&] { return error.has_value(); }));

  EXPECT_EQ(*error, errc::limit);
}

TEST_P(StreamReading, a_framer_that_may_need_more_than_the_input_limit_is_refused_at_once) {
  open({}, {.input_limit = 100'000});
  std::optional<std::error_code> error;
  far().on_frame(LineReader(100'001), [](Stream&, Buffer) { FAIL(); });
  far().on_closed([&](Stream&, std::error_code why) { error = why; });

  send("short");
  ASSERT_TRUE(spin_until(loop, [&] { return error.has_value(); }));

  EXPECT_EQ(*error, errc::limit);
}

TEST_P(StreamReading, the_handler_of_frames_may_pause_replace_and_destroy) {
  open();
  far().on_frame(LineReader(), [&](Stream& s, Buffer line) {
    results.push_back(text_of(line));
    s.pause();
  });
  send("a\nb\nc\nd\n");
  ASSERT_TRUE(wait_for(1));
  settle(loop);
  EXPECT_EQ(results, std::vector<std::string>{"a"});

  far().resume();
  ASSERT_TRUE(wait_for(2));
  far().on_frame(LineReader(), [&](Stream& s, Buffer line) {
    results.push_back("new " + text_of(line));
    s.on_data([&](Stream& again) {
      results.push_back("raw " + text_of(again.input()));
      ends.far.reset();
    });
  });
  far().resume();
  ASSERT_TRUE(wait_for(4));
  settle(loop);

  EXPECT_EQ(results, (std::vector<std::string>{"a", "b", "new c", "raw d\n"}));
}

TEST_P(StreamReading, frames_that_are_left_when_the_turn_is_broken_come_in_the_next) {
  open();
  far().on_frame(LineReader(), [&](Stream&, Buffer line) {
    results.push_back(text_of(line));
    loop.break_now();
  });
  send("a\nb\nc\n");
  for (int i = 0; i < 1000 && results.empty(); ++i) ASSERT_TRUE(loop.poll());

  EXPECT_EQ(results, std::vector<std::string>{"a"});
  ASSERT_TRUE(wait_for(3));
  EXPECT_EQ(results, (std::vector<std::string>{"a", "b", "c"}));
}

TEST_P(StreamReading, reads_of_one_frame_follow_each_other_and_leave_the_rest_to_on_data) {
  open();
  far().read_line([&](Stream& s, Result<Buffer> line) {
    results.push_back(text_of(*line));
    s.read_exactly(5, [&](Stream& again, Result<Buffer> five) {
      results.push_back(text_of(*five));
      again.read_until("--", noted());
    });
  });
  far().on_data([&](Stream& s) { results.push_back("raw " + text_of(s.input().take_all())); });

  send("line\r\n12345till--the rest");
  ASSERT_TRUE(wait_for(4));

  EXPECT_EQ(results, (std::vector<std::string>{"line", "12345", "till", "raw the rest"}));
}

TEST_P(StreamReading, a_read_is_answered_later_also_when_the_bytes_are_here) {
  open();
  send("here");
  ASSERT_TRUE(spin_until(loop, [&] { return far().input().size() == 4; }));

  far().read_exactly(4, noted());
  EXPECT_TRUE(results.empty());
  ASSERT_TRUE(wait_for(1));
  far().read_exactly(0, noted());
  ASSERT_TRUE(wait_for(2));

  EXPECT_EQ(results, (std::vector<std::string>{"here", ""}));
}

TEST_P(StreamReading, a_read_above_the_high_mark_is_served_and_the_mark_holds_again_after_it) {
  open({}, {.read_marks = {.low = 100, .high = 1000}});
  far().read_exactly(500'000, noted());
  near().write(pattern(900'000));

  ASSERT_TRUE(wait_for(1));
  settle(loop, 50);

  EXPECT_TRUE(results[0] == pattern(500'000));
  EXPECT_LE(far().input().size(), 1000 + 2 * 64_KiB);
}

TEST_P(StreamReading, a_read_of_more_than_the_input_limit_fails_at_once) {
  open({}, {.input_limit = 100'000});
  far().read_exactly(100'001, noted());
  ASSERT_TRUE(wait_for(1));

  EXPECT_EQ(results[0], failed(errc::limit));
  EXPECT_TRUE(far().is_open());
}

TEST_P(StreamReading, a_read_that_the_end_cuts_short_is_told_so_before_the_end) {
  open();
  far().on_end([&](Stream&) { results.push_back("end"); });
  far().read_exactly(10, noted());
  send("123");
  near().finish_writing();
  ASSERT_TRUE(wait_for(2));
  far().read_line(noted());
  ASSERT_TRUE(wait_for(3));

  EXPECT_EQ(results, (std::vector<std::string>{failed(errc::eof), "end", failed(errc::eof)}));
  EXPECT_EQ(text_of(far().input()), "123");
}

TEST_P(StreamReading, a_read_of_a_paused_stream_waits_also_at_the_end) {
  open();
  far().on_end([](Stream&) {});
  far().pause();
  far().read_exactly(3, noted());
  send("123");
  near().finish_writing();
  settle(loop, 50);
  EXPECT_TRUE(results.empty());

  far().resume();
  ASSERT_TRUE(wait_for(1));

  EXPECT_EQ(results[0], "123");
}

TEST_P(StreamReading, a_read_that_waits_when_the_stream_fails_gets_the_terminal_error) {
  open();
  far().on_closed([&](Stream&, std::error_code error) { results.push_back(failed(error)); });
  far().read_exactly(10, noted());
  far().set_deadline(loop.now() + 20ms);
  ASSERT_TRUE(wait_for(2));

  EXPECT_EQ(results, (std::vector<std::string>(2, failed(errc::deadline_passed))));
}

TEST_P(StreamReading, a_read_may_destroy_the_stream_and_is_not_answered_after_an_abort) {
  open();
  far().read_exactly(1, [&](Stream&, Result<Buffer>) {
    results.emplace_back("read");
    ends.far.reset();
  });
  near().read_exactly(1, noted());
  send("12");
  ASSERT_TRUE(wait_for(1));
  near().abort();
  settle(loop, 30);

  EXPECT_EQ(results, std::vector<std::string>{"read"});
}

TEST_P(StreamReading, what_on_data_needs_above_the_high_mark_arrives_if_it_says_so) {
  open({}, {.read_marks = {.low = 100, .high = 1000}});
  bool has_all = false;
  far().on_data([&](Stream& s) {
    EXPECT_TRUE(s.need_input(300'000));
    has_all = s.input().size() >= 300'000;
  });
  near().write(pattern(300'000));

  ASSERT_TRUE(spin_until(loop, [&] { return has_all; }));

  EXPECT_FALSE(far().need_input(5_MiB));
}

WEIR_EVERY_KIND(StreamReading);

// --- time ---

class StreamDeadline : public EveryKind {
 protected:
  void SetUp() override {
    if (!is_simulated()) GTEST_SKIP() << "needs virtual time";
  }
  bool wait_for_end() {
    return spin_until(loop, [&] { return told.closed == 1; });
  }
  Record told;
};

// hazard: S9
TEST_P(StreamDeadline, a_slow_drip_does_not_extend_a_deadline) {
  open();
  record(far(), told);
  const TimePoint begin = loop.now();
  far().set_time_limits({.read = 300ms});
  far().set_deadline(begin + 1s);
  Timer drip(loop, [&](Timer&) { near().write("x"); });
  drip.start_every(100ms);

  ASSERT_TRUE(wait_for_end());

  EXPECT_EQ(told.error, errc::deadline_passed);
  EXPECT_GE(told.data.size(), 9U);
  EXPECT_GE(world().now() - begin, 1s);
  EXPECT_LE(world().now() - begin, 1010ms);
}

TEST_P(StreamDeadline, data_that_arrives_in_the_same_turn_may_lift_it) {
  open();
  far().set_deadline(loop.now() + 100ms);
  far().on_data([&](Stream& s) {
    told.data += text_of(s.input().take_all());
    s.set_deadline(TimePoint::max());
  });
  far().on_closed([&](Stream&, std::error_code) { ++told.closed; });
  loop.post([&] {
    near().write("in time");
    near().flush_now();
    world().run_for(150ms);  // the loop is busy
  });

  settle(loop, 30);
  ASSERT_TRUE(spin_until(loop, [&] { return told.data == "in time"; }));
  settle(loop, 300);

  EXPECT_EQ(told.closed, 0);
}

// hazard: S7
TEST_P(StreamDeadline, a_read_limit_does_not_count_while_the_program_does_not_read) {
  open();
  record(far(), told);
  far().set_time_limits({.read = 100ms});
  far().pause();
  settle(loop, 1000);
  EXPECT_EQ(told.closed, 0);
  const TimePoint resumed = world().now();

  far().resume();
  ASSERT_TRUE(wait_for_end());

  EXPECT_EQ(told.error, errc::read_timed_out);
  EXPECT_GE(world().now() - resumed, 100ms);
}

// hazard: S7
TEST_P(StreamDeadline, a_write_limit_counts_progress_and_ends_a_peer_that_takes_nothing) {
  open({.time_limits = {.write = 500ms}});
  record(near(), told);
  far().pause();
  const auto fill = [](Stream& s) {
    while (s.write(pattern(100'000)) == Accepted::yes) {}
  };
  near().on_drained(fill);
  fill(near());
  const TimePoint begin = world().now();

  ASSERT_TRUE(wait_for_end());

  EXPECT_EQ(told.error, errc::write_timed_out);
  EXPECT_LE(world().now() - begin, 1200ms);
}

WEIR_EVERY_KIND(StreamDeadline);

}  // namespace
}  // namespace weir
