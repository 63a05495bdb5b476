// weir: tests of simulated hosts where things go wrong in the middle of something else.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/sim_support.h"
#include "weir/loop/timer.h"

namespace weir::sim {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;

/// A connection of plain sockets between two hosts.
class EdgeTest : public testing::Test {
 protected:
  EdgeTest() {
    EXPECT_TRUE(listening.bind(80));
    EXPECT_TRUE(sys::listen(listening.number(), 8));
  }

  void connect() {
    (void)asking.connect(server.address(80));
    (void)world.run_for(1s);
    sys::SocketName peer;
    accepted = std::make_unique<PlainSocket>(sys::Descriptor(sys::accept(listening.number(), peer).number()));
  }

  World world;
  Host& server = world.add_host("server");
  Host& client = world.add_host("client");
  PlainSocket listening{server, SOCK_STREAM};
  PlainSocket asking{client, SOCK_STREAM};
  std::unique_ptr<PlainSocket> accepted;
};

TEST_F(EdgeTest, sending_to_a_forgotten_connection_over_a_way_that_takes_no_time_ends) {
  world.set_link_one_way(client, server, {});
  connect();
  server.crash();
  server.restart();
  world.set_link_one_way(server, client, {.latency = 5ms});

  EXPECT_TRUE(asking.send("hello"));
  (void)world.run_for(1s);

  EXPECT_EQ(asking.take_error(), ECONNRESET);
}

TEST_F(EdgeTest, an_end_whose_refusal_is_lost_is_sent_again) {
  connect();
  server.crash();
  server.restart();
  world.set_link_one_way(server, client, {.is_down = true});
  EXPECT_TRUE(sys::shutdown(asking.number(), SHUT_WR));
  (void)world.run_for(1s);
  EXPECT_EQ(asking.take_error(), 0);
  world.set_link_one_way(server, client, {.latency = 1ms});

  (void)world.run_for(60s);

  EXPECT_EQ(asking.take_error(), ECONNRESET);
}

TEST_F(EdgeTest, an_end_under_way_arrives_before_the_reset_that_follows_it) {
  world.set_link(server, client, {.latency = 10ms});
  connect();
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  EXPECT_TRUE(sys::shutdown(asking.number(), SHUT_WR));
  asking.set_option(SOL_SOCKET, SO_LINGER, at_once);
  asking.close();
  (void)world.run_for(1s);

  EXPECT_EQ(accepted->receive(), "");
  EXPECT_EQ(accepted->last_error, 0) << "the end";
  EXPECT_EQ(accepted->take_error(), EPIPE);
}

TEST_F(EdgeTest, resets_in_the_middle_of_a_handshake_harm_it_no_more_than_before) {
  listening.close();
  server.crash();
  server.restart();
  PlainSocket again(server, SOCK_STREAM);
  ASSERT_TRUE(again.bind(80));
  ASSERT_TRUE(sys::listen(again.number(), 8));
  (void)asking.connect(server.address(80));
  world.reset_connections(server, client);
  (void)world.run_for(1s);

  sys::SocketName peer;
  EXPECT_TRUE(sys::accept(again.number(), peer)) << "nothing was there to be reset yet";
}

TEST_F(EdgeTest, what_a_crashed_program_still_holds_closes_nothing_of_the_new_one) {
  const int old_number = listening.number();
  server.crash();
  server.restart();
  PlainSocket fresh(server, SOCK_STREAM);
  EXPECT_NE(fresh.number(), old_number);
  listening.close();
  std::array<std::byte, 1> byte{};
  EXPECT_EQ(sys::write(old_number, byte).error_number(), EBADF);

  EXPECT_TRUE(fresh.bind(80));
  EXPECT_EQ(server.open_descriptors(), 1U);
}

TEST_F(EdgeTest, a_host_may_crash_while_its_program_waits) {
  auto loop = client.run([] { return std::make_unique<EventLoop>(); });
  Timer timer(*loop, [](Timer&) {});
  timer.start(1h);
  world.after(1s, [&] { client.crash(); });

  EXPECT_EQ(loop->run().error(), std::errc::bad_file_descriptor);

  EXPECT_EQ(world.elapsed(), 1s);
}

TEST_F(EdgeTest, room_in_a_pipe_that_was_nearly_full_is_told) {
  world.local().run([] {
    std::array<int, 2> ends{};
    ASSERT_TRUE(sys::create_pipe(ends));
    const sys::Descriptor reader(ends[0]);
    const sys::Descriptor writer(ends[1]);
    const sys::Descriptor epoll(sys::create_epoll().number());
    std::string bytes(62'000, 'x');
    EXPECT_EQ(sys::write(writer.number(), as_bytes(bytes)).count(), 62'000U);
    EXPECT_EQ(sys::write(writer.number(), as_bytes(bytes).first(4096)).error_number(), EAGAIN);
    epoll_event event{};
    event.events = EPOLLOUT | EPOLLET;
    ASSERT_TRUE(sys::control_epoll(epoll.number(), EPOLL_CTL_ADD, writer.number(), event));
    EXPECT_EQ(sys::read(reader.number(), std::as_writable_bytes(std::span(bytes.data(), bytes.size()))).count(),
              62'000U);

    std::array<epoll_event, 1> events{};
    EXPECT_EQ(sys::wait_epoll(epoll.number(), events, 1s).count(), 1U);
  });
}

TEST_F(EdgeTest, a_loop_that_spins_does_not_hold_up_a_program_in_its_own_run) {
  std::function<void()> spin = [&] { server.loop().post([&] { spin(); }); };
  spin();
  EventLoop loop;
  Timer timer(loop, [&](Timer&) { loop.stop(); });
  timer.start(10ms);

  EXPECT_EQ(*loop.run(), RunEnd::stopped);
}

TEST_F(EdgeTest, actions_that_plan_themselves_for_now_leave_the_condition_its_turn) {
  int actions = 0;
  std::function<void()> again = [&] {
    ++actions;
    world.after(0s, [&] { again(); });
  };
  again();

  EXPECT_EQ(world.run_until([&] { return actions == 100; }, 1s), Outcome::met);
}

TEST_F(EdgeTest, planned_actions_run_on_the_local_host) {
  std::size_t on_local = 0;
  world.after(1ms, [&] {
    const sys::Descriptor opened(sys::create_event_counter().number());
    on_local = world.local().open_descriptors();
  });
  EventLoop& loop = client.loop();
  Timer timer(loop, [&](Timer&) { loop.stop(); });
  timer.start(1s);

  EXPECT_TRUE(client.run([&] { return loop.run(); }));

  EXPECT_EQ(on_local, 1U);
}

TEST(World, destroys_what_was_planned_before_the_loops) {
  World world;
  Host& host = world.add_host("host");
  auto echo = start_echo(host);
  world.after(1h, [echo = std::move(echo)] {});
}

TEST(World, the_hook_of_the_trace_may_replace_itself) {
  World world;
  int first = 0;
  int second = 0;
  world.on_trace([&](std::string_view) {
    ++first;
    world.on_trace([&](std::string_view) { ++second; });
  });
  EventLoop loop;

  EXPECT_EQ(first, 1);
  EXPECT_GT(second, 0);
}

TEST(WorldDeathTest, links_and_hosts_that_cannot_be_are_programmer_errors) {
  World world;
  Host& host = world.add_host("host");
  EXPECT_DEATH(world.set_link(host, world.local(), {.chunk = 0}), "");
  EXPECT_DEATH(world.set_link(host, world.local(), {.loss = 1.5}), "");
  EXPECT_DEATH(world.set_link(host, world.local(), {.bytes_per_second = 0}), "");
  EXPECT_DEATH(world.add_host("other", {.first_ephemeral_port = 9, .last_ephemeral_port = 8}), "");
  EXPECT_DEATH(world.add_host("host"), "") << "there is one of that name";
}

TEST(World, holds_ten_thousand_connections) {
  World world;
  Host& server = world.add_host("server");
  Host& client = world.add_host("client");
  const auto echo = start_echo(server);
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 10'000; ++i) clients.push_back(std::make_unique<Client>(client, server.address(7777)));

  EXPECT_EQ(world.run_until([&] { return echo->stream_count() == 10'000; }, 10s), Outcome::met);
}

}  // namespace
}  // namespace weir::sim
