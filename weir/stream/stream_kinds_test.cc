// weir: tests of what streams of every kind promise: their bytes, their ends, their bounds.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/stream_kinds.h"
#include "tests/support/test_world.h"
#include "weir/loop/event_loop.h"
#include "weir/stream/stream.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;

class StreamKinds : public EveryKind {
 protected:
  /// Writes all of `text` in random pieces, as far as the stream takes them, whenever it takes more.
  class Feeder {
   public:
    Feeder(Stream& to, std::string text, std::uint64_t seed) : to_(to), text_(std::move(text)), random_(seed) {
      to_.on_drained([this](Stream&) { feed(); });
    }
    void feed() {
      while (at_ < text_.size() && to_.is_writable()) {
        const std::size_t count = std::min<std::size_t>(1 + random_() % 30000, text_.size() - at_);
        const Accepted answer = to_.write(std::string_view(text_).substr(at_, count));
        if (answer == Accepted::yes || answer == Accepted::slow_down) at_ += count;
        if (answer != Accepted::yes) return;
      }
    }
    bool is_done() const { return at_ == text_.size(); }

   private:
    Stream& to_;
    const std::string text_;
    std::size_t at_ = 0;
    std::mt19937_64 random_;
  };

  Record near_told;
  Record far_told;
};

TEST_P(StreamKinds, bytes_arrive_both_ways_once_and_in_order) {
  open({.read_while_output_full = true}, {.read_while_output_full = true});  // or both might wait for the other to read
  record(far(), far_told);
  record(near(), near_told);
  const std::string there = pattern(700'000);
  const std::string back = pattern(300'000, 7);
  Feeder forth(near(), there, 1);
  Feeder answer(far(), back, 2);

  forth.feed();
  answer.feed();
  ASSERT_TRUE(spin_until(loop, [&] { return far_told.data.size() >= 700'000 && near_told.data.size() >= 300'000; }));
  settle(loop);

  EXPECT_TRUE(far_told.data == there);
  EXPECT_TRUE(near_told.data == back);
}

TEST_P(StreamKinds, an_echo_returns_what_was_sent) {
  open();
  far().on_data([](Stream& s) { s.write(s.input().take_all()); });
  record(near(), near_told);
  const std::string sent = pattern(500'000);
  Feeder feeder(near(), sent, 3);

  feeder.feed();
  ASSERT_TRUE(spin_until(loop, [&] { return near_told.data.size() >= sent.size(); }));

  EXPECT_TRUE(near_told.data == sent);
}

// hazard: S3
TEST_P(StreamKinds, after_the_peers_end_megabytes_still_go_the_other_way) {
  open();
  record(far(), far_told);
  record(near(), near_told);
  const std::string sent = pattern(GetParam().plenty);
  Feeder feeder(far(), sent, 4);

  near().write("last");
  near().finish_writing();
  ASSERT_TRUE(spin_until(loop, [&] { return far_told.count('e') == 1; }));
  feeder.feed();
  ASSERT_TRUE(spin_until(loop, [&] { return feeder.is_done(); }));
  far().finish_writing();
  ASSERT_TRUE(spin_until(loop, [&] { return near_told.closed == 1 && far_told.closed == 1; }));

  EXPECT_EQ(far_told.data, "last");
  EXPECT_TRUE(near_told.data == sent);
  EXPECT_FALSE(near_told.error);
  EXPECT_FALSE(far_told.error);
  EXPECT_EQ(near_told.order.substr(near_told.order.size() - 2), "ec");
}

TEST_P(StreamKinds, finish_delivers_everything_and_closes_both_in_order) {
  open();
  record(near(), near_told);
  record(far(), far_told, false);  // finishes too, by itself

  near().write(pattern(1_MiB));
  near().finish();
  EXPECT_EQ(near().write("more"), Accepted::closed);
  ASSERT_TRUE(spin_until(loop, [&] { return near_told.closed == 1 && far_told.closed == 1; }));

  EXPECT_TRUE(far_told.data == pattern(1_MiB));
  EXPECT_FALSE(near_told.error);
  EXPECT_FALSE(far_told.error);
}

TEST_P(StreamKinds, a_destroyed_stream_still_sends_what_it_had_accepted) {
  open();
  record(far(), far_told, false);

  near().write(pattern(1_MiB));
  ends.near.reset();
  ASSERT_TRUE(spin_until(loop, [&] { return far_told.closed == 1; }));

  EXPECT_TRUE(far_told.data == pattern(1_MiB));
  EXPECT_FALSE(far_told.error);
}

TEST_P(StreamKinds, an_abort_is_told_to_the_peer_once) {
  open();
  record(near(), near_told);
  record(far(), far_told, false);
  near().write("something");
  ASSERT_TRUE(spin_until(loop, [&] { return far_told.data == "something"; }));

  near().abort();
  ASSERT_TRUE(spin_until(loop, [&] { return far_told.closed == 1; }));
  settle(loop);

  if (GetParam().tells_reset) {
    EXPECT_EQ(far_told.error, std::errc::connection_reset);
  }
  EXPECT_EQ(far_told.closed, 1);
  EXPECT_EQ(near_told.closed, 0);
}

// hazard: S5
TEST_P(StreamKinds, after_the_peer_is_gone_what_was_written_fails_once_in_order_before_one_terminal_event) {
  open();
  far().pause();
  near().on_closed([&](Stream&, std::error_code error) {
    near_told.order += 'c';
    near_told.error = error;
  });
  near().on_end([](Stream&) {});
  for (int i = 0; i < 3; ++i) {
    near().write(pattern(1_MiB));
    near().when_sent([&, i](std::error_code error) { near_told.order += static_cast<char>((error ? 'f' : '0') + i); });
  }
  settle(loop);
  const std::size_t in_time = near_told.order.size();

  ends.far->abort();
  ASSERT_TRUE(spin_until(loop, [&] {
    near().write("x");
    return near_told.order.find('c') != std::string::npos;
  }));
  settle(loop);

  EXPECT_EQ(near_told.order, std::string("012").substr(0, in_time) + std::string("fgh").substr(in_time) + "c");
  EXPECT_TRUE(near_told.error);
}

// hazard: S8
TEST_P(StreamKinds, a_peer_that_reads_nothing_costs_a_bounded_amount_and_loses_nothing) {
  open({.output_limit = 2_MiB});
  record(far(), far_told);
  far().pause();
  const std::string piece = pattern(100'000);
  std::size_t written = 0;
  for (Accepted answer = Accepted::yes; answer != Accepted::refused && written < 100_MiB;) {
    answer = near().write(piece);
    if (answer != Accepted::refused) written += piece.size();
    if (answer == Accepted::slow_down) settle(loop, 2);
  }
  EXPECT_LE(near().output().size(), 2_MiB);
  EXPECT_LE(written, most_under_way);
  EXPECT_LE(far().input().size(), 128_KiB);

  far().resume();
  ASSERT_TRUE(spin_until(loop, [&] { return far_told.data.size() == written; }));
  for (std::size_t at = 0; at < written; at += piece.size()) {
    ASSERT_TRUE(std::string_view(far_told.data).substr(at, piece.size()) == piece) << at;
  }
}

TEST_P(StreamKinds, input_that_is_not_taken_stops_at_its_mark_and_goes_on_when_it_is) {
  open({}, {.read_marks = {.low = 1000, .high = 5000}});
  int calls = 0;
  far().on_data([&](Stream&) { ++calls; });
  Feeder feeder(near(), pattern(2_MiB), 5);
  feeder.feed();
  settle(loop, 50);
  const int settled = calls;
  settle(loop, 50);

  EXPECT_EQ(calls, settled) << "called again though nothing has changed";
  EXPECT_GE(far().input().size(), 5000U);
  EXPECT_LE(far().input().size(), 5000 + 64_KiB);

  record(far(), far_told);
  ASSERT_TRUE(spin_until(loop, [&] { return far_told.data.size() == 2_MiB; }));
  EXPECT_TRUE(far_told.data == pattern(2_MiB));
}

TEST_P(StreamKinds, when_sent_is_called_in_order_and_once_each) {
  open();
  record(far(), far_told);
  std::string order;
  for (int i = 0; i < 5; ++i) {
    near().write(pattern(50'000));
    near().when_sent([&order, i](std::error_code error) { order += error ? "x" : std::to_string(i); });
  }

  ASSERT_TRUE(spin_until(loop, [&] { return far_told.data.size() == 250'000; }));
  settle(loop);

  EXPECT_EQ(order, "01234");
}

TEST_P(StreamKinds, writing_that_is_paused_sends_nothing_until_it_is_resumed) {
  open();
  record(far(), far_told);

  near().pause_writing();
  near().write("held");
  settle(loop);
  EXPECT_EQ(far_told.data, "");
  EXPECT_TRUE(near().is_writing_paused());
  near().resume_writing();
  ASSERT_TRUE(spin_until(loop, [&] { return far_told.data == "held"; }));

  near().pause_writing();
  near().write(" back");
  near().finish();
  ASSERT_TRUE(spin_until(loop, [&] { return far_told.count('e') == 1; }));
  EXPECT_EQ(far_told.data, "held back");
}

TEST_P(StreamKinds, writing_that_is_paused_in_the_middle_stops_and_then_goes_on) {
  open();
  record(far(), far_told);
  near().write(pattern(2_MiB - 1));
  settle(loop, 1);

  near().pause_writing();
  settle(loop, 100);
  const std::size_t before = far_told.data.size();
  settle(loop, 100);
  EXPECT_EQ(far_told.data.size(), before);
  near().resume_writing();

  ASSERT_TRUE(spin_until(loop, [&] { return far_told.data.size() == 2_MiB - 1; }));
  EXPECT_TRUE(far_told.data == pattern(2_MiB - 1));
}

TEST_P(StreamKinds, either_end_may_be_destroyed_in_each_of_its_callbacks_and_in_the_others) {
  for (const char when : std::string("derc")) {
    for (const bool destroys_other : {false, true}) {
      open();
      const auto strike = [&](char at) {
        if (at == when) (destroys_other ? ends.far : ends.near).reset();
      };
      near().on_data([&](Stream& s) {
        s.input().drop(1);
        strike('d');
      });
      near().on_end([&](Stream&) { strike('e'); });
      near().on_drained([&](Stream&) { strike('r'); });
      near().on_closed([&](Stream&, std::error_code) { strike('c'); });
      far().on_data([](Stream& s) { s.input().clear(); });
      near().write(pattern(300'000));
      far().write(pattern(300'000));
      settle(loop, 30);
      if (ends.far) ends.far->finish();
      settle(loop, 30);
      if (ends.near) ends.near->finish();
      settle(loop, 30);
      ends = {};
      settle(loop, 30);
    }
  }
}

WEIR_EVERY_KIND(StreamKinds);

}  // namespace
}  // namespace weir
