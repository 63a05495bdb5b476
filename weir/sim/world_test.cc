// weir: tests of simulated networks.
// SPDX-License-Identifier: MIT
#include "weir/sim/world.h"

#include <gtest/gtest.h>

#include <string>

#include "weir/loop/timer.h"
#include "weir/server/server.h"
#include "weir/stream/stream.h"

namespace weir::sim {
namespace {

using namespace weir::literals;

std::string text_of(const Buffer& buffer) {
  std::string text(buffer.size(), '\0');
  buffer.copy_to(std::as_writable_bytes(std::span(text.data(), text.size())));
  return text;
}

/// An echo server on a host.
std::unique_ptr<Server> start_echo(Host& host, std::string address = ":7777") {
  return host.run([&] {
    auto listening = Server::listen(host.loop(), {.address = std::move(address)});
    EXPECT_TRUE(listening);
    (*listening)->on_stream([](Stream& stream) { stream.on_data([](Stream& s) { s.write(s.input().take_all()); }); });
    return *std::move(listening);
  });
}

TEST(World, an_echo_between_two_hosts_takes_as_long_as_the_link) {
  World world({.link = {.latency = 10ms}});
  Host& server = world.add_host("server");
  Host& client = world.add_host("client");
  auto echo = start_echo(server, "10.0.0.2:7777");
  auto stream = client.run([&] { return *Stream::connect(client.loop(), *world.resolve("server:7777"), {}); });
  std::string answer;
  stream->on_data([&](Stream& s) { answer += text_of(s.input().take_all()); });
  stream->write("hello");

  EXPECT_EQ(world.run_until([&] { return answer == "hello"; }, 10s), Outcome::met) << world.trace();

  EXPECT_EQ(world.elapsed(), 40ms);
}

TEST(World, one_host_alone_runs_by_its_own_loop) {
  World world;
  EventLoop loop;
  Timer timer(loop, [&](Timer&) { loop.stop(); });
  timer.start(24h);

  const auto end = loop.run();

  ASSERT_TRUE(end);
  EXPECT_EQ(*end, RunEnd::stopped);
  EXPECT_GE(world.elapsed(), 24h);
  EXPECT_LE(world.elapsed(), 24h + 1ms);
}

}  // namespace
}  // namespace weir::sim
