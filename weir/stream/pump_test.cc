// weir: tests of two coupled streams, of every kind on either side.
// SPDX-License-Identifier: MIT
#include "weir/stream/pump.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

#include "tests/support/stream_kinds.h"
#include "tests/support/test_world.h"
#include "weir/loop/event_loop.h"
#include "weir/stream/stream.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;

/// client ═ left.near … left.far ═pump═ right.near … right.far ═ server
class Pump : public testing::TestWithParam<std::tuple<StreamKind, StreamKind>> {
 protected:
  void open() {
    left = open_ends(loop, std::get<0>(GetParam()));
    right = open_ends(loop, std::get<1>(GetParam()));
    record(client(), client_told);
    record(server(), server_told);
  }
  void couple() {
    pump(*left.far, *right.near, [this](const PumpEnd& how) { end = how; });
  }
  Stream& client() { return *left.near; }
  Stream& server() { return *right.far; }
  bool spin(auto done) { return spin_until(loop, done); }

  EventLoop loop;
  Ends left;
  Ends right;
  Record client_told;
  Record server_told;
  std::optional<PumpEnd> end;
};

TEST_P(Pump, bytes_and_ends_pass_both_ways_and_both_close) {
  open();
  client().write("first");
  settle(loop, 20);
  couple();
  client().write(pattern(3_MiB));
  client().finish_writing();
  ASSERT_TRUE(spin([&] { return server_told.count('e') == 1; }));
  EXPECT_TRUE(server_told.data == "first" + pattern(3_MiB));

  server().write(pattern(2_MiB));
  server().finish();
  ASSERT_TRUE(spin([&] { return client_told.closed == 1 && server_told.closed == 1 && end.has_value(); }));

  EXPECT_TRUE(client_told.data == pattern(2_MiB));
  EXPECT_FALSE(client_told.error);
  EXPECT_FALSE(server_told.error);
  EXPECT_FALSE(end->error);
  EXPECT_EQ(end->forth, 3_MiB + 5);
  EXPECT_EQ(end->back, 2_MiB);
}

TEST_P(Pump, what_the_slower_one_does_not_take_holds_up_the_faster) {
  open();
  couple();
  server().pause();
  std::size_t written = 0;
  const std::string piece = pattern(100'000);
  for (int i = 0; i < 2000; ++i) {
    if (client().write(piece) == Accepted::yes)
      written += piece.size();
    else
      ASSERT_TRUE(loop.poll());
    if (client().is_output_full() && i > 1500) break;
  }
  settle(loop, 50);

  EXPECT_LE(right.near->output().size(), 512_KiB);
  EXPECT_LE(left.far->input().size(), 128_KiB);
  EXPECT_TRUE(client().is_output_full());
  server().resume();
  client().finish_writing();
  ASSERT_TRUE(spin([&] { return server_told.count('e') == 1; }));
  EXPECT_GE(server_told.data.size(), written);
}

// hazard: a peer that stops reading while its own output is full waits for this side to read, which must not wait for it.
TEST_P(Pump, an_echo_behind_it_goes_on_when_every_buffer_is_full) {
  open();
  couple();
  server().on_data([](Stream& s) { s.write(s.input().take_all()); });
  server().on_end(nullptr);
  const std::string all = pattern(4_MiB);
  client().set_write_marks({.low = 64_KiB, .high = unlimited});  // it reads whatever it has to send
  client().pause();
  client().write(all);
  settle(loop, 300);  // all that the buffers hold
  client().finish_writing();
  client().resume();

  ASSERT_TRUE(spin([&] { return client_told.count('e') == 1; }));

  EXPECT_TRUE(client_told.data == all);
}

// hazard: S3
TEST_P(Pump, an_end_that_comes_while_the_other_side_is_full_waits_for_the_bytes) {
  open();
  couple();
  server().pause();
  std::string written;
  while (left.far->input().is_empty()) {
    const std::string piece = pattern(5000, written.size());
    ASSERT_EQ(client().write(piece), Accepted::yes);
    written += piece;
    settle(loop, 20);
  }
  client().finish_writing();
  ASSERT_TRUE(spin([&] { return left.far->has_peer_ended(); }));
  settle(loop, 20);
  EXPECT_EQ(server_told.count('e'), 0);

  server().resume();
  ASSERT_TRUE(spin([&] { return server_told.count('e') == 1; }));

  EXPECT_TRUE(server_told.data == written);
}

TEST_P(Pump, a_side_that_fails_resets_the_other_after_what_it_was_given) {
  open();
  couple();
  client().write("given");
  ASSERT_TRUE(spin([&] { return server_told.data == "given"; }));

  client().abort();
  if (!std::get<0>(GetParam()).tells_reset) return;  // to the pump it looks like an end
  ASSERT_TRUE(spin([&] { return end.has_value() && server_told.closed + server_told.count('e') > 0; }));

  EXPECT_EQ(end->error, std::errc::connection_reset);
  EXPECT_TRUE(end->first_failed);
  if (std::get<1>(GetParam()).tells_reset) {
    EXPECT_EQ(server_told.error, std::errc::connection_reset);
  }
}

TEST_P(Pump, a_side_that_its_owner_destroys_or_aborts_cancels_the_other) {
  for (const bool destroys : {true, false}) {
    end.reset();
    server_told = {};
    open();
    couple();
    right.near->set_name("upstream");
    client().write("x");
    ASSERT_TRUE(spin([&] { return server_told.data == "x"; }));

    if (destroys) {
      left.far.reset();
    } else {
      left.far->abort();
    }
    ASSERT_TRUE(spin([&] { return server_told.closed == 1 || server_told.count('e') == 1; }));

    EXPECT_FALSE(right.near->is_open());
    ASSERT_TRUE(end.has_value());
    EXPECT_EQ(end->error, errc::canceled);
  }
}

TEST_P(Pump, both_may_be_destroyed_at_once_or_inside_a_callback) {
  open();
  couple();
  client().write(pattern(1_MiB));
  settle(loop, 2);
  left.far.reset();
  right.near.reset();
  settle(loop, 50);
  EXPECT_FALSE(end.has_value());

  open();
  pump(*left.far, *right.near, [this](const PumpEnd& how) {
    end = how;
    left = {};
    right = {};
  });
  client().finish();
  server().finish();
  ASSERT_TRUE(spin([&] { return end.has_value(); }));
  settle(loop, 50);
}

TEST_P(Pump, a_stream_that_has_ended_or_closed_before_is_noticed) {
  open();
  left.far->on_end([](Stream&) {});
  client().write("all");
  client().finish_writing();
  ASSERT_TRUE(spin([&] { return left.far->has_peer_ended(); }));
  settle(loop, 20);

  couple();
  ASSERT_TRUE(spin([&] { return server_told.count('e') == 1; }));
  EXPECT_EQ(server_told.data, "all");
}

// hazard: a stream closes when both ends are known, also while the other one has no room for what it has received.
TEST_P(Pump, what_is_left_of_a_closed_stream_arrives_though_its_owner_has_destroyed_it) {
  open();
  couple();
  server().pause();
  server().finish_writing();
  std::string written;
  while (left.far->input().is_empty()) {
    const std::string piece = pattern(5000, written.size());
    ASSERT_EQ(client().write(piece), Accepted::yes);
    written += piece;
    settle(loop, 20);
  }
  client().finish_writing();
  ASSERT_TRUE(spin([&] { return !left.far->is_open(); }));

  left.far.reset();
  settle(loop, 20);
  server().resume();
  ASSERT_TRUE(spin([&] { return server_told.count('e') == 1 && end.has_value(); }));

  EXPECT_TRUE(server_told.data == written);
  EXPECT_FALSE(end->error);
  EXPECT_EQ(end->forth, written.size());
}

constexpr StreamKind sides[] = {kinds::unix_socket, kinds::tcp, kinds::pair, kinds::frames_on_mask_on_unix};
INSTANTIATE_TEST_SUITE_P(, Pump, testing::Combine(testing::ValuesIn(sides), testing::ValuesIn(sides)),
                         [](const auto& kinds) {
                           return std::string(std::get<0>(kinds.param).name) + "_to_" +
                                  std::string(std::get<1>(kinds.param).name);
                         });

}  // namespace
}  // namespace weir
