// weir: tests of servers whose streams throw.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/server_support.h"
#include "tests/support/test_world.h"
#include "weir/loop/event_loop.h"
#include "weir/loop/timer.h"
#include "weir/server/server.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;

struct Thrown {};

TEST(Server, an_exception_aborts_that_one_stream_and_goes_to_on_exception) {
  for (const char thrower : {'o', 'd', 'e', 's', 'c'}) {
    SCOPED_TRACE(thrower);
    EventLoop loop;
    const auto server = listen(loop);
    int told = 0;
    std::vector<Stream*> threw;
    server->on_exception([&](Stream& stream, std::exception_ptr exception) {
      ++told;
      threw.push_back(&stream);
      EXPECT_THROW(std::rethrow_exception(exception), Thrown);
    });
    int streams = 0;
    Stream* bad = nullptr;
    server->on_stream([&](Stream& stream) {
      const bool is_bad = ++streams == 1;
      if (is_bad) bad = &stream;
      if (!is_bad) return echo(stream);
      const auto enter = [thrower](char letter) {
        if (letter == thrower) throw Thrown();
      };
      stream.on_data([enter](Stream& s) {
        s.write(s.input().take_all());
        enter('d');
      });
      stream.on_end([enter](Stream& s) {
        s.finish();
        enter('e');
      });
      stream.on_closed([enter](Stream&, std::error_code) { enter('c'); });
      stream.when_sent([enter](std::error_code) { enter('s'); });
      enter('o');
    });
    Peer first = dial(server->address());
    ASSERT_TRUE(spin_until(loop, [&] { return streams == 1; }));
    Peer second = dial(server->address());
    first.send("x");
    second.send("served all the same");
    first.finish();

    ASSERT_TRUE(spin_until(loop, [&] {
      first.receive();
      second.receive();
      return told == 1 && first.has_ended && second.received == "served all the same" && server->stream_count() == 1;
    })) << server->stream_count();

    EXPECT_EQ(threw, std::vector<Stream*>{bad});
    bool has_stopped = false;
    server->stop(1ms, [&] { has_stopped = true; });
    EXPECT_TRUE(spin_until(loop, [&] { return has_stopped; }));
  }
}

TEST(Server, an_exception_that_nobody_wants_to_hear_of_goes_to_the_diagnostic_hook) {
  EventLoop loop;
  std::vector<std::string> said;
  loop.on_diagnostic([&](const Diagnostic& diagnostic) { said.emplace_back(diagnostic.message); });
  const auto server = listen(loop);
  server->on_stream([](Stream&) { throw Thrown(); });

  Peer peer = dial(server->address());
  ASSERT_TRUE(spin_until(loop, [&] {
    peer.receive();
    return peer.has_ended;
  }));

  ASSERT_EQ(said.size(), 1U);
  EXPECT_NE(said[0].find("Server::on_exception"), std::string::npos);
}

TEST(Server, on_exception_may_destroy_the_server_or_take_the_stream) {
  for (const char thrower : {'d', 'c'}) {
    for (const bool takes : {false, true}) {
      EventLoop loop;
      auto server = listen(loop);
      std::unique_ptr<Stream> taken;
      int told = 0;
      server->on_exception([&](Stream& stream, std::exception_ptr) {
        ++told;
        if (takes) {
          taken = server->take(stream);
        } else {
          server.reset();
        }
      });
      server->on_stream([&](Stream& stream) {
        stream.on_data([&](Stream&) {
          if (thrower == 'd') throw Thrown();
        });
        stream.on_closed([&](Stream&, std::error_code) {
          if (thrower == 'c') throw Thrown();
        });
      });
      Peer peer = dial(server->address());
      peer.send("x");
      if (thrower == 'c') settle(loop, 3);
      peer.reset();

      ASSERT_TRUE(spin_until(loop, [&] { return told == 1; }));
      settle(loop);

      if (takes) {
        EXPECT_EQ(server->stream_count(), 0U);
        EXPECT_NE(taken, nullptr);
      }
    }
  }
}

TEST_F(ServerStop, streams_that_throw_all_at_once_hold_up_neither_each_other_nor_timers) {
  if (!is_simulated()) GTEST_SKIP() << "needs virtual time";
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
  world().run_for(2ms);
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

TEST(Server, that_is_full_goes_on_accepting_when_a_connection_that_waited_makes_on_stream_throw) {
  EventLoop loop;
  auto server = *Server::listen(loop, {.address = "127.0.0.1:0", .connection_limit = 1});
  int seen = 0;
  server->on_stream([&](Stream& stream) {
    if (++seen == 2) throw Thrown();
    stream.write("hello");
  });
  std::vector<Peer> peers;
  for (int i = 0; i < 3; ++i) peers.push_back(dial(server->address()));
  settle(loop, 30);
  ASSERT_EQ(seen, 1);

  peers[0].close();

  EXPECT_TRUE(spin_until(loop, [&] { return peers[2].receive(), peers[2].received == "hello"; }));
}

}  // namespace
}  // namespace weir
