// weir: tests of servers whose streams end each other, throw, or throw all at once.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/stream_support.h"
#include "weir/loop/event_loop.h"
#include "weir/loop/timer.h"
#include "weir/server/server.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;

struct Thrown {};

/// A server with a clock of its own, and clients that are not weir.
class ServerStop : public testing::Test {
 protected:
  ServerStop() {
    const StreamOptions options{.output_limit = unlimited, .time_limits = {.write = TimeLimits::no_limit}};
    auto listening = Server::listen(loop, {.address = "127.0.0.1:0", .stream = options});
    EXPECT_TRUE(listening);
    server = *std::move(listening);
  }

  void dial(std::size_t count) {
    for (; count > 0; --count) {
      const sys::SocketName& name = server->address().name();
      const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      EXPECT_EQ(::connect(descriptor, &name.any, name.length), 0);
      peers.emplace_back(descriptor);
    }
  }

  ClockKernel clock;
  sys::ScopedKernel installed{clock};
  EventLoop loop;
  std::unique_ptr<Server> server;
  std::vector<Peer> peers;
};

// hazard: aborting runs release callbacks of foreign memory, and those may destroy other streams of the same server.
TEST_F(ServerStop, at_its_deadline_goes_on_when_aborting_one_stream_destroys_the_others) {
  const std::string more_than_the_kernel_takes(32_MiB, 'x');
  for (const bool takes_all : {false, true}) {
    SCOPED_TRACE(takes_all);
    std::vector<Stream*> streams;
    int released = 0;
    server->on_stream([&](Stream& stream) {
      streams.push_back(&stream);
      stream.write(Slice::foreign(as_bytes(more_than_the_kernel_takes), [&, is_first = streams.size() == 1] {
        ++released;
        if (!is_first) return;
        for (std::size_t i = 1; i < (takes_all ? streams.size() : 2); ++i) server->take(*streams[i])->abort();
      }));
    });
    dial(4);
    ASSERT_TRUE(spin_until(loop, [&] { return streams.size() == 4; }));
    bool is_stopped = false;

    server->stop(50ms, [&] { is_stopped = true; });
    ASSERT_TRUE(loop.run_until([&] { return is_stopped; }));

    EXPECT_EQ(server->stream_count(), 0U);
    EXPECT_EQ(released, 4);
    peers.clear();
    auto next = Server::listen(loop, {.address = "127.0.0.1:0", .stream = StreamOptions{.output_limit = unlimited}});
    ASSERT_TRUE(next);
    server = *std::move(next);
  }
}

TEST_F(ServerStop, at_its_deadline_passes_over_a_stream_that_was_aborted_in_the_same_turn) {
  std::vector<Stream*> streams;
  server->on_stream([&](Stream& stream) { streams.push_back(&stream); });
  dial(3);
  ASSERT_TRUE(spin_until(loop, [&] { return streams.size() == 3; }));
  bool is_stopped = false;
  server->stop(50ms, [&] { is_stopped = true; });
  Timer timer(loop, [&](Timer&) { streams[0]->abort(); });
  timer.start(40ms);

  clock.advance(60ms);  // both fire in one turn, and the stream goes at its end
  settle(loop);

  EXPECT_TRUE(is_stopped);
  EXPECT_EQ(server->stream_count(), 0U);
}

TEST_F(ServerStop, streams_that_throw_all_at_once_hold_up_neither_each_other_nor_timers) {
  constexpr std::size_t count = 50;
  std::size_t thrown = 0, connected = 0;
  server->on_exception([&](Stream&, std::exception_ptr) { ++thrown; });
  server->on_stream([&](Stream& stream) {
    ++connected;
    stream.on_data([](Stream&) { throw Thrown(); });
  });
  dial(count);
  ASSERT_TRUE(spin_until(loop, [&] { return connected == count; }));
  settle(loop);
  bool has_fired = false;
  Timer timer(loop, [&](Timer&) { has_fired = true; });
  timer.start(1ms);
  clock.advance(2ms);
  for (Peer& peer : peers) ASSERT_EQ(peer.send("x"), 1U);

  settle(loop, 3);

  EXPECT_EQ(thrown, count);
  EXPECT_EQ(server->stream_count(), 0U);
  EXPECT_TRUE(has_fired);
}

TEST_F(ServerStop, what_a_task_posted_to_a_stream_throws_goes_to_the_server_and_not_out_of_run) {
  int caught = 0;
  server->on_exception([&](Stream&, std::exception_ptr exception) {
    EXPECT_THROW(std::rethrow_exception(exception), Thrown);
    ++caught;
  });
  server->on_stream([](Stream& stream) { stream.ref().post([](Stream&) { throw Thrown(); }); });
  dial(1);

  EXPECT_NO_THROW(ASSERT_TRUE(spin_until(loop, [&] { return caught == 1 && server->stream_count() == 0; })));
}

TEST_F(ServerStop, a_handler_of_exceptions_that_throws_itself_leaves_no_stream_behind) {
  int told = 0;
  server->on_exception([&](Stream&, std::exception_ptr exception) {
    ++told;
    std::rethrow_exception(std::move(exception));
  });
  server->on_stream([](Stream& stream) { stream.on_data([](Stream&) { throw Thrown(); }); });
  dial(1);
  peers[0].send("x");
  int left_run = 0;

  for (int turns = 0; turns < 1000 && told == 0; ++turns) {
    try {
      settle(loop, 1);
    } catch (const Thrown&) {
      ++left_run;
    }
  }
  EXPECT_NO_THROW(settle(loop));

  EXPECT_EQ(left_run, 1);
  EXPECT_EQ(told, 1);
  EXPECT_EQ(server->stream_count(), 0U);
}

}  // namespace
}  // namespace weir
