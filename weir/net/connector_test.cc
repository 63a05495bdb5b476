// weir: tests of sockets and of attempts to connect.
// SPDX-License-Identifier: MIT
#include "weir/net/connector.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/tcp.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/loop_fixture.h"
#include "tests/support/test_kernel.h"
#include "tests/support/test_world.h"
#include "tests/support/throws.h"
#include "weir/loop/timer.h"
#include "weir/net/listener.h"
#include "weir/sys/fault_kernel.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;
using sys::Call;
using sys::FaultKernel;
using sys::FaultPlan;
using sys::ScopedKernel;

/// What an attempt came to.
struct Outcome {
  int calls = 0;
  std::error_code error;
  Socket socket;
};

class ConnectorTest : public testing::Test {
 protected:
  ConnectorTest() : loop_(std::make_unique<EventLoop>()) {}

  Connector connect(const Address& address, Outcome& outcome, ConnectOptions options = {}) {
    return Connector::start(*loop_, address, options, [&outcome](Result<Socket> socket) {
      ++outcome.calls;
      if (socket) {
        outcome.socket = *std::move(socket);
      } else {
        outcome.error = socket.error();
      }
    });
  }

  void run() { ASSERT_EQ(*loop_->run(), RunEnd::empty); }

  FaultKernel kernel_;
  ScopedKernel installed_{kernel_};
  std::unique_ptr<EventLoop> loop_;
};

TEST_F(ConnectorTest, gives_a_connected_socket) {
  const ListeningSocket listening;
  Outcome outcome;
  const Connector connector = connect(Address(listening.name), outcome);
  EXPECT_EQ(outcome.calls, 0);

  run();

  EXPECT_EQ(outcome.calls, 1);
  ASSERT_TRUE(outcome.socket) << outcome.error.message();
  EXPECT_TRUE(*outcome.socket.peer_address() == Address(listening.name));
  int no_delay = 0;
  ASSERT_TRUE(sys::get_option(outcome.socket.number(), IPPROTO_TCP, TCP_NODELAY, no_delay));
  EXPECT_NE(no_delay, 0);
}

TEST_F(ConnectorTest, gives_a_non_blocking_close_on_exec_socket) {
  if (is_simulated()) GTEST_SKIP() << "descriptors are not real";
  const ListeningSocket listening;
  Outcome outcome;
  const Connector connector = connect(Address(listening.name), outcome);

  run();

  EXPECT_NE(::fcntl(outcome.socket.number(), F_GETFL) & O_NONBLOCK, 0);
  EXPECT_NE(::fcntl(outcome.socket.number(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST_F(ConnectorTest, leaves_the_delay_of_small_writes_on_when_asked_to) {
  const ListeningSocket listening;
  Outcome outcome;
  const Connector connector = connect(Address(listening.name), outcome, {.socket = {.no_delay = false}});

  run();

  int no_delay = 1;
  ASSERT_TRUE(sys::get_option(outcome.socket.number(), IPPROTO_TCP, TCP_NODELAY, no_delay));
  EXPECT_EQ(no_delay, 0);
}

TEST_F(ConnectorTest, of_a_unix_address_succeeds_at_once_yet_calls_back_later) {
  auto listener =
      Listener::open(*loop_, *Address::parse("unix:@weir-connector-test"), {}, [](Socket, const Address&) {});
  ASSERT_TRUE(listener);
  Outcome outcome;

  const Connector connector = connect(listener->address(), outcome);
  EXPECT_EQ(outcome.calls, 0);
  ASSERT_TRUE(loop_->run_until([&] { return outcome.calls > 0; }));

  EXPECT_TRUE(outcome.socket);
  EXPECT_EQ(outcome.calls, 1);
}

TEST_F(ConnectorTest, refused_says_so_once) {
  ListeningSocket gone;
  gone.descriptor.reset();
  Outcome tcp;
  Outcome local;
  const Connector a = connect(Address(gone.name), tcp);
  const Connector b = connect(*Address::parse("unix:@nobody-listens-here"), local);

  run();

  EXPECT_EQ(tcp.error, std::errc::connection_refused);
  EXPECT_EQ(local.error, std::errc::connection_refused);
  EXPECT_EQ(tcp.calls + local.calls, 2);
}

TEST_F(ConnectorTest, to_no_address_at_all_fails_later_not_at_once) {
  Outcome outcome;
  const Connector connector = connect(Address(), outcome);
  EXPECT_EQ(outcome.calls, 0);

  run();

  EXPECT_EQ(outcome.calls, 1);
  EXPECT_EQ(outcome.error, std::errc::address_family_not_supported);
}

TEST_F(ConnectorTest, that_takes_too_long_is_given_up_at_its_limit) {
  if (!is_simulated()) GTEST_SKIP() << "needs virtual time";
  const ListeningSocket busy(0);
  const std::vector<sys::Descriptor> waiting = busy.fill();
  Outcome outcome;
  const TimePoint begin = world().now();
  const Connector connector = connect(Address(busy.name), outcome, {.timeout = 3s});

  run();

  EXPECT_EQ(outcome.calls, 1);
  EXPECT_EQ(outcome.error, errc::connect_timed_out);
  EXPECT_EQ(outcome.error, std::errc::timed_out);
  EXPECT_GE(world().now() - begin, 3s);
  EXPECT_LE(world().now() - begin, 3s + 2ms);
}

TEST_F(ConnectorTest, destroyed_while_connecting_closes_the_socket_and_never_calls_back) {
  const ListeningSocket busy(0);
  const std::vector<sys::Descriptor> waiting = busy.fill();
  const auto before = count_descriptors();
  Outcome outcome;
  {
    const Connector connector = connect(Address(busy.name), outcome);
    ASSERT_TRUE(loop_->poll());
  }

  EXPECT_EQ(count_descriptors(), before);
  run();
  EXPECT_EQ(outcome.calls, 0);
}

TEST_F(ConnectorTest, destroyed_before_its_outcome_is_told_never_calls_back) {
  Outcome outcome;
  { const Connector connector = connect(*Address::parse("unix:@nobody-listens-here"), outcome); }

  run();

  EXPECT_EQ(outcome.calls, 0);
}

// hazard: E10
TEST_F(ConnectorTest, destroyed_in_its_own_callback_keeps_its_captures_till_the_end) {
  const ListeningSocket listening;
  ListeningSocket gone;
  gone.descriptor.reset();
  for (const Address& address : {Address(listening.name), Address(gone.name), *Address::parse("unix:@nobody")}) {
    std::optional<Connector> connector;
    std::string seen;
    connector.emplace(
        Connector::start(*loop_, address, {}, [&, name = std::make_unique<std::string>("captured")](Result<Socket>) {
          connector.reset();
          seen += *name;
        }));
    run();
    EXPECT_EQ(seen, "captured");
  }
}

TEST_F(ConnectorTest, whose_callback_throws_is_not_called_again) {
  if (!can_throw()) GTEST_SKIP() << "needs exceptions";
  const ListeningSocket listening;
  for (const Address& address : {Address(listening.name), *Address::parse("unix:@nobody")}) {
    int calls = 0;
    const Connector connector = Connector::start(*loop_, address, {}, [&](Result<Socket>) {
      ++calls;
      throw_something();
    });

    EXPECT_TRUE(throws_something([&] { (void)loop_->run(); }));
    (void)loop_->run();

    EXPECT_EQ(calls, 1);
  }
}

// hazard: E9
TEST_F(ConnectorTest, interrupted_by_a_signal_goes_on_by_itself) {
  const ListeningSocket listening;
  // Linux goes on connecting after EINTR; the injected one replaces the call, so the second makes it in truth.
  kernel_.set_plan(FaultPlan::nth(1, {.error = EINTR}, {Call::connect}));
  Socket socket = *Socket::open_stream(Address::Family::v4);

  const Result<void> begun = socket.connect(Address(listening.name));

  ASSERT_FALSE(begun);
  EXPECT_EQ(begun.error(), std::errc::operation_in_progress);
}

TEST_F(ConnectorTest, every_call_that_fails_is_told_once_and_leaves_no_descriptor) {
  if (testing_support::is_on_poll()) GTEST_SKIP() << "which does not register descriptors, so nothing fails";
  const ListeningSocket listening;
  const auto before = count_descriptors();
  std::uint64_t failures = 0;
  for (std::uint64_t k = 1; k < 50; ++k) {
    kernel_.set_plan(FaultPlan::nth(
        k, {.error = ENOMEM},
        {Call::open_socket, Call::set_option, Call::bind, Call::connect, Call::control_epoll, Call::get_option}));
    const std::uint64_t injected_before = kernel_.injected();
    Outcome outcome;
    {
      const Connector connector =
          connect(Address(listening.name), outcome,
                  {.socket = {.keep_alive = KeepAlive{}, .user_timeout = 30s, .send_buffer_bytes = 50'000},
                   .local_address = *Address::parse("127.0.0.1:0"),
                   .reuse_address = true});
      run();
      EXPECT_EQ(outcome.calls, 1) << k;
    }
    if (kernel_.injected() == injected_before) break;
    ++failures;
    EXPECT_TRUE(outcome.socket || outcome.error == std::errc::not_enough_memory) << k;
    outcome.socket = Socket();
    EXPECT_EQ(count_descriptors(), before) << k;
  }
  EXPECT_GE(failures, 13U);
}

TEST_F(ConnectorTest, the_errors_that_the_system_gives_at_once_are_passed_on) {
  for (const int error : {EADDRNOTAVAIL, ENETUNREACH, EAGAIN, EACCES, ETIMEDOUT}) {
    kernel_.set_plan(FaultPlan::nth(1, {.error = error}, {Call::connect}));
    Outcome outcome;
    const Connector connector = connect(*Address::parse(":1"), outcome);
    run();
    EXPECT_EQ(outcome.error, system_error(error));
  }
}

TEST(Socket, of_an_unknown_family_is_not_opened) {
  EXPECT_EQ(Socket::open_stream(Address::Family::none).error(), std::errc::address_family_not_supported);
}

TEST(Socket, is_false_when_it_holds_nothing_and_release_gives_the_descriptor_away) {
  Socket socket = *Socket::open_stream(Address::Family::v4);
  EXPECT_TRUE(socket);

  const sys::Descriptor descriptor = std::move(socket).release();

  EXPECT_TRUE(descriptor);
  EXPECT_FALSE(socket);  // NOLINT(bugprone-use-after-move): that is the claim
}

TEST(Socket, that_resets_on_close_is_seen_as_a_reset) {
  Pair pair = tcp_pair();
  {
    Socket socket(std::move(pair.far));
    ASSERT_TRUE(socket.set_reset_on_close());
  }
  std::array<std::byte, 4> into{};

  EXPECT_EQ(sys::receive(pair.near.number(), into).error_number(), ECONNRESET);
}

TEST(Socket, half_closes) {
  Pair pair = tcp_pair();
  Socket socket(std::move(pair.far));
  ASSERT_TRUE(socket.shutdown_write());
  std::array<std::byte, 4> into{};

  EXPECT_EQ(sys::receive(pair.near.number(), into).count(), 0U);
  EXPECT_EQ(write_some(pair.near, "x"), 1U);
}

}  // namespace
}  // namespace weir
