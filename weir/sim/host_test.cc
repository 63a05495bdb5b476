// weir: tests of simulated hosts: their limits, their faults, and losing one.
// SPDX-License-Identifier: MIT
#include "weir/sim/host.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/support/sim_support.h"
#include "weir/loop/timer.h"

namespace weir::sim {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;

/// A server and a client, with an echo between them.
class HostTest : public testing::Test {
 protected:
  World world{{.link = {.latency = 5ms}}};
  Host& server = world.add_host("server");
  Host& client = world.add_host("client");
};

TEST_F(HostTest, without_descriptors_the_server_accepts_when_one_is_free_again) {
  const auto echo = start_echo(server);
  server.set_descriptor_limit(3 + 3 + 1);  // standard streams; epoll, wake-up, listener; one connection
  Client first(client, server.address(7777));
  Client second(client, server.address(7777));
  first->write("1");
  second->write("2");

  (void)world.run_for(10s);
  EXPECT_EQ(first.received + second.received, "1");
  first->finish();

  EXPECT_EQ(world.run_until([&] { return second.received == "2"; }, 1s), Outcome::met);
}

TEST_F(HostTest, what_is_closed_is_no_longer_counted_as_open) {
  EXPECT_EQ(server.open_descriptors(), 0U);
  {
    const auto echo = start_echo(server);
    EXPECT_EQ(server.open_descriptors(), 3U);
  }
  EXPECT_EQ(server.open_descriptors(), 2U);  // the loop's
}

TEST_F(HostTest, the_pools_budget_holds_for_the_host_alone) {
  Host& small = world.add_host("small", {.pool_budget = 512 * 1024});
  const auto echo = start_echo(small, {.write_marks = {.low = 1_MiB, .high = 2_MiB}});
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 8; ++i) {
    clients.push_back(std::make_unique<Client>(client, small.address(7777)));
    (*clients.back())->write(std::string(300'000, 'x'));
  }

  const auto all_answered = [&] {
    for (const auto& each : clients) {
      if (each->received.size() < 300'000) return false;
    }
    return true;
  };
  EXPECT_EQ(world.run_until(all_answered, 60s), Outcome::met);

  EXPECT_LE(small.pool().stats().peak, 512U * 1024);
}

TEST_F(HostTest, a_port_is_found_while_there_is_one) {
  Host& poor = world.add_host("poor", {.first_ephemeral_port = 40'000, .last_ephemeral_port = 40'002});
  const auto echo = start_echo(server);
  const auto other_echo = start_echo(server, {}, 7778);
  std::vector<PlainSocket> sockets;
  for (int i = 0; i < 3; ++i) {
    sockets.emplace_back(poor, SOCK_STREAM);
    EXPECT_EQ(sockets.back().connect(server.address(7777)).error_number(), EINPROGRESS);
  }
  PlainSocket one_more(poor, SOCK_STREAM);
  EXPECT_EQ(one_more.connect(server.address(7777)).error_number(), EADDRNOTAVAIL);
  EXPECT_EQ(one_more.connect(server.address(7778)).error_number(), EINPROGRESS) << "another peer, another connection";

  (void)world.run_for(1s);
  sockets.clear();  // this side ends first: the ports wait for a minute
  (void)world.run_for(1s);
  PlainSocket again(poor, SOCK_STREAM);
  EXPECT_EQ(again.connect(server.address(7777)).error_number(), EADDRNOTAVAIL);
  (void)world.run_for(61s);
  EXPECT_EQ(again.connect(server.address(7777)).error_number(), EINPROGRESS);
}

TEST_F(HostTest, faults_strike_one_host_only_and_calls_are_counted) {
  const auto echo = start_echo(server);
  server.set_faults(FaultPlan::nth(1, {.error = ECONNRESET}, {Call::receive}));
  Client stream(client, server.address(7777));
  stream->write("hello");

  (void)world.run_for(1s);

  EXPECT_EQ(stream.closed, 1);
  EXPECT_EQ(stream.received, "");
  EXPECT_EQ(server.calls(Call::receive), 1U);
  EXPECT_EQ(client.calls(Call::connect), 1U);
  EXPECT_EQ(server.calls(Call::connect), 0U);
}

TEST_F(HostTest, faults_that_put_off_and_cut_short_are_honest) {
  const auto echo = start_echo(server);
  FaultPlan plan = FaultPlan::random(1, 0.3, {.error = EAGAIN}, {Call::receive, Call::send});
  plan += FaultPlan::random(2, 0.5, {.at_most = 7}, {Call::receive, Call::send});
  server.set_faults(plan);
  client.set_faults(plan);
  Client stream(client, server.address(7777));
  std::string all;
  for (int i = 0; i < 1000; ++i) all += std::to_string(i);
  stream->write(all);

  EXPECT_EQ(world.run_until([&] { return stream.received.size() == all.size(); }, 10s), Outcome::met);

  EXPECT_EQ(stream.received, all);
}

TEST_F(HostTest, a_paused_host_takes_data_in_until_its_buffers_are_full) {
  const auto echo = start_echo(server);
  Client stream(client, server.address(7777), {.read_while_output_full = true});
  (void)world.run_for(1s);
  server.pause();
  stream->write(std::string(1'000'000, 'x'));
  (void)world.run_for(10s);
  EXPECT_EQ(stream.received.size(), 0U);
  EXPECT_GT(stream->output().size(), 500'000U);

  server.resume();

  EXPECT_EQ(world.run_until([&] { return stream.received.size() == 1'000'000; }, 10s), Outcome::met);
}

TEST_F(HostTest, nobody_hears_of_a_crash_until_it_is_back) {
  auto echo = start_echo(server);
  Client stream(client, server.address(7777));
  stream->write("hello");
  (void)world.run_for(1s);
  ASSERT_EQ(stream.received, "hello");

  server.crash();
  EXPECT_EQ(server.open_descriptors(), 0U);
  (void)world.run_for(30s);
  EXPECT_EQ(stream.closed, 0);
  stream->write("anybody?");
  (void)world.run_for(20s);
  EXPECT_EQ(stream.closed, 0);

  echo.reset();
  server.restart();
  echo = start_echo(server);
  EXPECT_EQ(world.run_until([&] { return stream.closed == 1; }, 120s), Outcome::met);
  EXPECT_EQ(stream.end, std::errc::connection_reset);
  Client anew(client, server.address(7777));
  anew->write("hello");
  EXPECT_EQ(world.run_until([&] { return anew.received == "hello"; }, 1s), Outcome::met);
}

TEST_F(HostTest, the_programs_of_a_crashed_host_run_no_more_and_may_be_destroyed_at_any_time) {
  int fired = 0;
  Timer timer(server.loop(), [&](Timer& t) {
    ++fired;
    t.start(1s);
  });
  timer.start(1s);
  auto echo = start_echo(server);
  Client stream(client, server.address(7777));
  (void)world.run_for(1500ms);

  server.crash();
  (void)world.run_for(10s);
  EXPECT_EQ(fired, 1);
  server.restart();
  (void)server.loop();
  (void)world.run_for(10s);
  echo.reset();

  EXPECT_EQ(fired, 1);
  EXPECT_EQ(server.open_descriptors(), 2U);
}

TEST_F(HostTest, gives_files_to_its_programs) {
  server.set_file("/etc/motd", "hello");
  server.run([&] {
    const sys::Descriptor file(sys::open_file("/etc/motd", 0).number());
    EXPECT_EQ(sys::file_size(file.number()).count(), 5U);
    server.set_file("/etc/motd", "hello, world");
    std::string text(20, '\0');
    EXPECT_EQ(sys::read_at(file.number(), std::as_writable_bytes(std::span(text.data(), 20)), 7).count(), 5U);
    EXPECT_EQ(text.substr(0, 5), "world");
  });
  client.run([&] { EXPECT_EQ(sys::open_file("/etc/motd", 0).error_number(), ENOENT); });
}

}  // namespace
}  // namespace weir::sim
