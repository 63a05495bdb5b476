// weir: tests of how long simulated TCP connections wait for a peer that is silent.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>
#include <netinet/tcp.h>

#include <optional>
#include <string>

#include "tests/support/sim_support.h"

namespace weir::sim {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;

class SilenceTest : public testing::Test {
 protected:
  SilenceTest() {
    EXPECT_TRUE(listening.bind(80));
    EXPECT_TRUE(sys::listen(listening.number(), 8));
  }

  void connect() {
    (void)socket.connect(server.address(80));
    (void)world.run_for(1s);
    sys::SocketName peer;
    accepted.emplace(sys::Descriptor(sys::accept(listening.number(), peer).number()));
  }

  void keep_alive(int idle, int interval, int probes) {
    socket.set_option(SOL_SOCKET, SO_KEEPALIVE, 1);
    socket.set_option(IPPROTO_TCP, TCP_KEEPIDLE, idle);
    socket.set_option(IPPROTO_TCP, TCP_KEEPINTVL, interval);
    socket.set_option(IPPROTO_TCP, TCP_KEEPCNT, probes);
  }
  void user_timeout(int milliseconds) { socket.set_option(IPPROTO_TCP, TCP_USER_TIMEOUT, milliseconds); }

  /// How long from now until the socket has an error; an hour when it gets none.
  Duration time_to(int error) {
    const TimePoint begin = world.now();
    int found = 0;
    (void)world.run_until([&] { return (found = socket.take_error()) != 0; }, 1h);
    EXPECT_EQ(found, error);
    return world.now() - begin;
  }

  /// As much as there is room for at both ends.
  void send_until_full() {
    const std::string chunk(65'536, 'x');
    for (int i = 0; i < 100; ++i) {
      while (socket.send(chunk)) {}
      (void)world.run_for(10ms);
    }
  }

  World world;
  Host& server = world.add_host("server");
  Host& client = world.add_host("client");
  PlainSocket listening{server, SOCK_STREAM};
  PlainSocket socket{client, SOCK_STREAM};
  std::optional<PlainSocket> accepted;
};

TEST_F(SilenceTest, keep_alive_gives_up_after_the_idle_time_and_all_probes) {
  connect();
  keep_alive(60, 10, 3);
  world.partition(client, server);

  const Duration time = time_to(ETIMEDOUT);

  EXPECT_GE(time, 90s);
  EXPECT_LE(time, 90s + 10ms);
}

TEST_F(SilenceTest, keep_alive_leaves_a_peer_alone_that_answers) {
  connect();
  keep_alive(60, 10, 3);

  EXPECT_EQ(time_to(0), 1h);
}

TEST_F(SilenceTest, a_partition_shorter_than_the_probes_is_survived) {
  connect();
  keep_alive(60, 10, 3);
  world.partition(client, server);
  (void)world.run_for(85s);
  world.heal(client, server);

  EXPECT_EQ(time_to(0), 1h);
}

// Linux 6.18, in a network of its own whose loopback is switched off: 2 s, 1 s, 3 probes and a limit of 3.5 s end at 4 s.
TEST_F(SilenceTest, the_user_timeout_decides_instead_of_the_number_of_probes) {
  connect();
  keep_alive(20, 10, 3);
  user_timeout(35'000);
  world.partition(client, server);

  const Duration time = time_to(ETIMEDOUT);

  EXPECT_GE(time, 40s);
  EXPECT_LE(time, 40s + 10ms);
}

TEST_F(SilenceTest, keep_alive_does_not_ask_while_data_waits_for_an_answer) {
  connect();
  keep_alive(20, 10, 3);
  world.partition(client, server);
  EXPECT_TRUE(socket.send("hello"));

  const Duration time = time_to(ETIMEDOUT);

  EXPECT_GE(time, 924s) << "repetitions decide, as tcp_retries2 has it";
}

TEST_F(SilenceTest, the_user_timeout_ends_a_connection_whose_data_is_not_acknowledged) {
  connect();
  user_timeout(30'000);
  world.partition(client, server);
  EXPECT_TRUE(socket.send("hello"));

  const Duration time = time_to(ETIMEDOUT);

  EXPECT_GE(time, 30s);
  EXPECT_LE(time, 30s + 10ms);
}

TEST_F(SilenceTest, the_user_timeout_counts_as_well_when_only_the_answers_are_lost) {
  connect();
  user_timeout(30'000);
  world.set_link_one_way(server, client, {.is_down = true});
  EXPECT_TRUE(socket.send("hello"));

  const Duration time = time_to(ETIMEDOUT);

  EXPECT_GE(time, 30s);
  EXPECT_LE(time, 30s + 10ms);
  EXPECT_EQ(accepted->receive(), "hello");
}

TEST_F(SilenceTest, the_user_timeout_needs_data) {
  connect();
  user_timeout(30'000);
  world.partition(client, server);

  EXPECT_EQ(time_to(0), 1h);
}

TEST_F(SilenceTest, the_user_timeout_bounds_connecting) {
  user_timeout(5'000);
  world.partition(client, server);
  (void)socket.connect(server.address(80));

  const Duration time = time_to(ETIMEDOUT);

  EXPECT_GE(time, 5s);
  EXPECT_LE(time, 5s + 10ms);
}

TEST_F(SilenceTest, a_peer_that_never_reads_is_waited_for) {
  connect();
  send_until_full();

  EXPECT_EQ(time_to(0), 1h);
}

TEST_F(SilenceTest, the_user_timeout_ends_a_connection_whose_peer_never_reads) {
  connect();
  user_timeout(30'000);
  send_until_full();

  const Duration time = time_to(ETIMEDOUT);

  EXPECT_GE(time, 29s);
  EXPECT_LE(time, 30s + 210ms);
}

TEST_F(SilenceTest, a_user_timeout_that_is_set_while_the_peer_does_not_read_counts_too) {
  connect();
  send_until_full();
  user_timeout(30'000);

  const Duration time = time_to(ETIMEDOUT);

  EXPECT_GE(time, 29s);
  EXPECT_LE(time, 30s + 210ms);
}

TEST_F(SilenceTest, a_peer_that_reads_in_time_is_spared_by_the_user_timeout) {
  connect();
  user_timeout(30'000);
  send_until_full();
  (void)world.run_for(25s);
  while (!accepted->receive().empty()) (void)world.run_for(10ms);

  EXPECT_EQ(time_to(0), 1h);
}

}  // namespace
}  // namespace weir::sim
