// weir: what the simulation has found, each as small as it could be made.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <string>

#include "tests/simulation/scenario.h"
#include "weir/server/server.h"
#include "weir/stream/stream.h"

namespace weir::testing_support {
namespace {

using namespace weir::literals;
using namespace weir::sim;

/// The peer sends back what comes, and reads no more while that is not taken. The end must not wait for a peer that waits
/// for us: `linger_bytes` bounds what is thrown away once the end is sent, not before.
TEST(Regression, finish_reads_on_until_all_is_flushed_however_much_comes_back) {
  World world;
  Host& here = world.add_host("here", {.send_buffer = 20'000, .receive_buffer = 20'000});
  Host& there = world.add_host("there", {.send_buffer = 20'000, .receive_buffer = 20'000});
  auto server = there.run([&] { return *Server::listen(there.loop(), {.address = "0.0.0.0:7"}); });
  server->on_stream([](Stream& stream) {
    stream.set_write_marks({.low = 1000, .high = 10'000});
    stream.on_data([](Stream& s) { s.write(s.input().take_all()); });
  });
  auto stream = here.run(
      [&] { return *Stream::connect(here.loop(), there.address(7), {.stream = StreamOptions{.linger_bytes = 1000}}); });
  std::error_code error = errc::canceled;
  stream->on_closed([&](Stream&, std::error_code why) { error = why; });
  stream->write(std::string(1'000'000, 'x'));
  stream->finish();

  EXPECT_EQ(world.run_until([&] { return !stream->is_open(); }, 30s), Outcome::met) << world.trace();

  EXPECT_FALSE(error) << error.message();
}

/// A peer whose window is full, and which then aborts while its reset cannot get through: the sender's probes find nobody.
TEST(Regression, who_waits_for_the_window_of_a_peer_that_is_gone_hears_of_it) {
  for (const bool crashes : {false, true}) {
    World world;
    Host& here = world.add_host("here");
    Host& there = world.add_host("there");
    auto server = there.run([&] { return *Server::listen(there.loop(), {.address = "0.0.0.0:7"}); });
    Stream* accepted = nullptr;
    server->on_stream([&](Stream& stream) {
      accepted = &stream;
      stream.pause();
    });
    auto stream = here.run([&] { return *Stream::connect(here.loop(), there.address(7), {}); });
    std::error_code error;
    stream->on_closed([&](Stream&, std::error_code why) { error = why; });
    stream->write(std::string(1'000'000, 'x'));
    (void)world.run_for(5s);
    ASSERT_NE(accepted, nullptr);

    if (crashes) {
      there.crash();
      world.after(2s, [&] { there.restart(); });
    } else {
      world.partition(here, there);
      accepted->abort();
      world.after(2s, [&] { world.heal(here, there); });
    }

    EXPECT_EQ(world.run_until([&] { return !stream->is_open(); }, 30s), Outcome::met) << world.trace();
    EXPECT_EQ(error, std::errc::connection_reset) << error.message();
    stream.reset();
    server.reset();
  }
}

/// The same when the window is full of what is on its way: found by `server_swarm` on seed 1981.
TEST(Regression, who_sends_to_a_peer_that_is_gone_sends_again_when_its_reset_is_lost) {
  World world({.link = {.latency = 50ms}});
  Host& here = world.add_host("here", {.send_buffer = 20'000});
  Host& there = world.add_host("there", {.receive_buffer = 4'000});
  auto server = there.run([&] { return *Server::listen(there.loop(), {.address = "0.0.0.0:7"}); });
  Stream* accepted = nullptr;
  server->on_stream([&](Stream& stream) { accepted = &stream; });
  auto stream = here.run([&] { return *Stream::connect(here.loop(), there.address(7), {}); });
  std::error_code error;
  stream->on_closed([&](Stream&, std::error_code why) { error = why; });
  ASSERT_EQ(world.run_until([&] { return accepted != nullptr; }, 5s), Outcome::met);
  stream->write(std::string(100'000, 'x'));
  stream->flush_now();

  world.set_link_one_way(there, here, {.latency = 50ms, .is_down = true});
  accepted->abort();
  world.after(2s, [&] { world.set_link_one_way(there, here, {.latency = 50ms}); });

  EXPECT_EQ(world.run_until([&] { return !stream->is_open(); }, 30s), Outcome::met) << world.trace();
  EXPECT_EQ(error, std::errc::connection_reset) << error.message();
}

}  // namespace
}  // namespace weir::testing_support
