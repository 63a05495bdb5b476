// weir: tests of peers that are gone without a word: no end comes, and no reset.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>

#include "tests/support/sim_support.h"
#include "tests/support/test_world.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;

/// A server and a client with one connection, on hosts of their own.
class HalfOpen : public SimulatedTest {
 protected:
  void connect(const ListenOptions& listening, const ConnectOptions& connecting, const StreamOptions& options = {}) {
    server_host = &world().add_host("server");
    client_host = &world().add_host("client");
    server = server_host->run([&] {
      return *Server::listen(server_host->loop(), {.address = "0.0.0.0:80", .listen = listening, .stream = options});
    });
    server->on_stream([this](Stream& stream) {
      accepted = &stream;
      stream.on_closed([this](Stream&, std::error_code error) {
        end = error;
        ended_at = world().now();
      });
    });
    client.emplace(*client_host, server_host->address(80), StreamOptions{}, connecting);
    (void)world().run_until([&] { return accepted != nullptr && client->is_connected; }, 1s);
    ASSERT_NE(accepted, nullptr);
  }

  /// How long from now the server's stream lives; a day when it goes on.
  Duration life() {
    const TimePoint begin = world().now();
    (void)world().run_until([&] { return ended_at.has_value(); }, 24h);
    return ended_at.value_or(begin + 24h) - begin;
  }

  sim::Host* server_host = nullptr;
  sim::Host* client_host = nullptr;
  std::unique_ptr<Server> server;
  std::optional<Client> client;
  Stream* accepted = nullptr;
  std::error_code end;
  std::optional<TimePoint> ended_at;
};

TEST_F(HalfOpen, goes_unnoticed_when_nobody_asks) {
  connect({}, {});
  client_host->crash();

  EXPECT_EQ(life(), 24h);
}

// hazard: S12
TEST_F(HalfOpen, is_noticed_by_a_servers_keep_alive_after_the_idle_time_and_all_probes) {
  connect({.socket = {.keep_alive = KeepAlive{.idle = 60s, .interval = 10s, .probes = 3}}}, {});
  client_host->crash();

  const Duration time = life();

  EXPECT_EQ(end, std::errc::timed_out);
  EXPECT_GE(time, 90s - 10ms);
  EXPECT_LE(time, 90s + 10ms);
}

// hazard: S12
TEST_F(HalfOpen, is_noticed_by_a_clients_keep_alive) {
  connect({}, {.socket = {.keep_alive = KeepAlive{.idle = 60s, .interval = 10s, .probes = 3}}});
  world().partition(*server_host, *client_host);

  EXPECT_EQ(world().run_until([&] { return client->closed > 0; }, 90s + 10ms), sim::Outcome::met);

  EXPECT_EQ(client->end, std::errc::timed_out);
}

TEST_F(HalfOpen, of_a_machine_that_has_started_again_is_a_reset) {
  connect({.socket = {.keep_alive = KeepAlive{.idle = 60s}}}, {});
  client_host->crash();
  client_host->restart();

  const Duration time = life();

  EXPECT_EQ(end, std::errc::connection_reset);
  EXPECT_LE(time, 60s + 10ms);
}

TEST_F(HalfOpen, leaves_a_peer_that_only_says_nothing_alone) {
  connect({.socket = {.keep_alive = KeepAlive{}}}, {});

  EXPECT_EQ(life(), 24h);
}

// hazard: S12
TEST_F(HalfOpen, with_data_under_way_is_noticed_by_the_user_timeout) {
  connect({.socket = {.user_timeout = 20s}}, {});
  client_host->crash();
  accepted->write("hello");

  const Duration time = life();

  EXPECT_EQ(end, std::errc::timed_out);
  EXPECT_GE(time, 20s - 10ms);
  EXPECT_LE(time, 20s + 10ms);
}

TEST_F(HalfOpen, with_data_under_way_is_no_matter_of_keep_alive) {
  connect({.socket = {.keep_alive = KeepAlive{}}}, {});
  client_host->crash();
  accepted->write("hello");

  EXPECT_GE(life(), 15min) << "the system repeats the data so long";
  EXPECT_EQ(end, std::errc::timed_out);
}

// hazard: S12
TEST_F(HalfOpen, is_noticed_by_a_limit_of_the_stream) {
  connect({}, {}, {.time_limits = {.idle = 30s}});
  client_host->crash();

  const Duration time = life();

  EXPECT_EQ(end, errc::idle_timed_out);
  EXPECT_LE(time, 30s + 10ms);
}

}  // namespace
}  // namespace weir
