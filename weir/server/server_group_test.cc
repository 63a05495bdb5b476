// weir: tests of servers on several loops, which take turns on one thread here.
// SPDX-License-Identifier: MIT
#include "weir/server/server_group.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/server_support.h"
#include "weir/loop/event_loop.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;
using Spread = ServerGroup::Spread;

class Group : public testing::Test {
 protected:
  std::span<EventLoop* const> all() const { return pointers; }

  void open(ServerGroup::Options options) {
    if (options.server.address.empty()) options.server.address = "127.0.0.1:0";
    auto listening = ServerGroup::listen(all(), std::move(options), [this](Stream& stream) {
      const auto at = std::find(pointers.begin(), pointers.end(), &stream.loop());
      stream.write(std::to_string(at - pointers.begin()));
      echo(stream);
    });
    ASSERT_TRUE(listening) << listening.error().message();
    group = *std::move(listening);
  }

  void dial(std::size_t count) {
    for (; count > 0; --count) peers.push_back(testing_support::dial(group->address()));
  }

  /// Which loop told the peer that it serves it; -1 if none has.
  static int loop_of(Peer& peer) {
    peer.receive();
    return peer.received.empty() ? -1 : peer.received[0] - '0';
  }

  template <class Done>
  bool spin(Done done) {
    return spin_until(loops[0], [&] {
      for (std::size_t i = 1; i < loops.size(); ++i) (void)loops[i].poll();
      return done();
    });
  }

  bool all_served() {
    return spin([&] { return std::all_of(peers.begin(), peers.end(), [](Peer& peer) { return loop_of(peer) >= 0; }); });
  }

  std::array<std::size_t, 3> counts() const {
    return {group->stream_count(0), group->stream_count(1), group->stream_count(2)};
  }

  std::array<EventLoop, 3> loops;
  std::array<EventLoop*, 3> pointers{&loops[0], &loops[1], &loops[2]};
  std::unique_ptr<ServerGroup> group;
  std::vector<Peer> peers;
};

TEST_F(Group, spread_by_the_system_has_a_listener_on_each_loop) {
  open({});
  EXPECT_NE(group->address().port(), 0);
  dial(60);

  ASSERT_TRUE(all_served());

  EXPECT_EQ(group->stream_count(), 60U);
  for (const std::size_t count : counts()) EXPECT_GT(count, 0U) << "by chance once in 10^10 runs";
}

TEST_F(Group, spread_by_load_gives_each_connection_to_the_loop_with_the_fewest) {
  open({.server = {}, .spread = Spread::by_load});
  dial(60);
  ASSERT_TRUE(all_served());
  EXPECT_EQ(counts(), (std::array<std::size_t, 3>{20, 20, 20}));

  for (Peer& peer : peers) {
    if (loop_of(peer) == 1) peer.close();
  }
  ASSERT_TRUE(spin([&] { return group->stream_count() == 40; }));
  std::erase_if(peers, [](Peer& peer) { return peer.received == "1"; });
  dial(10);
  ASSERT_TRUE(all_served());

  EXPECT_EQ(counts(), (std::array<std::size_t, 3>{20, 10, 20}));
}

TEST_F(Group, each_stream_stays_on_its_loop) {
  open({.server = {}, .spread = Spread::by_load});
  dial(6);
  ASSERT_TRUE(all_served());

  for (Peer& peer : peers) peer.send("hello");

  EXPECT_TRUE(spin([&] {
    return std::all_of(peers.begin(), peers.end(),
                       [](Peer& peer) { return peer.receive(), peer.received.size() == 6; });
  }));
}

TEST_F(Group, a_port_in_use_is_an_error_also_when_a_group_uses_it) {
  open({});
  const std::string taken = group->address().to_string();
  for (const Spread spread : {Spread::by_system, Spread::by_load}) {
    const auto second = ServerGroup::listen(all(), {.server = {.address = taken}, .spread = spread}, [](Stream&) {});
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error(), std::errc::address_in_use);
  }
  const auto nonsense = ServerGroup::listen(all(), {.address = "nonsense"}, [](Stream&) {});
  ASSERT_FALSE(nonsense);
  EXPECT_EQ(nonsense.error(), errc::bad_address);
}

TEST_F(Group, for_ipv6_only_is_not_hindered_by_a_server_at_the_same_port_of_ipv4) {
  if (!Socket::open_stream(Address::Family::v6)) GTEST_SKIP() << "no IPv6 here";
  open({.server = {.address = "0.0.0.0:0"}});
  const std::string address = "[::]:" + std::to_string(group->address().port());

  const auto both = ServerGroup::listen(all(), {.address = address}, [](Stream&) {});
  const auto v6_only = ServerGroup::listen(all(), {.address = address, .listen = {.v6_only = true}}, [](Stream&) {});

  EXPECT_FALSE(both);
  EXPECT_TRUE(v6_only) << v6_only.error().message();
}

TEST_F(Group, ports_are_shared_with_other_groups_on_request_only) {
  open({.server = {.listen = {.share_port = true}}});
  const std::string address = group->address().to_string();

  const auto alone = ServerGroup::listen(all(), {.address = address}, [](Stream&) {});
  const auto second = ServerGroup::listen(all(), {.address = address, .listen = {.share_port = true}},
                                          [](Stream& stream) { stream.write("s"); });

  EXPECT_FALSE(alone);
  ASSERT_TRUE(second);
  dial(60);
  ASSERT_TRUE(spin([&] {
    return std::all_of(peers.begin(), peers.end(), [](Peer& peer) { return peer.receive(), !peer.received.empty(); });
  }));
  EXPECT_GT((*second)->stream_count(), 0U);
  EXPECT_GT(group->stream_count(), 0U);
}

TEST_F(Group, a_unix_address_is_spread_by_load) {
  open({.server = {.address = "unix:@weir-group-" + std::to_string(::getpid())}});
  dial(9);

  ASSERT_TRUE(all_served());

  EXPECT_EQ(counts(), (std::array<std::size_t, 3>{3, 3, 3}));
}

TEST_F(Group, one_loop_is_enough) {
  auto single =
      ServerGroup::listen(all().first(1), {.address = "127.0.0.1:0"}, [](Stream& stream) { stream.write("0"); });
  ASSERT_TRUE(single);
  group = *std::move(single);
  dial(3);

  EXPECT_TRUE(all_served());
}

TEST_F(Group, connection_limits_are_those_of_all_loops_together) {
  for (const Spread spread : {Spread::by_system, Spread::by_load}) {
    peers.clear();
    open({.server = {.connection_limit = 4}, .spread = spread});
    dial(24);
    std::size_t served = 0;
    while (served < 24) {
      const auto next = [&] {
        return std::find_if(peers.begin(), peers.end(), [](Peer& peer) { return loop_of(peer) >= 0; });
      };
      ASSERT_TRUE(spin([&] { return next() != peers.end(); })) << served << " were served";
      EXPECT_LE(group->stream_count(), 4U);
      next()->close();
      peers.erase(next());
      ++served;
    }
    ASSERT_TRUE(spin([&] { return group->stream_count() == 0; }));
  }
}

TEST_F(Group, stops_on_every_loop_and_tells_once_on_the_first) {
  for (const Spread spread : {Spread::by_system, Spread::by_load}) {
    peers.clear();
    open({.server = {}, .spread = spread});
    dial(9);
    ASSERT_TRUE(all_served());
    int told = 0;

    group->stop(10s, [&] { ++told; });
    EXPECT_TRUE(spin([&] {
      return std::all_of(peers.begin(), peers.end(), [](Peer& peer) { return peer.receive(), peer.has_ended; });
    }));
    EXPECT_EQ(told, 0);
    EXPECT_TRUE(spin([&] {  // a loop without peers may close its listener after the others
      int error = 0;
      (void)testing_support::dial(group->address(), &error);
      return error == ECONNREFUSED;
    }));
    peers.clear();
    ASSERT_TRUE(spin([&] { return told != 0; }));
    (void)spin_until(loops[0], [] { return true; });

    EXPECT_EQ(told, 1);
    EXPECT_EQ(group->stream_count(), 0U);
  }
}

TEST_F(Group, a_second_stop_shortens_the_time_and_its_callback_takes_the_place_of_the_first) {
  open({});
  dial(9);
  ASSERT_TRUE(all_served());
  int first = 0;
  int second = 0;
  int third = 0;

  group->stop(1h, [&] { ++first; });
  settle(loops[0]);
  group->stop(10ms, [&] { ++second; });
  ASSERT_TRUE(spin([&] { return second != 0; }));
  group->stop(1s, [&] { ++third; });
  ASSERT_TRUE(spin([&] { return third != 0; }));

  EXPECT_EQ(first, 0);
  EXPECT_EQ(second, 1);
  EXPECT_EQ(group->stream_count(), 0U);
}

TEST_F(Group, may_go_while_connections_and_stops_are_under_way) {
  open({.server = {.connection_limit = 5}, .spread = Spread::by_load});
  dial(12);
  for (int i = 0; i < 3; ++i) (void)loops[0].poll();  // accepts and hands over; the others have not run

  group->stop(1s, [] { FAIL() << "the group has gone"; });
  group.reset();

  for (int i = 0; i < 3; ++i) {
    for (EventLoop& loop : loops) (void)loop.poll();
  }
  EXPECT_TRUE(spin([&] {
    return std::all_of(peers.begin(), peers.end(),
                       [](Peer& peer) { return peer.receive(), peer.has_ended || peer.error != 0; });
  }));
}

TEST_F(Group, calls_what_it_was_given_as_const) {
  struct Handler {
    void operator()(Stream&) { FAIL() << "not const"; }
    void operator()(Stream& stream) const { stream.write("0"); }
  };
  auto listening = ServerGroup::listen(all(), {.address = "127.0.0.1:0"}, Handler());
  ASSERT_TRUE(listening);
  group = *std::move(listening);
  dial(5);

  EXPECT_TRUE(all_served());
}

}  // namespace
}  // namespace weir
