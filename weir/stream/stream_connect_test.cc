// weir: tests of streams that connect.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/stream_support.h"
#include "tests/support/test_kernel.h"
#include "tests/support/test_world.h"
#include "weir/loop/event_loop.h"
#include "weir/loop/timer.h"
#include "weir/stream/stream.h"
#include "weir/sys/fault_kernel.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;
using sys::Call;
using sys::FaultPlan;

TEST(StreamConnect, tells_of_the_connection_once_and_what_was_written_before_arrives) {
  EventLoop loop;
  Acceptor acceptor;
  auto stream = Stream::connect(loop, acceptor.address());
  ASSERT_TRUE(stream);
  std::string order;
  (*stream)->on_connected([&](Stream& s) {
    EXPECT_TRUE(s.peer_address());
    order += 'o';
    s.write(", after");
  });
  (*stream)->on_data([&](Stream& s) {
    s.input().clear();
    order += 'd';
  });
  EXPECT_EQ((*stream)->write("before"), Accepted::yes);
  (*stream)->when_sent([&](std::error_code error) { order += error ? '!' : 's'; });
  (*stream)->flush_now();
  EXPECT_EQ(order, "");
  EXPECT_FALSE((*stream)->peer_address());
  Peer peer;

  ASSERT_TRUE(spin_until(loop, [&] {
    if (peer.number() < 0) peer = acceptor.accept();
    if (peer.number() >= 0) peer.receive();
    return peer.received.size() == 13;
  }));
  peer.send("x");
  settle(loop);

  EXPECT_EQ(peer.received, "before, after");
  EXPECT_EQ(order, "osd");
}

TEST(StreamConnect, that_is_refused_is_told_later_and_only_by_on_closed) {
  EventLoop loop;
  Acceptor acceptor;
  const std::string address = acceptor.address();
  acceptor.close();
  auto stream = Stream::connect(loop, address);
  ASSERT_TRUE(stream) << "an address that can be read is enough";
  Record record_;
  record(**stream, record_);
  (*stream)->on_connected([&](Stream&) { record_.order += 'o'; });
  (*stream)->write("never sent");
  (*stream)->when_sent(
      [&](std::error_code error) { record_.order += error == std::errc::connection_refused ? 's' : '!'; });
  EXPECT_EQ(record_.order, "");

  ASSERT_TRUE(loop.run_until([&] { return record_.closed == 1; }));

  EXPECT_EQ(record_.order, "sc");
  EXPECT_EQ(record_.error, std::errc::connection_refused);
}

TEST(StreamConnect, to_a_unix_address_with_nobody_there_is_told_later_too) {
  EventLoop loop;
  auto stream = Stream::connect(loop, "unix:@weir-nobody-listens-here");
  ASSERT_TRUE(stream);
  Record record_;
  record(**stream, record_);
  EXPECT_EQ(record_.order, "");

  ASSERT_TRUE(loop.run_until([&] { return record_.closed == 1; }));

  EXPECT_EQ(record_.error, std::errc::connection_refused);
}

TEST(StreamConnect, to_what_is_no_address_fails_at_once) {
  EventLoop loop;

  const auto stream = Stream::connect(loop, "example.org:80");

  ASSERT_FALSE(stream);
  EXPECT_EQ(stream.error(), errc::bad_address);
}

TEST(StreamConnect, gives_up_after_its_time_limit) {
  if (!is_simulated()) GTEST_SKIP() << "needs virtual time";
  EventLoop loop;
  Acceptor acceptor(0);
  std::vector<std::unique_ptr<Stream>> streams;
  std::vector<Record> records(6);
  const TimePoint start = world().now();
  for (Record& each : records) {  // more than wait to be accepted: the system drops what the last ones send
    auto stream = Stream::connect(loop, acceptor.address(), {.connect = {.timeout = 4s}, .stream = StreamSettings()});
    ASSERT_TRUE(stream);
    record(**stream, each);
    streams.push_back(*std::move(stream));
  }

  ASSERT_TRUE(loop.run_until([&] { return records.back().closed == 1; }));

  EXPECT_EQ(records.back().error, errc::connect_timed_out);
  EXPECT_GE(world().now() - start, 4s);
  EXPECT_LE(world().now() - start, 4s + 2ms);
}

TEST(StreamConnect, a_stream_destroyed_while_connecting_is_silent_and_still_flushes) {
  EventLoop loop;
  Acceptor acceptor;
  Record record_;
  {
    auto stream = Stream::connect(loop, acceptor.address());
    ASSERT_TRUE(stream);
    record(**stream, record_);
    (*stream)->on_connected([&](Stream&) { record_.order += 'o'; });
    (*stream)->write("a last message");
  }
  Peer peer;

  ASSERT_TRUE(spin_until(loop, [&] {
    if (peer.number() < 0) peer = acceptor.accept();
    if (peer.number() >= 0) peer.receive();
    return peer.has_ended;
  }));
  peer.close();
  const Result<RunEnd> end = loop.run();

  EXPECT_EQ(peer.received, "a last message");
  EXPECT_EQ(peer.error, 0);
  EXPECT_EQ(record_.order, "");
  ASSERT_TRUE(end);
  EXPECT_EQ(*end, RunEnd::empty);
}

TEST(StreamConnect, a_stream_finished_while_connecting_flushes_and_ends) {
  EventLoop loop;
  Acceptor acceptor;
  auto stream = Stream::connect(loop, acceptor.address());
  ASSERT_TRUE(stream);
  Record record_;
  record(**stream, record_);
  (*stream)->on_connected([&](Stream&) { record_.order += 'o'; });
  (*stream)->write("bye");
  (*stream)->finish();
  EXPECT_EQ((*stream)->write("x"), Accepted::closed);
  Peer peer;

  ASSERT_TRUE(spin_until(loop, [&] {
    if (peer.number() < 0) peer = acceptor.accept();
    if (peer.number() < 0) return false;
    peer.receive();
    if (peer.has_ended) peer.finish();
    return record_.closed == 1;
  }));

  EXPECT_EQ(peer.received, "bye");
  EXPECT_EQ(record_.order, "oc");
  EXPECT_FALSE(record_.error);
}

TEST(StreamConnect, a_stream_aborted_while_connecting_leaves_nothing_behind) {
  EventLoop loop;
  Acceptor acceptor;
  auto stream = Stream::connect(loop, acceptor.address());
  ASSERT_TRUE(stream);
  Record record_;
  record(**stream, record_);

  (*stream)->abort();
  const Result<RunEnd> end = loop.run();

  ASSERT_TRUE(end);
  EXPECT_EQ(*end, RunEnd::empty);
  EXPECT_EQ(record_.order, "");
}

TEST(StreamConnect, a_loop_may_end_while_a_destroyed_stream_still_connects) {
  Acceptor acceptor;
  EventLoop loop;
  auto stream = Stream::connect(loop, acceptor.address());
  ASSERT_TRUE(stream);
  (*stream)->write("lost with the loop");
}

TEST(StreamConnect, any_call_that_fails_is_told_later_by_on_closed) {
  if (testing_support::is_on_poll()) GTEST_SKIP() << "which does not register descriptors, so nothing fails";
  for (const Call call : {Call::open_socket, Call::connect, Call::control_epoll, Call::get_option}) {
    for (const int error : {EMFILE, ENOBUFS, EADDRNOTAVAIL, ENETUNREACH, EAGAIN, ENOMEM, ENOSPC, ETIMEDOUT}) {
      SCOPED_TRACE(std::string(sys::name_of(call)) + " fails with " + std::to_string(error));
      EventLoop loop;
      Acceptor acceptor;
      sys::FaultKernel kernel(FaultPlan::nth(1, {.error = error}, {call}));
      const sys::ScopedKernel installed(kernel);
      auto stream = Stream::connect(loop, acceptor.address());
      ASSERT_TRUE(stream);
      Record record_;
      record(**stream, record_);
      EXPECT_EQ(record_.order, "");

      ASSERT_TRUE(spin_until(loop, [&] { return record_.closed == 1; }));

      EXPECT_EQ(record_.order, "c");
      EXPECT_EQ(record_.error, system_error(error));
    }
  }
}

TEST(StreamConnect, the_idle_and_read_limits_do_not_count_while_connecting) {
  if (!is_simulated()) GTEST_SKIP() << "needs virtual time";
  EventLoop loop;
  Acceptor acceptor(0);
  std::vector<std::unique_ptr<Stream>> streams;
  std::vector<Record> records(6);
  for (Record& each : records) {
    auto stream = Stream::connect(
        loop, acceptor.address(),
        {.connect = {.timeout = 20s}, .stream = StreamOptions{.time_limits = {.read = 5s, .idle = 5s}}});
    ASSERT_TRUE(stream);
    record(**stream, each);
    (*stream)->set_time_limits({.read = 5s, .idle = 5s});
    streams.push_back(*std::move(stream));
  }

  ASSERT_TRUE(loop.run_until([&] { return records.back().closed == 1; }));

  EXPECT_EQ(records.back().error, errc::connect_timed_out);
}

}  // namespace
}  // namespace weir
