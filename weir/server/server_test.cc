// weir: tests of servers: their streams, and what callbacks may do to them.
// SPDX-License-Identifier: MIT
#include "weir/server/server.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/server_support.h"
#include "tests/support/test_kernel.h"
#include "weir/loop/event_loop.h"
#include "weir/sys/fault_kernel.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;
using sys::Call;
using sys::FaultPlan;

TEST(Server, is_shown_with_its_listener_by_its_name) {
  EventLoop loop;
  const auto server = listen(loop);
  server->set_name("front");

  int named = 0;
  for (const ObjectState& object : loop.snapshot().objects) {
    EXPECT_TRUE(object.kind == ObjectKind::server || object.kind == ObjectKind::listener);
    EXPECT_EQ(object.phase, object.kind == ObjectKind::server ? "serving" : "accepting");
    named += object.name == "front" ? 1 : 0;
  }
  EXPECT_EQ(named, 2);
}

TEST(Server, is_shown_by_the_names_that_came_with_its_options) {
  EventLoop loop;
  const auto front = Server::listen(loop, {.address = "127.0.0.1:0", .name = "front"});
  const auto back = Server::listen(loop, {.address = "127.0.0.1:0", .listen = {.name = "door"}, .name = "back"});
  ASSERT_TRUE(front && back);

  std::vector<std::string> names;
  for (const ObjectState& object : loop.snapshot().objects) names.push_back(object.name);
  std::sort(names.begin(), names.end());
  EXPECT_EQ(names, (std::vector<std::string>{"back", "door", "front", "front"}));
}

TEST(Server, makes_a_stream_of_every_connection_and_destroys_it_when_it_has_closed) {
  EventLoop loop;
  const auto server = listen(loop);
  EXPECT_NE(server->address().port(), 0);
  int closed = 0;
  server->on_stream([&](Stream& stream) {
    echo(stream);
    stream.on_closed([&](Stream&, std::error_code error) {
      EXPECT_FALSE(error);
      EXPECT_EQ(server->stream_count(), 3U - static_cast<unsigned>(closed)) << "not destroyed before this has returned";
      ++closed;
    });
  });
  std::vector<Peer> peers;
  for (int i = 0; i < 3; ++i) peers.push_back(dial(server->address()));
  for (Peer& peer : peers) peer.send("hello");

  ASSERT_TRUE(spin_until(loop, [&] {
    bool all = true;
    for (Peer& peer : peers) all = (peer.receive(), peer.received == "hello") && all;
    return all;
  }));
  EXPECT_EQ(server->stream_count(), 3U);
  for (Peer& peer : peers) peer.close();
  ASSERT_TRUE(spin_until(loop, [&] { return server->stream_count() == 0; }));

  EXPECT_EQ(closed, 3);
}

TEST(Server, ends_in_order_the_connections_that_come_while_nobody_wants_them) {
  EventLoop loop;
  const auto server = listen(loop);
  Peer peer = dial(server->address());

  ASSERT_TRUE(spin_until(loop, [&] { return peer.receive(), peer.has_ended; }));

  EXPECT_EQ(peer.error, 0);
  peer.close();
  ASSERT_TRUE(spin_until(loop, [&] { return server->stream_count() == 0; }));
}

// hazard: RE14
TEST(Server, a_place_that_cannot_be_listened_at_is_an_error_and_leaves_nothing_open) {
  if (testing_support::is_on_poll()) GTEST_SKIP() << "which does not register descriptors, so nothing fails";
  EventLoop loop;
  const auto first = listen(loop);

  const auto taken = Server::listen(loop, {.address = first->address().to_string()});
  const auto nonsense = Server::listen(loop, {.address = "nonsense"});

  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error(), std::errc::address_in_use);
  ASSERT_FALSE(nonsense);
  EXPECT_EQ(nonsense.error(), errc::bad_address);
  for (const Call call :
       {Call::open_socket, Call::set_option, Call::bind, Call::listen, Call::local_name, Call::control_epoll}) {
    sys::FaultKernel kernel(FaultPlan::nth(1, {.error = ENOBUFS}, {call}));
    const sys::ScopedKernel installed(kernel);
    const auto failed = Server::listen(loop, {.address = "127.0.0.1:0"});
    ASSERT_FALSE(failed) << sys::name_of(call);
    EXPECT_EQ(failed.error(), std::errc::no_buffer_space);
  }
}

TEST(Server, two_on_one_loop_keep_their_streams_apart) {
  EventLoop loop;
  const auto first = listen(loop);
  auto second = listen(loop);
  first->on_stream([](Stream& s) { s.write("first"); });
  second->on_stream([](Stream& s) { s.write("second"); });
  Peer to_first = dial(first->address());
  Peer to_second = dial(second->address());

  ASSERT_TRUE(spin_until(loop, [&] {
    to_first.receive();
    to_second.receive();
    return to_first.received == "first" && to_second.received == "second";
  }));
  second.reset();
  ASSERT_TRUE(spin_until(loop, [&] { return to_second.receive(), to_second.has_ended; }));

  EXPECT_EQ(first->stream_count(), 1U);
  to_first.receive();
  EXPECT_FALSE(to_first.has_ended);
}

// hazard: RE7
TEST(Server, lives_through_ten_thousand_connections_that_come_and_go) {
  EventLoop loop;
  const auto server = listen(loop);
  std::size_t served = 0;
  std::size_t wrong = 0;
  server->on_stream([&](Stream& stream) {
    ++served;
    echo(stream);
  });
  for (int i = 0; i < 10000; ++i) {
    Peer peer = dial(server->address());
    const std::string text = std::to_string(i);
    peer.send(text);
    if (i % 2 == 0) {
      if (!spin_until(loop, [&] { return peer.receive(), peer.received.size() == text.size(); })) ++wrong;
      wrong += peer.received == text ? 0 : 1;
    }
    if (i % 3 == 0) {
      peer.reset();  // no port is left waiting either
    } else {
      peer.finish();
      if (!spin_until(loop, [&] { return peer.receive(), peer.has_ended; })) ++wrong;
      wrong += peer.received == text ? 0 : 1;
      peer.reset();
    }
  }
  ASSERT_TRUE(spin_until(loop, [&] { return server->stream_count() == 0; }));

  EXPECT_EQ(wrong, 0U);
  EXPECT_GE(served, 6666U);
}

TEST(Server, a_stream_that_is_taken_is_the_callers) {
  EventLoop loop;
  auto server = listen(loop);
  std::unique_ptr<Stream> taken;
  server->on_stream([&](Stream& stream) {
    taken = server->take(stream);
    echo(*taken);
  });
  Peer peer = dial(server->address());
  ASSERT_TRUE(spin_until(loop, [&] { return taken != nullptr; }));
  EXPECT_EQ(server->stream_count(), 0U);
  EXPECT_EQ(taken->owner(), nullptr);

  server.reset();
  peer.send("still served");
  ASSERT_TRUE(spin_until(loop, [&] { return peer.receive(), peer.received == "still served"; }));
  int closed = 0;
  taken->on_closed([&](Stream&, std::error_code) { ++closed; });
  peer.reset();
  ASSERT_TRUE(spin_until(loop, [&] { return closed == 1; }));

  EXPECT_FALSE(taken->is_open());
}

TEST(Server, a_stream_may_be_taken_in_its_last_callback) {
  EventLoop loop;
  const auto server = listen(loop);
  std::unique_ptr<Stream> taken;
  server->on_stream(
      [&](Stream& stream) { stream.on_closed([&](Stream& s, std::error_code) { taken = server->take(s); }); });
  Peer peer = dial(server->address());
  ASSERT_TRUE(spin_until(loop, [&] { return server->stream_count() == 1; }));
  peer.reset();

  ASSERT_TRUE(spin_until(loop, [&] { return taken != nullptr; }));

  EXPECT_FALSE(taken->is_open());
  EXPECT_EQ(server->stream_count(), 0U);
}

TEST(Server, destroys_an_aborted_stream_at_the_end_of_the_turn) {
  EventLoop loop;
  const auto server = listen(loop);
  std::size_t count_inside = 0;
  int aborted = 0;
  server->on_stream([&](Stream& stream) {
    stream.on_closed([](Stream&, std::error_code) { ADD_FAILURE() << "an abort is silent"; });
    stream.on_data([&](Stream& s) {
      s.abort();
      count_inside = server->stream_count();
      ++aborted;
    });
  });
  Peer peer = dial(server->address());
  peer.send("x");

  ASSERT_TRUE(spin_until(loop, [&] { return aborted == 1; }));

  EXPECT_EQ(count_inside, 1U);
  EXPECT_EQ(server->stream_count(), 0U);
  peer.receive();
  EXPECT_EQ(peer.error, ECONNRESET);
}

TEST(Server, an_abort_in_the_last_callback_leaves_no_stream_behind) {
  EventLoop loop;
  const auto server = listen(loop);
  server->on_stream([&](Stream& stream) { stream.on_closed([](Stream& s, std::error_code) { s.abort(); }); });
  Peer peer = dial(server->address());
  ASSERT_TRUE(spin_until(loop, [&] { return server->stream_count() == 1; }));
  peer.reset();

  EXPECT_TRUE(spin_until(loop, [&] { return server->stream_count() == 0; }));
}

// hazard: RE14
TEST(Server, a_connection_that_the_loop_cannot_listen_to_is_dropped_with_a_remark) {
  if (testing_support::is_on_poll()) GTEST_SKIP() << "which does not register descriptors, so nothing fails";
  std::string remark;
  EventLoop loop(EventLoop::Options{.on_diagnostic = [&](const Diagnostic& d) { remark = d.message; }});
  const auto server = listen(loop);
  int streams = 0;
  server->on_stream([&](Stream& s) {
    ++streams;
    echo(s);
  });
  sys::FaultKernel kernel(FaultPlan::nth(1, {.error = ENOSPC}, {Call::control_epoll}));
  Peer first = dial(server->address());
  {
    const sys::ScopedKernel installed(kernel);
    ASSERT_TRUE(spin_until(loop, [&] { return first.receive(), first.has_ended; }));
  }
  Peer second = dial(server->address());
  second.send("works");

  ASSERT_TRUE(spin_until(loop, [&] { return second.receive(), second.received == "works"; }));

  EXPECT_NE(remark, "");
  EXPECT_EQ(streams, 1);
  EXPECT_EQ(server->stream_count(), 1U);
}

}  // namespace
}  // namespace weir
