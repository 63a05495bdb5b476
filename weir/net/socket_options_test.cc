// weir: tests of the options of a socket: each is read back from the system.
// SPDX-License-Identifier: MIT
#include "weir/net/socket_options.h"

#include <gtest/gtest.h>
#include <netinet/tcp.h>

#include "tests/support/option_value.h"
#include "tests/support/test_sockets.h"
#include "weir/net/socket.h"
#include "weir/sys/fault_kernel.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;
using sys::Call;
using sys::FaultKernel;
using sys::FaultPlan;
using sys::ScopedKernel;

class SocketOptionsTest : public testing::Test {
 protected:
  static Socket open(Address::Family family) { return *Socket::open_stream(family); }
  static int value(const Socket& socket, int level, int option) { return option_value(socket.number(), level, option); }
  int value(int level, int option) const { return value(socket_, level, option); }

  FaultKernel kernel_;
  ScopedKernel installed_{kernel_};
  Socket socket_ = open(Address::Family::v4);
};

TEST_F(SocketOptionsTest, by_default_send_at_once_and_leave_the_rest_to_the_system) {
  const int send_buffer = value(SOL_SOCKET, SO_SNDBUF);
  const int receive_buffer = value(SOL_SOCKET, SO_RCVBUF);

  EXPECT_TRUE(socket_.set_options({}));

  EXPECT_NE(value(IPPROTO_TCP, TCP_NODELAY), 0);
  EXPECT_EQ(value(SOL_SOCKET, SO_KEEPALIVE), 0);
  EXPECT_EQ(value(IPPROTO_TCP, TCP_USER_TIMEOUT), 0);
  EXPECT_EQ(value(SOL_SOCKET, SO_SNDBUF), send_buffer);
  EXPECT_EQ(value(SOL_SOCKET, SO_RCVBUF), receive_buffer);
  EXPECT_EQ(value(SOL_SOCKET, SO_MARK), 0);
}

TEST_F(SocketOptionsTest, reach_the_system) {
  EXPECT_TRUE(socket_.set_options({.keep_alive = KeepAlive{.idle = 90s, .interval = 7s, .probes = 3},
                                   .user_timeout = 45s,
                                   .send_buffer_bytes = 50'000,
                                   .receive_buffer_bytes = 40'000}));

  EXPECT_NE(value(IPPROTO_TCP, TCP_NODELAY), 0);
  EXPECT_NE(value(SOL_SOCKET, SO_KEEPALIVE), 0);
  EXPECT_EQ(value(IPPROTO_TCP, TCP_KEEPIDLE), 90);
  EXPECT_EQ(value(IPPROTO_TCP, TCP_KEEPINTVL), 7);
  EXPECT_EQ(value(IPPROTO_TCP, TCP_KEEPCNT), 3);
  EXPECT_EQ(value(IPPROTO_TCP, TCP_USER_TIMEOUT), 45'000);
  EXPECT_EQ(value(SOL_SOCKET, SO_SNDBUF), 100'000);
  EXPECT_EQ(value(SOL_SOCKET, SO_RCVBUF), 80'000);
}

TEST_F(SocketOptionsTest, that_are_empty_change_nothing) {
  ASSERT_TRUE(socket_.set_options({.no_delay = true, .keep_alive = KeepAlive{}, .user_timeout = 45s}));

  EXPECT_TRUE(socket_.set_options({.no_delay = {}}));

  EXPECT_NE(value(IPPROTO_TCP, TCP_NODELAY), 0);
  EXPECT_NE(value(SOL_SOCKET, SO_KEEPALIVE), 0);
  EXPECT_EQ(value(IPPROTO_TCP, TCP_USER_TIMEOUT), 45'000);
}

TEST_F(SocketOptionsTest, one_by_one) {
  EXPECT_TRUE(socket_.set_no_delay(true));
  EXPECT_TRUE(socket_.set_user_timeout(1s));
  EXPECT_TRUE(socket_.set_send_buffer(30'000));
  EXPECT_TRUE(socket_.set_receive_buffer(20'000));
  EXPECT_TRUE(socket_.set_reuse_address(true));
  EXPECT_TRUE(socket_.set_share_port(true));
  EXPECT_TRUE(socket_.set_defer_accept(3s));
  EXPECT_TRUE(socket_.set_bind_without_port(true));

  EXPECT_NE(value(IPPROTO_TCP, TCP_NODELAY), 0);
  EXPECT_EQ(value(IPPROTO_TCP, TCP_USER_TIMEOUT), 1'000);
  EXPECT_EQ(value(SOL_SOCKET, SO_SNDBUF), 60'000);
  EXPECT_EQ(value(SOL_SOCKET, SO_RCVBUF), 40'000);
  EXPECT_NE(value(SOL_SOCKET, SO_REUSEADDR), 0);
  EXPECT_NE(value(SOL_SOCKET, SO_REUSEPORT), 0);
  EXPECT_EQ(value(IPPROTO_TCP, TCP_DEFER_ACCEPT), 3);
  EXPECT_NE(value(IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT), 0);
}

// --- times ---

TEST_F(SocketOptionsTest, round_times_up) {
  EXPECT_TRUE(socket_.set_options(
      {.keep_alive = KeepAlive{.idle = 1ms, .interval = 2001ms, .probes = 1}, .user_timeout = Duration(1500us)}));

  EXPECT_EQ(value(IPPROTO_TCP, TCP_KEEPIDLE), 1);
  EXPECT_EQ(value(IPPROTO_TCP, TCP_KEEPINTVL), 3);
  EXPECT_EQ(value(IPPROTO_TCP, TCP_USER_TIMEOUT), 2);
}

TEST_F(SocketOptionsTest, at_the_borders_of_keep_alive) {
  for (const KeepAlive& possible : {KeepAlive{.idle = 1s}, KeepAlive{.idle = 32'767s}, KeepAlive{.interval = 1s},
                                    KeepAlive{.interval = 32'767s}, KeepAlive{.probes = 1}, KeepAlive{.probes = 127}}) {
    EXPECT_TRUE(socket_.set_keep_alive(possible));
  }
  for (const KeepAlive& wrong :
       {KeepAlive{.idle = 0s}, KeepAlive{.idle = -1s}, KeepAlive{.idle = 32'768s}, KeepAlive{.idle = Duration::max()},
        KeepAlive{.interval = 0s}, KeepAlive{.interval = 32'768s}, KeepAlive{.probes = 0}, KeepAlive{.probes = 128}}) {
    EXPECT_EQ(socket_.set_keep_alive(wrong).error(), std::errc::invalid_argument);
  }
}

TEST_F(SocketOptionsTest, keep_alive_with_times_that_are_refused_stays_off) {
  EXPECT_FALSE(socket_.set_options({.keep_alive = KeepAlive{.probes = 0}}));

  EXPECT_EQ(value(SOL_SOCKET, SO_KEEPALIVE), 0);
}

TEST_F(SocketOptionsTest, keep_alive_goes_off_again) {
  ASSERT_TRUE(socket_.set_keep_alive(KeepAlive{}));

  EXPECT_TRUE(socket_.set_keep_alive({}));

  EXPECT_EQ(value(SOL_SOCKET, SO_KEEPALIVE), 0);
}

TEST_F(SocketOptionsTest, a_user_timeout_may_be_as_long_as_the_system_counts) {
  EXPECT_TRUE(socket_.set_user_timeout(Duration::max()));
  EXPECT_EQ(value(IPPROTO_TCP, TCP_USER_TIMEOUT), 2'147'483'647);
  EXPECT_TRUE(socket_.set_user_timeout(0s));
  EXPECT_EQ(value(IPPROTO_TCP, TCP_USER_TIMEOUT), 0);
  EXPECT_EQ(socket_.set_user_timeout(-1s).error(), std::errc::invalid_argument);
}

// --- other sockets ---

TEST_F(SocketOptionsTest, of_tcp_are_passed_over_on_unix_sockets) {
  Socket local = open(Address::Family::local);

  EXPECT_TRUE(local.set_options({.keep_alive = KeepAlive{}, .user_timeout = 1s, .send_buffer_bytes = 50'000}));

  EXPECT_EQ(value(local, SOL_SOCKET, SO_SNDBUF), 100'000);
  EXPECT_EQ(value(local, SOL_SOCKET, SO_KEEPALIVE), 0);
}

TEST_F(SocketOptionsTest, of_tcp_that_are_asked_for_alone_are_refused_by_unix_sockets) {
  Socket local = open(Address::Family::local);

  EXPECT_EQ(local.set_no_delay(true).error(), std::errc::operation_not_supported);
  EXPECT_EQ(local.set_keep_alive(KeepAlive{}).error(), std::errc::operation_not_supported);
  EXPECT_EQ(local.set_user_timeout(1s).error(), std::errc::operation_not_supported);
  EXPECT_EQ(local.set_defer_accept(1s).error(), std::errc::operation_not_supported);
}

TEST_F(SocketOptionsTest, are_for_sockets) {
  Pair pipe = pipe_pair();
  Socket reader(std::move(pipe.near));
  Socket nothing;

  EXPECT_EQ(reader.set_options({}).error(), std::errc::not_a_socket);
  EXPECT_EQ(nothing.set_options({}).error(), std::errc::bad_file_descriptor);
}

TEST_F(SocketOptionsTest, of_a_connection_that_stands_take_effect_too) {
  Pair pair = tcp_pair();
  Socket socket(std::move(pair.near));

  EXPECT_TRUE(socket.set_options({.keep_alive = KeepAlive{.idle = 5s}, .send_buffer_bytes = 50'000}));

  EXPECT_EQ(value(socket, IPPROTO_TCP, TCP_KEEPIDLE), 5);
  EXPECT_EQ(value(socket, SOL_SOCKET, SO_SNDBUF), 100'000);
}

// --- errors ---

TEST_F(SocketOptionsTest, a_mark_is_set_or_not_permitted) {
  const Result<void> marked = socket_.set_options({.mark = 0x80000001U});

  if (marked) {
    EXPECT_EQ(static_cast<std::uint32_t>(value(SOL_SOCKET, SO_MARK)), 0x80000001U);
  } else {
    EXPECT_EQ(marked.error(), std::errc::operation_not_permitted);
  }
}

TEST_F(SocketOptionsTest, each_call_that_fails_is_told) {
  const SocketOptions all{.keep_alive = KeepAlive{},
                          .user_timeout = 1s,
                          .send_buffer_bytes = 50'000,
                          .receive_buffer_bytes = 50'000,
                          .mark = 0};
  std::uint64_t k = 1;
  for (;; ++k) {
    kernel_.set_plan(FaultPlan::nth(k, {.error = EPERM}, {Call::set_option, Call::get_option}));
    const Result<void> set = socket_.set_options(all);
    kernel_.set_plan({});
    if (set) break;
    EXPECT_EQ(set.error(), std::errc::operation_not_permitted);
    ASSERT_LT(k, 50U);
  }
  EXPECT_EQ(k, 11U) << "one to ask, and nine options";
}

TEST_F(SocketOptionsTest, make_no_call_that_is_not_needed) {
  const std::uint64_t before = kernel_.all_calls();

  EXPECT_TRUE(socket_.set_options({}, Address::Family::v4));
  EXPECT_EQ(kernel_.all_calls(), before + 1);
  EXPECT_TRUE(socket_.set_options({}, Address::Family::local));
  EXPECT_EQ(kernel_.all_calls(), before + 1);
}

}  // namespace
}  // namespace weir
