// weir: tests of simulated worlds: their time, whose turn it is, names, traces.
// SPDX-License-Identifier: MIT
#include "weir/sim/world.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "tests/support/sim_support.h"
#include "tests/support/throws.h"
#include "weir/loop/timer.h"

namespace weir::sim {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;

TEST(World, an_echo_between_two_hosts_takes_as_long_as_the_link) {
  World world({.link = {.latency = 10ms}});
  Host& server = world.add_host("server");
  Host& client = world.add_host("client");
  const auto echo = start_echo(server);
  Client stream(client, server.address(7777));
  stream->write("hello");

  EXPECT_EQ(world.run_until([&] { return stream.received == "hello"; }, 10s), Outcome::met) << world.trace();

  EXPECT_EQ(world.elapsed(), 40ms);
}

TEST(World, one_host_alone_runs_by_its_own_loop) {
  const World world;
  EventLoop loop;
  Timer timer(loop, [&](Timer&) { loop.stop(); });
  timer.start(24h);

  const auto end = loop.run();

  ASSERT_TRUE(end);
  EXPECT_EQ(*end, RunEnd::stopped);
  EXPECT_GE(world.elapsed(), 24h);
  EXPECT_LE(world.elapsed(), 24h + 1ms);
}

TEST(World, the_run_of_one_loop_keeps_the_other_hosts_going) {
  World world;
  Host& server = world.add_host("server");
  const auto echo = start_echo(server);
  EventLoop loop;
  auto stream = *Stream::connect(loop, server.address(7777), {});
  stream->on_data([&](Stream&) { loop.stop(); });
  stream->write("hello");

  EXPECT_EQ(*loop.run(), RunEnd::stopped);

  EXPECT_EQ(world.elapsed(), 4ms);
}

TEST(World, a_wait_for_what_cannot_come_is_an_error_and_not_a_hang) {
  const World world;
  EventLoop loop;
  auto listening = Server::listen(loop, {.address = ":80"});

  const auto end = loop.run();

  ASSERT_FALSE(end);
  EXPECT_EQ(end.error(), std::errc::resource_deadlock_would_occur);
}

TEST(World, tells_how_running_ended) {
  World world;
  Host& host = world.add_host("host");
  EXPECT_EQ(world.run_until([] { return true; }), Outcome::met);
  EXPECT_EQ(world.run_for(5s), Outcome::time_up);
  EXPECT_EQ(world.elapsed(), 5s);
  EXPECT_EQ(world.run_until([] { return false; }), Outcome::idle);

  Timer spinning(host.loop(), [](Timer& timer) { timer.start(0s); });
  spinning.start(0s);
  host.loop().post([] {});
  std::function<void()> post_again = [&] { host.loop().post([&] { post_again(); }); };
  post_again();

  EXPECT_EQ(world.run_for(1s), Outcome::busy);
  EXPECT_LT(world.elapsed(), 5s + 1s);
}

TEST(World, actions_happen_at_their_time_in_the_order_in_which_they_were_planned) {
  World world;
  std::vector<std::string> happened;
  const auto note = [&](const char* what) {
    return [&happened, &world, what] { happened.push_back(std::to_string(world.elapsed() / 1ms) + what); };
  };
  world.at(20ms, note(" c"));
  world.at(10ms, note(" a"));
  world.at(10ms, note(" b"));
  world.at(-5ms, note(" past"));
  (void)world.run_for(15ms);
  world.after(2ms, note(" d"));
  (void)world.run_for(1s);

  EXPECT_EQ(happened, (std::vector<std::string>{"0 past", "10 a", "10 b", "17 d", "20 c"}));
}

TEST(World, posts_between_loops_wake_the_one_that_sleeps) {
  World world;
  Host& host = world.add_host("host");
  EventLoop& one = host.loop();
  EventLoop& other = host.add_loop();
  int passed = 0;
  std::function<void(int)> pass = [&](int left) {
    ++passed;
    if (left > 0) (left % 2 == 0 ? one : other).post([&, left] { pass(left - 1); });
  };
  Timer timer(one, [&](Timer&) { pass(100); });
  timer.start(1h);

  (void)world.run_for(2h);

  EXPECT_EQ(passed, 101);
}

TEST(World, a_loop_that_was_stopped_makes_no_more_turns) {
  World world;
  Host& host = world.add_host("host");
  int turns = 0;
  Timer timer(host.loop(), [&](Timer& t) {
    if (++turns == 3) host.loop().stop();
    t.start(1s);
  });
  timer.start(1s);

  (void)world.run_for(10s);

  EXPECT_EQ(turns, 3);
}

TEST(World, what_a_callback_throws_leaves_the_run_and_the_world_goes_on) {
  if (!can_throw()) GTEST_SKIP() << "needs exceptions";
  World world;
  Host& host = world.add_host("host");
  int fired = 0;
  Timer timer(host.loop(), [&](Timer& t) {
    t.start(1s);
    if (++fired == 1) throw_something();
  });
  timer.start(1s);

  EXPECT_TRUE(throws_something([&] { (void)world.run_for(10s); }));
  EXPECT_EQ(world.run_until([&] { return fired == 3; }, 10s), Outcome::met);
}

TEST(World, knows_its_hosts_by_name) {
  World world;
  Host& first = world.add_host("first");
  Host& second = world.add_host("second");
  world.add_name("db.example", second);

  EXPECT_EQ(world.find("first"), &first);
  EXPECT_EQ(world.find("nobody"), nullptr);
  EXPECT_EQ(first.address(80).to_string(), "10.0.0.2:80");
  EXPECT_EQ(second.address_v6(80).to_string(), "[fd00::3]:80");
  EXPECT_EQ(world.resolve("db.example:5432")->to_string(), "10.0.0.3:5432");
  EXPECT_EQ(world.resolve("10.0.0.9:1")->to_string(), "10.0.0.9:1");
  EXPECT_EQ(world.resolve("nobody:80").error(), errc::bad_address);
  EXPECT_EQ(world.resolve("first").error(), errc::bad_address);
  EXPECT_EQ(world.resolve("first:99999").error(), errc::bad_address);
}

/// Five clients of an echo over a link full of chance.
std::uint64_t hash_of_a_run(std::uint64_t seed) {
  World world(
      {.seed = seed, .link = {.latency = 3ms, .jitter = 9ms, .chunk = 700, .has_random_chunks = true, .loss = 0.05}});
  Host& server = world.add_host("server");
  Host& client = world.add_host("client");
  const auto echo = start_echo(server);
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 5; ++i) {
    clients.push_back(std::make_unique<Client>(client, server.address(7777)));
    (*clients.back())->write(std::string(1 + world.random().below(50'000), 'x'));
  }
  (void)world.run_for(30s);
  return world.trace_hash();
}

TEST(World, the_same_seed_gives_the_same_trace_and_another_seed_another) {
  std::set<std::uint64_t> hashes;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const std::uint64_t hash = hash_of_a_run(seed);
    EXPECT_EQ(hash_of_a_run(seed), hash) << "seed " << seed;
    hashes.insert(hash);
  }
  EXPECT_EQ(hashes.size(), 20U);
}

TEST(World, prints_what_happened) {
  World world({.link = {.latency = 10ms}});
  Host& server = world.add_host("server");
  Host& client = world.add_host("client");
  std::size_t lines = 0;
  world.on_trace([&](std::string_view) { ++lines; });
  const auto echo = start_echo(server);
  Client stream(client, server.address(7777));
  stream->write("hello");
  (void)world.run_for(1s);

  const std::string trace = world.trace();

  EXPECT_NE(trace.find("    0.000000  client    connect 5 -> EINPROGRESS\n"), std::string::npos) << trace;
  EXPECT_NE(trace.find("    0.010000  server    a connection is asked for at port 7777 from client\n"),
            std::string::npos);
  EXPECT_NE(trace.find("    0.020000  client    send 5 -> 5\n"), std::string::npos);
  EXPECT_NE(trace.find("    0.030000  server    5 bytes arrive from client\n"), std::string::npos);
  EXPECT_EQ(lines, world.event_count());
}

TEST(World, tells_in_the_trace_what_troubles_there_were) {
  World world;
  Host& server = world.add_host("server");
  Host& client = world.add_host("client");
  world.partition(server, client);
  world.heal(server, client);
  world.reset_connections(server, client);
  server.pause();
  server.resume();
  server.crash();
  server.restart();

  const std::string trace = world.trace();

  EXPECT_NE(trace.find("    0.000000  ---- the network between server and client is cut\n"), std::string::npos)
      << trace;
  for (const std::string_view what : {"is whole again", "are reset", "stand still", "go on", "server is switched off",
                                      "server is switched on again"}) {
    EXPECT_NE(trace.find(what), std::string::npos) << what;
  }
}

TEST(World, says_in_the_trace_when_something_was_opened_on_another_host_than_its_loop) {
  World world;
  Host& client = world.add_host("client");

  const auto listening = Server::listen(client.loop(), {.address = ":80"});  // not in client.run

  EXPECT_EQ(listening.error(), std::errc::bad_file_descriptor);
  EXPECT_NE(world.trace().find("of local was given to a loop of client: it was opened outside of client's run()"),
            std::string::npos)
      << world.trace();
}

TEST(World, keeps_the_last_thousand_lines) {
  World world;
  Host& host = world.add_host("host");
  Timer timer(host.loop(), [](Timer& t) { t.start(1s); });
  timer.start(1s);
  (void)world.run_for(2000s);

  const std::string trace = world.trace();

  EXPECT_EQ(std::count(trace.begin(), trace.end(), '\n'), 1000);
  EXPECT_GT(world.event_count(), 2000U);
}

TEST(World, gives_the_thread_its_real_kernel_back) {
  { const World world; }

  EventLoop loop;
  const sys::Descriptor real(sys::create_event_counter().number());

  EXPECT_LT(real.number(), 10'000);
}

}  // namespace
}  // namespace weir::sim
