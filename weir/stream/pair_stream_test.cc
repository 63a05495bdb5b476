// weir: tests of what is told when an end and a failure come together, for streams of every kind.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <string>

#include "tests/support/stream_kinds.h"
#include "tests/support/test_world.h"
#include "weir/loop/event_loop.h"
#include "weir/stream/stream.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;

class StreamEndings : public EveryKind {
 protected:
  Record near_told;
  Record far_told;
};

TEST(PairStream, tells_an_end_that_came_before_writing_failed_when_reading_goes_on) {
  EventLoop loop;
  auto [near, far] =
      Stream::pair(loop, StreamOptions{.read_marks = {.low = 1, .high = 4}, .read_while_output_full = true});
  Record told;
  near->on_end([&](Stream&) { told.order += 'e'; });
  near->write(pattern(3_MiB));
  far->write("last");
  far->finish();  // throws away a megabyte of what comes, and closes
  ASSERT_TRUE(spin_until(loop, [&] { return !far->is_open(); }));
  settle(loop, 20);
  ASSERT_EQ(told.order, "");

  record(*near, told);
  ASSERT_TRUE(spin_until(loop, [&] { return told.closed == 1; })) << told.order;

  EXPECT_EQ(told.data, "last");
  EXPECT_TRUE(told.error);
  EXPECT_EQ(told.order, "dec");
}

TEST_P(StreamEndings, the_loop_may_end_while_both_linger) {
  auto* own = new EventLoop;
  Ends both = open_ends(*own, GetParam());
  both.near->write(pattern(3_MiB));
  both.far->write(pattern(3_MiB));
  settle(*own, 2);
  both = {};
  settle(*own, 1);
  delete own;
}

// hazard: S4
TEST_P(StreamEndings, an_answer_arrives_whole_though_its_reader_has_sent_more_than_was_read) {
  open({}, {.read_while_output_full = true});  // a pipe is not drained: its writer may wait for ever
  record(far(), far_told);
  near().on_data([](Stream& s) {
    s.input().drop(1);
    s.on_data([](Stream&) {});  // the rest is left unread
    s.write(pattern(500'000));
    s.finish();
  });
  far().write(pattern(900'000));

  ASSERT_TRUE(spin_until(loop, [&] { return far_told.count('e') == 1 || far_told.closed == 1; }));

  EXPECT_TRUE(far_told.data == pattern(500'000));
  EXPECT_EQ(far_told.count('e'), 1);
}

TEST_P(StreamEndings, a_half_closed_end_that_lingers_sends_all_it_had_accepted) {
  open();
  record(far(), far_told);
  far().finish_writing();
  near().on_end([](Stream&) {});
  ASSERT_TRUE(spin_until(loop, [&] { return near().has_peer_ended(); }));

  near().write(pattern(3_MiB));
  ends.near.reset();
  ASSERT_TRUE(spin_until(loop, [&] { return far_told.closed == 1; }));

  EXPECT_TRUE(far_told.data == pattern(3_MiB));
  EXPECT_FALSE(far_told.error);
}

TEST_P(StreamEndings, pausing_while_a_read_waits_holds_it_and_closing_ends_it_once) {
  open();
  std::string got;
  std::error_code how;
  near().read_exactly(5, [&](Stream&, Result<Buffer> bytes) { got = bytes ? text_of(*bytes) : "none"; });
  near().pause();
  far().write("12345678");
  settle(loop, 20);
  EXPECT_EQ(got, "");
  near().resume();
  ASSERT_TRUE(spin_until(loop, [&] { return got == "12345"; }));

  int calls = 0;
  near().read_exactly(5, [&](Stream&, Result<Buffer> bytes) {
    ++calls;
    how = bytes.error();
  });
  near().pause();
  settle(loop, 5);
  near().fail(errc::canceled);
  settle(loop, 5);
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(how, errc::canceled);
}

WEIR_EVERY_KIND(StreamEndings);

}  // namespace
}  // namespace weir
