// weir: tests of two coupled sockets whose bytes pass by the program.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "tests/support/stream_support.h"
#include "tests/support/test_sockets.h"
#include "tests/support/test_world.h"
#include "weir/loop/event_loop.h"
#include "weir/stream/pump.h"
#include "weir/stream/rate_limit.h"
#include "weir/stream/stream.h"
#include "weir/sys/fault_kernel.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;

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
    if (!first->has_peer_ended()) right.peer.receive(10'000);
    return first->has_peer_ended();
  }));
  EXPECT_FALSE(right.peer.has_ended);
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
    RateGroup group(loop, {.read = {.bytes_per_second = 4_MiB}, .write = {.bytes_per_second = 4_MiB}});
    (is_of_reading ? first : second)->set_rate_group(&group);
    const TimePoint start = sys::monotonic_now();

    transfer(pattern(2_MiB));

    EXPECT_GT(kernel.calls(sys::Call::fill_pipe), calls);
    EXPECT_GE(sys::monotonic_now() - start, 450ms);
    if (is_simulated()) {
      EXPECT_LE(sys::monotonic_now() - start, 550ms);
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

}  // namespace
}  // namespace weir
