// weir: a first test on a simulated network, with GoogleTest.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <weir/sim/world.h>
#include <weir/weir.h>

using namespace weir::literals;

// What is to be tested. It knows nothing of simulations.
std::unique_ptr<weir::Server> start_echo(weir::EventLoop& loop) {
  auto server = weir::Server::listen(loop, {.address = "0.0.0.0:7777"});
  if (!server) return nullptr;
  (*server)->on_stream(
      [](weir::Stream& stream) { stream.on_data([](weir::Stream& s) { s.write(s.input().take_all()); }); });
  return *std::move(server);
}

TEST(Echo, answers_after_two_round_trips) {
  weir::sim::World world({.seed = 7, .link = {.latency = 10ms}});
  weir::sim::Host& server = world.add_host("server");
  weir::sim::Host& client = world.add_host("client");

  auto echo = server.run([&] { return start_echo(server.loop()); });
  auto stream = client.run([&] { return *weir::Stream::connect(client.loop(), server.address(7777), {}); });
  std::size_t received = 0;
  stream->on_data([&](weir::Stream& s) {
    received += s.input().size();
    s.input().clear();
  });
  stream->write("hello");
  const weir::sim::Outcome outcome = world.run_until([&] { return received == 5; }, 1s);

  EXPECT_EQ(outcome, weir::sim::Outcome::met) << world.trace();
  EXPECT_EQ(world.elapsed(), 40ms);  // one round trip to connect, one for the echo
}

TEST(Echo, sees_a_reset_as_an_error) {
  weir::sim::World world;
  weir::sim::Host& server = world.add_host("server");
  weir::sim::Host& client = world.add_host("client");

  auto echo = server.run([&] { return start_echo(server.loop()); });
  auto stream = client.run([&] { return *weir::Stream::connect(client.loop(), server.address(7777), {}); });
  std::error_code end;
  stream->on_closed([&](weir::Stream&, std::error_code error) { end = error; });
  world.after(1s, [&] { world.reset_connections(server, client); });
  (void)world.run_for(2s);

  EXPECT_EQ(end, std::errc::connection_reset);
}
