// weir: tests of streams whose peer is lost, that are short of memory, or whose loop ends, throws or does not want them.
// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "tests/support/stream_support.h"
#include "tests/support/test_kernel.h"
#include "tests/support/test_world.h"
#include "tests/support/throws.h"
#include "weir/buffer/pool.h"
#include "weir/loop/event_loop.h"
#include "weir/stream/stream.h"
#include "weir/sys/fault_kernel.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;
using sys::Call;
using sys::FaultKernel;
using sys::FaultPlan;

// --- a peer that is lost while the stream is paused ---

/// A stream without a write limit whose peer takes little.
Connection connect_to_slow_peer(EventLoop& loop, Record& told) {
  Connection connection = connect(loop, {.time_limits = {.write = TimeLimits::no_limit}}, Transport::tcp,
                                  {.send = 4096}, {.receive = 4096});
  record(*connection, told);
  return connection;
}

TEST(StreamBroken, a_stream_paused_until_on_drained_hears_that_its_peer_has_reset) {
  EventLoop loop;
  Record told;
  Connection connection = connect_to_slow_peer(loop, told);
  connection->on_drained([&](Stream& s) {
    told.order += 'r';
    s.resume();
  });
  ASSERT_EQ(connection->write(pattern(1_MiB)), Accepted::slow_down);
  connection->pause();
  settle(loop);
  EXPECT_EQ(told.order, "");

  connection.peer.reset();
  ASSERT_TRUE(spin_until(loop, [&] { return told.closed == 1; }));

  EXPECT_EQ(told.order, "rc");
  EXPECT_EQ(told.error, std::errc::connection_reset);
}

TEST(StreamBroken, a_stream_that_leaves_its_input_until_on_drained_hears_that_its_peer_has_reset) {
  EventLoop loop;
  Record told;
  Connection connection = connect_to_slow_peer(loop, told);
  connection->set_read_marks({.low = 0, .high = 4});
  connection->on_data([](Stream&) {});
  connection->on_drained([&](Stream& s) {
    told.order += 'r';
    told.data += text_of(s.input().take_all());
  });
  connection.peer.send("request");
  settle(loop);
  ASSERT_EQ(connection->input().size(), 7U);
  ASSERT_EQ(connection->write(pattern(1_MiB)), Accepted::slow_down);
  settle(loop);

  connection.peer.reset();
  ASSERT_TRUE(spin_until(loop, [&] { return told.closed == 1; }));

  EXPECT_EQ(told.order, "rc");
  EXPECT_EQ(told.data, "request");
}

TEST(StreamBroken, a_stream_paused_for_another_reason_fails_when_the_write_limit_has_passed) {
  if (!is_simulated()) GTEST_SKIP() << "needs virtual time";
  EventLoop loop;
  Connection connection = connect(loop, {.time_limits = {.write = 3s}}, Transport::tcp);
  Record record_;
  record(*connection, record_);
  connection->pause();
  connection.peer.reset();
  connection->write("fails");
  settle(loop);
  ASSERT_EQ(record_.order, "");
  const TimePoint start = world().now();

  ASSERT_TRUE(loop.run_until([&] { return record_.closed == 1; }));

  EXPECT_EQ(record_.error, std::errc::connection_reset);
  EXPECT_GE(world().now() - start, 2900ms);
  EXPECT_LE(world().now() - start, 3100ms);
}

TEST(StreamBroken, that_was_told_to_slow_down_but_reads_closes_without_on_drained) {
  EventLoop loop;
  Record told;
  Connection connection = connect_to_slow_peer(loop, told);
  ASSERT_EQ(connection->write(pattern(1_MiB)), Accepted::slow_down);
  settle(loop);

  connection.peer.reset();
  ASSERT_TRUE(spin_until(loop, [&] { return told.closed == 1; }));

  EXPECT_EQ(told.order, "c");
}

// --- memory ---

TEST(StreamBroken, that_waits_for_memory_still_delivers_what_the_peer_had_sent) {
  Pool pool({.limit = 1_MiB});
  {
    EventLoop loop({.pool = &pool});
    Connection connection = connect(loop, {}, Transport::tcp);
    Record record_;
    record(*connection, record_);
    Result<Block> block = pool.try_allocate(800_KiB);
    ASSERT_TRUE(block);
    connection.peer.send("last words");
    settle(loop);
    ASSERT_EQ(record_.order, "");
    FaultKernel kernel(FaultPlan::nth(1, {.error = EPIPE}, {Call::send}));
    const sys::ScopedKernel installed(kernel);

    loop.post([&] { connection->write(Slice::from_static(std::string_view("fails"))); });
    settle(loop);
    EXPECT_EQ(kernel.injected(), 1U);
    EXPECT_EQ(record_.order, "") << "what waits in the kernel is not lost";
    block = errc::eof;
    ASSERT_TRUE(spin_until(loop, [&] { return record_.closed == 1; }));

    EXPECT_EQ(record_.data, "last words");
    EXPECT_EQ(record_.order, "dc");
  }
}

TEST(StreamBroken, that_waits_for_memory_closes_when_it_is_back_also_when_nothing_had_come) {
  Pool pool({.limit = 1_MiB});
  {
    EventLoop loop({.pool = &pool});
    Connection connection = connect(loop, {}, Transport::tcp);
    Record record_;
    record(*connection, record_);
    settle(loop);
    Result<Block> block = pool.try_allocate(800_KiB);
    ASSERT_TRUE(block);
    FaultKernel kernel(FaultPlan::nth(1, {.error = EPIPE}, {Call::send}));
    const sys::ScopedKernel installed(kernel);
    connection->write(Slice::from_static(std::string_view("fails")));
    settle(loop);
    ASSERT_EQ(record_.order, "");

    block = errc::eof;
    settle(loop);

    EXPECT_EQ(record_.order, "c");
    EXPECT_EQ(record_.error, std::errc::broken_pipe);
  }
}

// --- descriptors ---

TEST(StreamBroken, bytes_behind_a_descriptor_that_was_passed_along_all_arrive) {
  const OnRealKernel real;
  EventLoop loop;
  Connection connection = connect(loop);
  Record record_;
  record(*connection, record_);
  settle(loop);
  char letter = 'a';
  iovec piece{.iov_base = &letter, .iov_len = 1};
  alignas(cmsghdr) std::byte control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  const int passed = connection.peer.number();
  std::memcpy(CMSG_DATA(header), &passed, sizeof passed);

  ASSERT_EQ(::sendmsg(connection.peer.number(), &message, 0), 1);
  connection.peer.send("rest");
  settle(loop);

  EXPECT_EQ(record_.data, "arest");
}

TEST(StreamBroken, a_socket_that_was_left_blocking_never_makes_the_loop_wait) {
  const OnRealKernel real;
  EventLoop loop;
  SocketPair sockets = open_sockets();
  ASSERT_EQ(::fcntl(sockets.ours.number(), F_SETFL, 0), 0);
  const timeval rather_fail{.tv_sec = 1, .tv_usec = 0};  // than hang, should it wait
  for (const int option : {SO_RCVTIMEO, SO_SNDTIMEO}) {
    ::setsockopt(sockets.ours.number(), SOL_SOCKET, option, &rather_fail, sizeof rather_fail);
  }
  auto stream = Stream::adopt(loop, std::move(sockets.ours));
  ASSERT_TRUE(stream);
  const std::string all = pattern(3_MiB);
  const auto start = std::chrono::steady_clock::now();

  ASSERT_NE((*stream)->write(all), Accepted::refused);
  settle(loop);

  EXPECT_LT(std::chrono::steady_clock::now() - start, 1s);
  EXPECT_TRUE((*stream)->is_open());
  ASSERT_TRUE(spin_until(loop, [&] { return sockets.peer.receive(), sockets.peer.received.size() == all.size(); }));
  EXPECT_TRUE(sockets.peer.received == all);
}

TEST(StreamBroken, that_could_not_be_adopted_leaves_nothing_for_the_loop_to_do) {
  if (testing_support::is_on_poll()) GTEST_SKIP() << "which does not register descriptors, so nothing fails";
  EventLoop loop;

  const auto stream = Stream::adopt(loop, Socket());
  ASSERT_FALSE(stream);
  FaultKernel kernel;
  const sys::ScopedKernel installed(kernel);
  const Result<RunEnd> end = loop.poll();

  ASSERT_TRUE(end);
  EXPECT_EQ(*end, RunEnd::empty);
  EXPECT_EQ(kernel.calls(Call::shutdown), 0U);
}

// --- the loop ---

TEST(StreamBroken, the_loops_destructor_ends_a_lingering_stream_whose_callbacks_own_another) {
  if (!can_throw()) GTEST_SKIP() << "needs exceptions";
  Peer peers[2];
  {
    EventLoop loop;
    Connection low = connect(loop);
    Connection high = connect(loop);
    peers[0] = std::move(low.peer);
    peers[1] = std::move(high.peer);
    high->on_data([owned = std::move(low.stream)](Stream&) {});

    loop.post([&] {
      high.stream.reset();
      throw_something();  // before the turn's end, when the callbacks would be destroyed
    });
    EXPECT_TRUE(throws_something([&] { (void)loop.poll(); }));
  }

  for (Peer& peer : peers) {
    peer.receive();
    EXPECT_TRUE(peer.has_ended);
  }
}

TEST(StreamBroken, an_exception_caught_around_flush_now_leaves_the_stream_working) {
  if (!can_throw()) GTEST_SKIP() << "needs exceptions";
  EventLoop loop;
  Connection connection = connect(loop);
  Record record_;
  record(*connection, record_);
  connection->when_sent([](std::error_code) { throw_something(); });
  bool has_caught = false;
  loop.post([&] {
    connection->write("x");
    has_caught = throws_something([&] { connection->flush_now(); });
  });
  settle(loop);
  ASSERT_TRUE(has_caught);

  loop.post([&] { connection->write("hello"); });
  settle(loop);
  connection.peer.receive();
  EXPECT_EQ(connection.peer.received, "xhello");
  EXPECT_TRUE(connection->output().is_empty());
  loop.post([&] { connection->finish(); });
  connection.peer.finish();
  settle(loop);

  EXPECT_EQ(record_.closed, 1);
}

}  // namespace
}  // namespace weir
