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
#include "weir/sys/fault_kernel.h"

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
  client().write(pattern(4_MiB));
  client().finish_writing();
  settle(loop, 200);
  EXPECT_EQ(server_told.count('e'), 0);

  server().resume();
  ASSERT_TRUE(spin([&] { return server_told.count('e') == 1; }));

  EXPECT_TRUE(server_told.data == pattern(4_MiB));
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

// --- past the program ---

class SplicedPump : public testing::TestWithParam<Transport> {
 protected:
  void open(const StreamOptions& options = {}, SocketBuffers to_server = {}, SocketBuffers of_server = {}) {
    left = open_sockets(GetParam());
    right = open_sockets(GetParam(), to_server, of_server);
    first = *Stream::adopt(loop, std::move(left.ours), options);
    second = *Stream::adopt(loop, std::move(right.ours), options);
    pump(*first, *second, [this](const PumpEnd& how) { end = how; });
  }
  /// The client sends all of `text`, and the server takes what comes, at most `at_most` bytes a turn.
  void transfer(const std::string& text, std::size_t at_most = unlimited) {
    std::size_t sent = 0;
    const std::size_t before = right.peer.received.size();
    ASSERT_TRUE(spin_until(loop, [&] {
      sent += left.peer.send(std::string_view(text).substr(sent));
      right.peer.receive(at_most);
      return right.peer.received.size() == before + text.size() || right.peer.has_ended;
    }));
    EXPECT_TRUE(std::string_view(right.peer.received).substr(before) == text);
  }

  EventLoop loop;
  sys::FaultKernel kernel;
  sys::ScopedKernel installed{kernel};
  SocketPair left;
  SocketPair right;
  std::unique_ptr<Stream> first;
  std::unique_ptr<Stream> second;
  std::optional<PumpEnd> end;
};

TEST_P(SplicedPump, long_transfers_go_through_the_kernel_and_arrive_whole) {
  open();
  transfer(pattern(8_MiB));

  EXPECT_GT(kernel.calls(sys::Call::fill_pipe), 10U);
  left.peer.finish();
  right.peer.finish();
  ASSERT_TRUE(spin_until(loop, [&] { return end.has_value(); }));
  EXPECT_EQ(end->forth, 8_MiB);
  EXPECT_FALSE(end->error);
}

TEST_P(SplicedPump, short_ones_do_not) {
  open();
  for (int i = 0; i < 100; ++i) transfer(pattern(1000));

  EXPECT_EQ(kernel.calls(sys::Call::create_pipe), 0U);
}

TEST_P(SplicedPump, many_short_ones_after_a_long_one_go_through_memory_again) {
  open();
  transfer(pattern(4_MiB));
  ASSERT_GT(kernel.calls(sys::Call::fill_pipe), 0U);
  for (int i = 0; i < 40; ++i) transfer(pattern(100));
  const auto before = kernel.calls(sys::Call::fill_pipe);
  for (int i = 0; i < 40; ++i) transfer(pattern(100));

  EXPECT_EQ(kernel.calls(sys::Call::fill_pipe), before);
  transfer(pattern(4_MiB));
  EXPECT_GT(kernel.calls(sys::Call::fill_pipe), before);
}

// hazard: S1
TEST_P(SplicedPump, short_counts_and_interrupts_change_nothing) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    sys::FaultPlan plan;
    for (const sys::Call call : {sys::Call::fill_pipe, sys::Call::drain_pipe}) {
      plan += sys::FaultPlan::random(seed, 0.2, {.at_most = 1 + seed * 700}, {call});
      plan += sys::FaultPlan::random(seed + 100, 0.1, {.error = EINTR}, {call});
      plan += sys::FaultPlan::random(seed + 200, 0.1, {.error = EAGAIN}, {call});
    }
    open();
    kernel.set_plan(std::move(plan));
    transfer(pattern(3_MiB), seed % 2 == 0 ? unlimited : 50'000);
    kernel.set_plan(sys::FaultPlan());
  }
}

TEST_P(SplicedPump, a_peer_that_takes_nothing_holds_up_the_other_and_gets_all_in_the_end) {
  open();
  const std::string text = pattern(16_MiB);
  std::size_t sent = 0;
  for (int turn = 0; turn < 300; ++turn) {
    sent += left.peer.send(std::string_view(text).substr(sent));
    ASSERT_TRUE(loop.poll());
  }
  EXPECT_LT(sent, 15_MiB);
  left.peer.send(std::string_view(text).substr(sent, 1));
  ASSERT_TRUE(spin_until(loop, [&] {
    if (sent < text.size()) sent += left.peer.send(std::string_view(text).substr(sent));
    right.peer.receive();
    return right.peer.received.size() >= text.size();
  }));
}

// hazard: S3
TEST_P(SplicedPump, an_end_waits_for_what_is_in_the_pipe) {
  open();
  const std::string text = pattern(6_MiB);
  std::size_t sent = 0;
  ASSERT_TRUE(spin_until(loop, [&] {
    sent += left.peer.send(std::string_view(text).substr(sent));
    if (right.peer.received.size() < 3_MiB) right.peer.receive(100'000);
    return sent == text.size() || right.peer.received.size() >= 3_MiB;
  }));
  ASSERT_TRUE(spin_until(loop, [&] {
    sent += left.peer.send(std::string_view(text).substr(sent));
    right.peer.receive(10'000);
    return sent == text.size();
  }));
  left.peer.finish();
  ASSERT_TRUE(spin_until(loop, [&] {
    right.peer.receive();
    return right.peer.has_ended;
  }));

  EXPECT_TRUE(right.peer.received == text);
  EXPECT_GT(kernel.calls(sys::Call::fill_pipe), 0U);
}

TEST_P(SplicedPump, what_is_in_the_pipe_arrives_though_the_stream_that_it_came_from_is_gone) {
  open({}, {.send = 4096}, {.receive = 4096});
  transfer(pattern(4_MiB));
  right.peer.finish();
  const std::string rest = pattern(200_KiB);  // it takes little of that by itself
  std::size_t sent = 0;
  ASSERT_TRUE(spin_until(loop, [&] {
    sent += left.peer.send(std::string_view(rest).substr(sent));
    return sent == rest.size();
  }));
  left.peer.finish();
  ASSERT_TRUE(spin_until(loop, [&] { return !first->is_open(); }));

  first.reset();
  settle(loop, 20);
  ASSERT_TRUE(spin_until(loop, [&] { return right.peer.receive(), right.peer.has_ended; }));

  EXPECT_EQ(right.peer.error, 0);
  EXPECT_TRUE(std::string_view(right.peer.received).substr(4_MiB) == rest);
}

TEST_P(SplicedPump, a_system_without_splice_goes_through_memory) {
  kernel.set_plan(sys::FaultPlan::from_nth(1, {.error = EINVAL}, {sys::Call::fill_pipe}));
  open();
  transfer(pattern(4_MiB));

  EXPECT_EQ(kernel.calls(sys::Call::drain_pipe), 0U);
}

TEST_P(SplicedPump, without_descriptors_for_a_pipe_it_goes_through_memory) {
  kernel.set_plan(sys::FaultPlan::from_nth(1, {.error = EMFILE}, {sys::Call::create_pipe}));
  open();
  transfer(pattern(4_MiB));

  EXPECT_EQ(kernel.calls(sys::Call::fill_pipe), 0U);
}

TEST_P(SplicedPump, rate_limits_hold_either_way_and_it_goes_on) {
  for (const bool is_of_reading : {true, false}) {
    SCOPED_TRACE(is_of_reading);
    open();
    transfer(pattern(4_MiB));
    const std::uint64_t calls = kernel.calls(sys::Call::fill_pipe);
    RateGroup group(loop, {.read = {.bytes_per_second = 1_MiB}, .write = {.bytes_per_second = 1_MiB}});
    (is_of_reading ? first : second)->set_rate_group(&group);
    const TimePoint start = sys::monotonic_now();

    transfer(pattern(2_MiB));

    EXPECT_GT(kernel.calls(sys::Call::fill_pipe), calls);
    EXPECT_GE(sys::monotonic_now() - start, 1800ms);
    if (is_simulated()) {
      EXPECT_LE(sys::monotonic_now() - start, 2200ms);
    }
  }
}

TEST_P(SplicedPump, a_write_limit_holds_for_what_is_in_the_pipe) {
  open({.time_limits = {.write = 200ms}});
  const std::string text = pattern(16_MiB);
  std::size_t sent = 0;
  ASSERT_TRUE(spin_until(loop, [&] {
    if (!left.peer.error) sent += left.peer.send(std::string_view(text).substr(sent));
    return end.has_value();
  }));

  EXPECT_EQ(end->error, errc::write_timed_out);
  EXPECT_FALSE(end->first_failed);
}

// hazard: S2
TEST_P(SplicedPump, a_receiver_that_goes_away_kills_nobody_and_is_told_once) {
  open();
  transfer(pattern(4_MiB));
  right.peer.close();
  const std::string text = pattern(4_MiB);
  std::size_t sent = 0;
  ASSERT_TRUE(spin_until(loop, [&] {
    if (left.peer.error == 0) sent += left.peer.send(std::string_view(text).substr(sent));
    return end.has_value();
  }));

  EXPECT_TRUE(end->error);
  EXPECT_FALSE(end->first_failed);
}

INSTANTIATE_TEST_SUITE_P(, SplicedPump, testing::ValuesIn(transports), [](const auto& transport) {
  return transport.param == Transport::tcp ? "tcp" : "unix_socket";
});

constexpr StreamKind sides[] = {kinds::unix_socket, kinds::tcp, kinds::pair, kinds::frames_on_mask_on_unix};
INSTANTIATE_TEST_SUITE_P(, Pump, testing::Combine(testing::ValuesIn(sides), testing::ValuesIn(sides)),
                         [](const auto& kinds) {
                           return std::string(std::get<0>(kinds.param).name) + "_to_" +
                                  std::string(std::get<1>(kinds.param).name);
                         });

}  // namespace
}  // namespace weir
