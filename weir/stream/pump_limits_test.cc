// weir: tests of pumps between streams with limits, and of pumps whose streams are changed on the way.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "tests/support/stream_kinds.h"
#include "tests/support/test_world.h"
#include "weir/loop/event_loop.h"
#include "weir/stream/pump.h"
#include "weir/stream/stream.h"
#include "weir/sys/fault_kernel.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;

/// peer ═ first ═pump═ second ═ peer, over sockets: long transfers go past the program.
class PumpLimits : public testing::TestWithParam<Transport> {
 protected:
  void open(const StreamOptions& options = {}) {
    left = open_sockets(GetParam());
    right = open_sockets(GetParam());
    first = *Stream::adopt(loop, std::move(left.ours), options);
    second = *Stream::adopt(loop, std::move(right.ours), options);
    pump(*first, *second, [this](const PumpEnd& how) { end = how; });
  }
  void feed() { sent += left.peer.send(std::string_view(text).substr(sent)); }
  /// The client sends all of `text`, the server takes what comes, and both end.
  void transfer() {
    ASSERT_TRUE(spin_until(loop, [&] {
      feed();
      right.peer.receive();
      return right.peer.received.size() == text.size() || right.peer.has_ended;
    })) << right.peer.received.size();
    EXPECT_TRUE(right.peer.received == text);
  }
  bool is_spliced() { return kernel.calls(sys::Call::fill_pipe) > 0; }

  EventLoop loop;
  sys::FaultKernel kernel;
  sys::ScopedKernel installed{kernel};
  SocketPair left;
  SocketPair right;
  std::unique_ptr<Stream> first;
  std::unique_ptr<Stream> second;
  std::optional<PumpEnd> end;
  const std::string text = pattern(8_MiB);
  std::size_t sent = 0;
};

TEST_P(PumpLimits, what_is_in_the_pipe_goes_on_when_the_rate_allows) {
  open();
  second->set_rate_limits({.write = {.bytes_per_second = 20'000'000}});
  transfer();
  EXPECT_TRUE(is_spliced());
}

TEST_P(PumpLimits, what_a_rate_lets_be_read_goes_through_the_pipe) {
  open();
  first->set_rate_limits({.read = {.bytes_per_second = 20'000'000}});
  transfer();
}

TEST_P(PumpLimits, what_is_in_the_pipe_waits_while_writing_is_paused) {
  open();
  ASSERT_TRUE(spin_until(loop, [&] {
    feed();
    right.peer.receive(100'000);
    return is_spliced();
  }));
  second->pause_writing();
  for (int i = 0; i < 50; ++i) {
    feed();
    settle(loop, 1);
  }
  right.peer.receive();
  const std::size_t before = right.peer.received.size();
  settle(loop, 20);
  EXPECT_EQ(right.peer.receive(), 0U);
  EXPECT_EQ(right.peer.received.size(), before);

  second->resume_writing();
  transfer();
}

TEST_P(PumpLimits, an_output_limit_below_what_comes_at_once_is_kept_and_holds_nothing_up) {
  for (const Marks marks : {Marks{.low = 1000, .high = 5000}, Marks{.low = 64_KiB, .high = 256_KiB}}) {
    SCOPED_TRACE(marks.high);
    sent = 0;
    end.reset();
    open({.write_marks = marks, .output_limit = 20'000});
    transfer();
    left.peer.finish();
    right.peer.finish();
    ASSERT_TRUE(spin_until(loop, [&] { return end.has_value(); }));
    EXPECT_EQ(end->forth, text.size());
  }
}

TEST_P(PumpLimits, a_pump_may_be_led_elsewhere_in_the_middle) {
  open();
  ASSERT_TRUE(spin_until(loop, [&] {
    feed();
    right.peer.receive();
    return is_spliced();
  }));
  SocketPair other = open_sockets(GetParam());
  auto third = *Stream::adopt(loop, std::move(other.ours));
  pump(*third, *first);
  ASSERT_TRUE(spin_until(loop, [&] {
    right.peer.receive();
    return end.has_value();
  }));
  EXPECT_EQ(end->error, errc::canceled);

  std::size_t given = 0;
  ASSERT_TRUE(spin_until(loop, [&] {
    given += other.peer.send(std::string_view(text).substr(given));
    left.peer.receive();
    return left.peer.received.size() == text.size();
  })) << left.peer.received.size();
  EXPECT_TRUE(left.peer.received == text);
}

INSTANTIATE_TEST_SUITE_P(, PumpLimits, testing::ValuesIn(transports), [](const auto& transport) {
  return transport.param == Transport::tcp ? "tcp" : "unix_socket";
});

// --- streams that are not open, or not yet ---

TEST(PumpEnds, a_stream_that_connects_is_sent_what_came_meanwhile) {
  EventLoop loop;
  const Acceptor acceptor;
  auto upstream = *Stream::connect(loop, acceptor.address());
  auto [client, near] = Stream::pair(loop);
  pump(*near, *upstream);
  client->write("early");
  client->finish_writing();

  Peer peer;
  ASSERT_TRUE(spin_until(loop, [&] {
    if (peer.number() < 0) peer = acceptor.accept();
    if (peer.number() >= 0) peer.receive();
    return peer.has_ended;
  }));
  EXPECT_EQ(peer.received, "early");
}

TEST(PumpEnds, a_stream_that_cannot_connect_resets_the_other) {
  EventLoop loop;
  std::string address;
  {
    Acceptor acceptor;
    address = acceptor.address();
  }
  auto upstream = *Stream::connect(loop, address);
  auto [client, near] = Stream::pair(loop);
  std::optional<PumpEnd> end;
  Record told;
  record(*client, told);
  pump(*near, *upstream, [&](const PumpEnd& how) { end = how; });
  client->write("early");

  ASSERT_TRUE(spin_until(loop, [&] { return end.has_value() && told.closed == 1; }));
  EXPECT_EQ(end->error, std::errc::connection_refused);
  EXPECT_FALSE(end->first_failed);
  EXPECT_EQ(told.error, std::errc::connection_reset);
}

}  // namespace
}  // namespace weir
