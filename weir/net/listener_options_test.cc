// weir: tests of what a listener and the sockets that it accepts are set to.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>
#include <netinet/tcp.h>

#include <vector>

#include "tests/support/listener_fixture.h"
#include "tests/support/option_value.h"
#include "tests/support/test_world.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;
using sys::Call;
using sys::FaultPlan;

class ListenerOptions : public ListenerTest {
 protected:
  /// A connection to the listener, and what it was accepted as.
  sys::Descriptor connect() {
    sys::Descriptor client = connect_to(listener_.address().name());
    EXPECT_TRUE(run_until([&] { return !accepted_.empty(); }));
    return client;
  }
  int value(int level, int option) const { return option_value(accepted_.at(0).number(), level, option); }
};

TEST_F(ListenerOptions, are_those_of_each_accepted_socket) {
  open(any_port, {.socket = {.keep_alive = KeepAlive{.idle = 90s, .interval = 7s, .probes = 3},
                             .user_timeout = 45s,
                             .send_buffer_bytes = 50'000,
                             .receive_buffer_bytes = 40'000}});
  const sys::Descriptor client = connect();

  EXPECT_NE(value(IPPROTO_TCP, TCP_NODELAY), 0);
  EXPECT_NE(value(SOL_SOCKET, SO_KEEPALIVE), 0);
  EXPECT_EQ(value(IPPROTO_TCP, TCP_KEEPIDLE), 90);
  EXPECT_EQ(value(IPPROTO_TCP, TCP_KEEPINTVL), 7);
  EXPECT_EQ(value(IPPROTO_TCP, TCP_KEEPCNT), 3);
  EXPECT_EQ(value(IPPROTO_TCP, TCP_USER_TIMEOUT), 45'000);
  EXPECT_EQ(value(SOL_SOCKET, SO_SNDBUF), 100'000);
  EXPECT_EQ(value(SOL_SOCKET, SO_RCVBUF), 80'000);
}

TEST_F(ListenerOptions, cost_no_call_for_a_connection) {
  open(any_port, {.socket = {.keep_alive = KeepAlive{}, .send_buffer_bytes = 50'000}});
  const std::uint64_t before = kernel_.calls(Call::set_option);

  const sys::Descriptor client = connect();

  EXPECT_EQ(kernel_.calls(Call::set_option), before);
}

TEST_F(ListenerOptions, leave_the_delay_of_small_writes_on_when_asked_to) {
  open(any_port, {.socket = {.no_delay = false}});
  const sys::Descriptor client = connect();

  EXPECT_EQ(value(IPPROTO_TCP, TCP_NODELAY), 0);
}

TEST_F(ListenerOptions, reach_unix_sockets_where_they_mean_something) {
  open(*Address::parse("unix:@weir-listener-options"),
       {.v6_only = true, .defer_accept = 1s, .socket = {.keep_alive = KeepAlive{}, .send_buffer_bytes = 50'000}});
  const sys::Descriptor client = connect();

  EXPECT_EQ(value(SOL_SOCKET, SO_SNDBUF), 100'000);
  EXPECT_EQ(value(SOL_SOCKET, SO_KEEPALIVE), 0);
}

TEST_F(ListenerOptions, that_the_system_refuses_are_told_when_opening) {
  const auto open_with = [&](const ListenOptions& options) {
    return Listener::open(*loop_, any_port, options, [](Socket, const Address&) {});
  };
  const auto before = count_descriptors();

  EXPECT_EQ(open_with({.socket = {.keep_alive = KeepAlive{.probes = 0}}}).error(), std::errc::invalid_argument);
  kernel_.set_plan(FaultPlan::nth(1, {.error = EPERM}, {Call::set_option}));
  EXPECT_EQ(open_with({.socket = {.mark = 7}}).error(), std::errc::operation_not_permitted);

  EXPECT_EQ(count_descriptors(), before);
}

// --- addresses ---

TEST_F(ListenerOptions, without_reuse_a_port_just_left_is_in_use) {
  open(any_port, {.reuse_address = false});
  const Address address = listener_.address();
  sys::Descriptor client = connect();
  accepted_.clear();  // the side that closes first keeps the port busy for a minute (TIME-WAIT)
  client.reset();
  listener_ = {};

  const auto again = Listener::open(*loop_, address, {.reuse_address = false}, [](Socket, const Address&) {});

  ASSERT_FALSE(again);
  EXPECT_EQ(again.error(), std::errc::address_in_use);
}

TEST_F(ListenerOptions, for_ipv6_only_leave_the_port_of_ipv4_to_others) {
  if (!Socket::open_stream(Address::Family::v6)) GTEST_SKIP() << "no IPv6 here";
  open(*Address::parse("[::]:0"), {.v6_only = true});
  const Address same_port = *Address::parse("0.0.0.0:" + std::to_string(listener_.address().port()));

  EXPECT_TRUE(Listener::open(*loop_, same_port, {}, [](Socket, const Address&) {}));
}

TEST_F(ListenerOptions, by_default_take_ipv4_connections_at_an_ipv6_address) {
  if (!Socket::open_stream(Address::Family::v6)) GTEST_SKIP() << "no IPv6 here";
  open(*Address::parse("[::]:0"));
  const Address same_port = *Address::parse("127.0.0.1:" + std::to_string(listener_.address().port()));

  const sys::Descriptor client = connect_to(same_port.name());

  EXPECT_TRUE(run_until([&] { return accepted_.size() == 1; }));
}

// --- when to accept ---

TEST_F(ListenerOptions, can_put_accepting_off_until_the_client_has_sent_something) {
  open(any_port, {.defer_accept = 30s});
  const sys::Descriptor client = connect_to(listener_.address().name());
  EXPECT_FALSE(run_until([&] { return !accepted_.empty(); }, 20ms));

  EXPECT_EQ(write_some(client, "hello"), 5U);

  ASSERT_TRUE(run_until([&] { return !accepted_.empty(); }));
  std::array<std::byte, 8> into{};
  EXPECT_EQ(sys::receive(accepted_[0].number(), into).count(), 5U);
}

TEST_F(ListenerOptions, put_accepting_off_for_so_long_and_no_longer) {
  if (!is_simulated()) GTEST_SKIP() << "needs virtual time";
  open(any_port, {.defer_accept = 5s});
  const sys::Descriptor client = connect_to(listener_.address().name());
  const TimePoint begin = world().now();

  ASSERT_TRUE(run_until([&] { return !accepted_.empty(); }, 1min));

  EXPECT_GE(world().now() - begin, 5s);
  EXPECT_LE(world().now() - begin, 7s + 10ms) << "rounded up to 7";
}

}  // namespace
}  // namespace weir
