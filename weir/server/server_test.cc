// weir: tests of servers: their streams, their stopping, and what callbacks may do to them.
// SPDX-License-Identifier: MIT
#include "weir/server/server.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/stream_support.h"
#include "weir/loop/event_loop.h"
#include "weir/loop/timer.h"
#include "weir/sys/fault_kernel.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;
using sys::Call;
using sys::FaultPlan;

/// A client that is not weir: connected when this returns, over TCP.
Peer dial(const Address& address) {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  EXPECT_EQ(::connect(descriptor, &address.name().any, address.name().length), 0);
  return Peer(descriptor);
}

void echo(Stream& stream) {
  stream.on_data([](Stream& s) { s.write(s.input().take_all()); });
}

std::unique_ptr<Server> listen(EventLoop& loop, StreamOptions options = {}) {
  auto server = Server::listen(loop, {.address = "127.0.0.1:0", .stream = options});
  EXPECT_TRUE(server);
  return *std::move(server);
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

// --- exceptions ---

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

// --- stopping ---

TEST(Server, stop_without_streams_tells_once_and_never_inside) {
  EventLoop loop;
  const auto server = listen(loop);
  int stopped = 0;

  server->stop(1s, [&] { ++stopped; });
  EXPECT_EQ(stopped, 0);
  const Result<RunEnd> end = loop.run();

  ASSERT_TRUE(end);
  EXPECT_EQ(*end, RunEnd::empty) << "the deadline does not hold the loop";
  EXPECT_EQ(stopped, 1);
  server->stop(1s);
  settle(loop);
  EXPECT_EQ(stopped, 1);
}

TEST(Server, stop_listens_no_more_at_once) {
  EventLoop loop;
  const auto server = listen(loop);
  const Address address = server->address();

  server->stop(1s);

  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  EXPECT_EQ(::connect(descriptor, &address.name().any, address.name().length), -1);
  EXPECT_EQ(errno, ECONNREFUSED);
  ::close(descriptor);
  settle(loop);
}

// hazard: S13
TEST(Server, stop_under_load_loses_no_byte_that_was_answered) {
  constexpr std::size_t clients = 100;
  EventLoop loop;
  const auto server = listen(loop);
  std::vector<std::string> written(clients);
  server->on_stream([&](Stream& stream) {
    stream.on_data([&](Stream& s) {
      // Every client sends its number first; what is written for it is remembered.
      auto& client = s.attached<std::size_t>();
      if (client == unlimited) {
        client = static_cast<unsigned char>(s.input().front()[0]);
        s.input().drop(1);
      }
      const std::string text = text_of(s.input());
      if (s.write(s.input().take_all()) == Accepted::closed) return;
      written[client] += text;
    });
    stream.attach<std::size_t>(unlimited);
  });
  std::vector<Peer> peers;
  const std::string all = pattern(400000);
  std::vector<std::size_t> offered(clients, 0);
  for (std::size_t i = 0; i < clients; ++i) {
    peers.push_back(dial(server->address()));
    const char number = static_cast<char>(i);
    ASSERT_EQ(peers[i].send(std::string_view(&number, 1)), 1U);
  }
  int stopped = 0;
  int turn = 0;

  ASSERT_TRUE(spin_until(loop, [&] {
    for (std::size_t i = 0; i < clients; ++i) {
      if (!peers[i].has_ended) offered[i] += peers[i].send(std::string_view(all).substr(offered[i], 20000));
      if (i % 2 == 0 || turn % 5 == 0) peers[i].receive();
      if (peers[i].has_ended) peers[i].finish();
    }
    if (++turn == 8) server->stop(15s, [&] { ++stopped; });
    return stopped == 1;
  }));
  for (Peer& peer : peers) peer.receive();

  EXPECT_EQ(server->stream_count(), 0U);
  for (std::size_t i = 0; i < clients; ++i) {
    EXPECT_TRUE(peers[i].has_ended);
    EXPECT_EQ(peers[i].error, 0);
    EXPECT_EQ(peers[i].received == written[i], true)
        << i << ": " << peers[i].received.size() << " of " << written[i].size();
    EXPECT_EQ(peers[i].received == all.substr(0, peers[i].received.size()), true);
  }
}

// hazard: S13
TEST(Server, what_is_still_open_at_the_deadline_is_aborted) {
  ClockKernel kernel;
  const sys::ScopedKernel installed(kernel);
  EventLoop loop;
  const auto server = listen(loop);
  server->on_stream([](Stream& stream) {
    stream.write(pattern(4'000'000));
    stream.on_closed([](Stream&, std::error_code) { ADD_FAILURE() << "an abort is silent"; });
  });
  std::vector<Peer> peers;
  for (int i = 0; i < 5; ++i) peers.push_back(dial(server->address()));
  settle(loop, 3);
  const TimePoint start = kernel.now();
  int stopped = 0;

  server->stop(5s, [&] { ++stopped; });
  ASSERT_TRUE(loop.run_until([&] { return stopped == 1; }));

  EXPECT_GE(kernel.now() - start, 5s);
  EXPECT_LE(kernel.now() - start, 5s + 2ms);
  EXPECT_EQ(server->stream_count(), 0U);
  for (Peer& peer : peers) {
    peer.receive();
    EXPECT_EQ(peer.error, ECONNRESET);
  }
}

// hazard: S13
TEST(Server, a_second_stop_only_shortens) {
  ClockKernel kernel;
  const sys::ScopedKernel installed(kernel);
  EventLoop loop;
  const auto server = listen(loop);
  server->on_stream([](Stream&) {});
  Peer peer = dial(server->address());
  ASSERT_TRUE(spin_until(loop, [&] { return server->stream_count() == 1; }));
  const TimePoint start = kernel.now();
  int stopped = 0;

  server->stop(5s, [&] { ++stopped; });
  server->stop(100s);
  Timer impatient(loop, [&](Timer&) { server->stop(1s); });
  impatient.start(2s);
  ASSERT_TRUE(loop.run_until([&] { return stopped == 1; }));

  EXPECT_GE(kernel.now() - start, 3s);
  EXPECT_LE(kernel.now() - start, 3s + 2ms);
  EXPECT_EQ(stopped, 1);
}

TEST(Server, a_stop_of_no_time_aborts_in_the_next_turn_and_not_inside) {
  EventLoop loop;
  const auto server = listen(loop);
  server->on_stream([](Stream&) {});
  Peer peer = dial(server->address());
  ASSERT_TRUE(spin_until(loop, [&] { return server->stream_count() == 1; }));
  bool has_stopped = false;

  server->stop(-1s, [&] { has_stopped = true; });
  EXPECT_EQ(server->stream_count(), 1U);

  EXPECT_TRUE(spin_until(loop, [&] { return has_stopped; }));
}

TEST(Server, stop_inside_on_stream_finishes_that_stream_too) {
  EventLoop loop;
  const auto server = listen(loop);
  int stopped = 0;
  server->on_stream([&](Stream& stream) {
    stream.write("the last one");
    server->stop(10s, [&] { ++stopped; });
  });
  Peer peer = dial(server->address());

  ASSERT_TRUE(spin_until(loop, [&] {
    peer.receive();
    if (peer.has_ended) peer.finish();
    return stopped == 1;
  }));

  EXPECT_EQ(peer.received, "the last one");
}

TEST(Server, on_stopped_may_destroy_the_server) {
  EventLoop loop;
  auto server = listen(loop);
  server->stop(1s, [&] { server.reset(); });

  ASSERT_TRUE(loop.run());

  EXPECT_EQ(server, nullptr);
}

TEST(Server, a_server_that_is_destroyed_while_it_stops_tells_nothing_more) {
  EventLoop loop;
  auto server = listen(loop);
  int stopped = 0;
  server->on_stream([](Stream& s) { s.write("flushed"); });
  Peer peer = dial(server->address());
  ASSERT_TRUE(spin_until(loop, [&] { return server->stream_count() == 1; }));
  server->stop(1s, [&] { ++stopped; });

  server.reset();
  ASSERT_TRUE(spin_until(loop, [&] { return peer.receive(), peer.has_ended; }));
  settle(loop);

  EXPECT_EQ(peer.received, "flushed");
  EXPECT_EQ(stopped, 0);
}

TEST(Server, destroying_it_flushes_what_its_streams_accepted) {
  EventLoop loop;
  auto server = listen(loop);
  const std::string answer = pattern(3'000'000);
  bool has_written = false;
  server->on_stream([&](Stream& stream) {
    stream.write(answer);
    has_written = true;
  });
  Peer peer = dial(server->address());
  ASSERT_TRUE(spin_until(loop, [&] { return has_written; }));

  server.reset();
  ASSERT_TRUE(spin_until(loop, [&] { return peer.receive(), peer.has_ended; }));

  EXPECT_EQ(peer.received == answer, true);
  EXPECT_EQ(peer.error, 0);
}

// hazard: RE14
TEST(Server, a_connection_that_the_loop_cannot_listen_to_is_dropped_with_a_remark) {
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
