// weir: tests of the calls that set options: each is read back on Linux.
// SPDX-License-Identifier: MIT
#include "weir/sys/option_calls.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "weir/sys/descriptor.h"

namespace weir::sys {
namespace {

class OptionCalls : public testing::Test {
 protected:
  int number() const { return socket_.number(); }
  int value(int level, int option) const { return value_of(socket_, level, option); }
  static int value_of(const Descriptor& socket, int level, int option) {
    int value = -1;
    EXPECT_TRUE(get_option(socket.number(), level, option, value));
    return value;
  }
  static Descriptor open(int family) { return Descriptor(open_socket(family, SOCK_STREAM).number()); }

 private:
  Descriptor socket_ = open(AF_INET);
};

TEST_F(OptionCalls, switches_go_on_and_off) {
  for (const bool on : {true, false}) {
    EXPECT_TRUE(set_no_delay(number(), on));
    EXPECT_TRUE(set_keep_alive(number(), on));
    EXPECT_TRUE(set_reuse_address(number(), on));
    EXPECT_TRUE(set_share_port(number(), on));
    EXPECT_TRUE(set_bind_without_port(number(), on));

    EXPECT_EQ(value(IPPROTO_TCP, TCP_NODELAY) != 0, on);
    EXPECT_EQ(value(SOL_SOCKET, SO_KEEPALIVE) != 0, on);
    EXPECT_EQ(value(SOL_SOCKET, SO_REUSEADDR) != 0, on);
    EXPECT_EQ(value(SOL_SOCKET, SO_REUSEPORT) != 0, on);
    EXPECT_EQ(value(IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT) != 0, on);
  }
}

TEST_F(OptionCalls, times_and_counts_are_stored_as_they_are) {
  EXPECT_TRUE(set_keep_alive_idle(number(), 61));
  EXPECT_TRUE(set_keep_alive_interval(number(), 13));
  EXPECT_TRUE(set_keep_alive_probes(number(), 4));
  EXPECT_TRUE(set_user_timeout(number(), 12'345));

  EXPECT_EQ(value(IPPROTO_TCP, TCP_KEEPIDLE), 61);
  EXPECT_EQ(value(IPPROTO_TCP, TCP_KEEPINTVL), 13);
  EXPECT_EQ(value(IPPROTO_TCP, TCP_KEEPCNT), 4);
  EXPECT_EQ(value(IPPROTO_TCP, TCP_USER_TIMEOUT), 12'345);
}

TEST_F(OptionCalls, the_time_to_defer_accepting_is_rounded_up) {
  EXPECT_TRUE(set_defer_accept(number(), 5));

  EXPECT_EQ(value(IPPROTO_TCP, TCP_DEFER_ACCEPT), 7);
}

TEST_F(OptionCalls, buffer_sizes_are_doubled) {
  EXPECT_TRUE(set_send_buffer(number(), 50'000));
  EXPECT_TRUE(set_receive_buffer(number(), 40'000));

  EXPECT_EQ(value(SOL_SOCKET, SO_SNDBUF), 100'000);
  EXPECT_EQ(value(SOL_SOCKET, SO_RCVBUF), 80'000);
}

TEST_F(OptionCalls, a_mark_needs_a_privilege) {
  const CallResult marked = set_mark(number(), 0x80000001U);

  if (marked) {
    EXPECT_EQ(static_cast<std::uint32_t>(value(SOL_SOCKET, SO_MARK)), 0x80000001U);
  } else {
    EXPECT_EQ(marked.error_number(), EPERM);
  }
}

TEST_F(OptionCalls, that_a_socket_is_for_ipv6_only_can_be_said_of_ipv6_sockets) {
  const Descriptor v6 = open(AF_INET6);
  if (!v6) GTEST_SKIP() << "no IPv6 here";
  EXPECT_TRUE(set_v6_only(v6.number(), true));
  EXPECT_EQ(value_of(v6, IPPROTO_IPV6, IPV6_V6ONLY), 1);
  EXPECT_TRUE(set_v6_only(v6.number(), false));
  EXPECT_EQ(value_of(v6, IPPROTO_IPV6, IPV6_V6ONLY), 0);

  EXPECT_EQ(set_v6_only(number(), true).error_number(), ENOPROTOOPT);
}

TEST_F(OptionCalls, of_tcp_are_refused_by_unix_sockets) {
  const Descriptor local = open(AF_UNIX);

  EXPECT_EQ(set_no_delay(local.number(), true).error_number(), EOPNOTSUPP);
  EXPECT_EQ(set_keep_alive_idle(local.number(), 1).error_number(), EOPNOTSUPP);
  EXPECT_EQ(set_user_timeout(local.number(), 1).error_number(), EOPNOTSUPP);
  EXPECT_EQ(set_defer_accept(local.number(), 1).error_number(), EOPNOTSUPP);
}

TEST_F(OptionCalls, out_of_range_are_refused) {
  for (const int wrong : {0, -1, 32'768}) {
    EXPECT_EQ(set_keep_alive_idle(number(), wrong).error_number(), EINVAL) << wrong;
    EXPECT_EQ(set_keep_alive_interval(number(), wrong).error_number(), EINVAL) << wrong;
  }
  for (const int wrong : {0, -1, 128}) {
    EXPECT_EQ(set_keep_alive_probes(number(), wrong).error_number(), EINVAL) << wrong;
  }
  EXPECT_EQ(set_user_timeout(number(), -1).error_number(), EINVAL);
}

}  // namespace
}  // namespace weir::sys
