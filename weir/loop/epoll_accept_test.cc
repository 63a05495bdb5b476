// weir: tests of accepting and connecting on epoll, below the listener and the connector.
// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <gtest/gtest.h>

#include <array>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/loop_fixture.h"
#include "tests/support/test_world.h"
#include "tests/support/throws.h"
#include "weir/sys/fault_kernel.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;
using sys::Call;
using sys::FaultPlan;

class EpollAccept : public LoopTest {
 protected:
  /// `count` connections that wait to be accepted.
  std::vector<sys::Descriptor> queue(std::size_t count) {
    std::vector<sys::Descriptor> clients;
    while (clients.size() < count) clients.push_back(socket_.connect());
    return clients;
  }

  ListeningSocket socket_;
};

// Nothing new comes after the first turn, so the listener must remember that more wait.
// hazard: E8
TEST_F(EpollAccept, takes_at_most_64_connections_in_a_turn_and_goes_on_in_the_next) {
  const std::vector<sys::Descriptor> clients = queue(200);
  Pair pair = unix_pair();
  auto established = ByteProbe::reading(loop_, std::move(pair.near));
  auto acceptor = AcceptProbe::accepting(loop_, std::move(socket_.descriptor));
  std::size_t turns = 0;
  for (std::size_t last = 0; acceptor->connections.size() < 200 && turns < 10; ++turns) {
    EXPECT_EQ(write_some(pair.far, "x"), 1U);

    ASSERT_TRUE(loop_.poll());

    EXPECT_LE(acceptor->connections.size() - last, 64U);
    EXPECT_EQ(established->text.size(), turns + 1);  // served in every turn of the storm
    last = acceptor->connections.size();
  }
  EXPECT_EQ(acceptor->connections.size(), 200U);
  EXPECT_EQ(turns, 4U);
}

TEST_F(EpollAccept, the_call_that_finds_no_more_is_the_listeners_and_not_the_next_callbacks) {
  if (!is_simulated()) GTEST_SKIP() << "a call takes as long as it takes";
  world().on_trace([](std::string_view line) {
    const bool is_in_vain = line.find("accept") != line.npos && line.find("EAGAIN") != line.npos;
    if (is_in_vain) (void)world().run_for(3ms);
  });
  const std::vector<sys::Descriptor> clients = queue(2);
  auto acceptor = AcceptProbe::accepting(loop_, std::move(socket_.descriptor));
  acceptor->on_accepted = [](AcceptProbe&) { (void)world().run_for(1ms); };
  loop_.post([] {});

  ASSERT_TRUE(loop_.run_once());

  const LoopInsight insight = loop_.insight();
  ASSERT_EQ(acceptor->connections.size(), 2U);
  EXPECT_EQ(insight.callback_time.count(), 3U) << "two connections and a task";
  EXPECT_EQ(insight.callback_time.max(), 4ms) << "the second connection, and the call behind it";
  ASSERT_EQ(insight.slowest.size(), 1U);
  EXPECT_NE(insight.slowest[0].kind, ObjectKind::post);
}

// hazard: RE12
TEST_F(EpollAccept, hands_over_non_blocking_close_on_exec_sockets) {
  const OnRealKernel real;
  EventLoop loop;
  ListeningSocket socket;
  const std::array clients = {socket.connect(), socket.connect(), socket.connect()};
  auto acceptor = AcceptProbe::accepting(loop, std::move(socket.descriptor));

  ASSERT_TRUE(run_until(loop, [&] { return acceptor->connections.size() == 3; }));

  for (const auto& connection : acceptor->connections) {
    EXPECT_NE(::fcntl(connection.number(), F_GETFL) & O_NONBLOCK, 0);
    EXPECT_NE(::fcntl(connection.number(), F_GETFD) & FD_CLOEXEC, 0);
  }
}

TEST_F(EpollAccept, stopped_in_a_callback_takes_no_more_until_started_again) {
  const std::vector<sys::Descriptor> clients = queue(5);
  auto acceptor = AcceptProbe::accepting(loop_, std::move(socket_.descriptor));
  acceptor->on_accepted = [](AcceptProbe& self) { self.stop(); };
  for (std::size_t accepted = 1; accepted <= 5; ++accepted) {
    ASSERT_TRUE(run_until(
        loop_, [&] { return acceptor->connections.size() == accepted; }, 1s));
    ASSERT_TRUE(loop_.poll());
    EXPECT_EQ(acceptor->connections.size(), accepted);
    acceptor->start();
  }
}

TEST_F(EpollAccept, an_interruption_or_a_would_block_loses_no_connection) {
  for (const int error : {EINTR, EAGAIN}) {
    ListeningSocket socket;
    std::vector<sys::Descriptor> clients(20);
    for (sys::Descriptor& client : clients) client = socket.connect();
    kernel_.set_plan(FaultPlan::random(3, 0.4, {.error = error}, {Call::accept}));
    auto acceptor = AcceptProbe::accepting(loop_, std::move(socket.descriptor));

    EXPECT_TRUE(run_until(loop_, [&] { return acceptor->connections.size() == 20; }));

    EXPECT_TRUE(acceptor->failures.empty());
  }
}

// hazard: E7
TEST_F(EpollAccept, errors_of_single_connections_are_passed_over) {
  for (const int error : {ECONNABORTED, EPROTO, EPERM, ENETDOWN, ENOPROTOOPT, EHOSTDOWN, ENONET, EHOSTUNREACH,
                          EOPNOTSUPP, ENETUNREACH, ETIMEDOUT, ECONNRESET}) {
    ListeningSocket socket;
    const sys::Descriptor client = socket.connect();
    kernel_.set_plan(FaultPlan::script({{.calls = {Call::accept}, .to = 10, .fault = {.error = error}}}));
    auto acceptor = AcceptProbe::accepting(loop_, std::move(socket.descriptor));

    EXPECT_TRUE(run_until(
        loop_, [&] { return acceptor->connections.size() == 1; }, 1s))
        << error;

    EXPECT_TRUE(acceptor->failures.empty()) << error;
  }
}

TEST_F(EpollAccept, a_whole_turn_of_failures_is_reported_and_ends_the_turn) {
  const std::vector<sys::Descriptor> clients = queue(1);
  kernel_.set_plan(FaultPlan::from_nth(1, {.error = ECONNABORTED}, {Call::accept}));
  auto acceptor = AcceptProbe::accepting(loop_, std::move(socket_.descriptor));

  ASSERT_TRUE(run_until(loop_, [&] { return !acceptor->failures.empty(); }));
  ASSERT_TRUE(loop_.poll());

  EXPECT_EQ(kernel_.calls(Call::accept), 64U);
  ASSERT_EQ(acceptor->failures.size(), 1U);
  EXPECT_EQ(acceptor->failures[0], std::errc::connection_aborted);
}

TEST_F(EpollAccept, running_out_of_descriptors_is_reported_at_once_and_starting_again_needs_no_new_event) {
  const std::vector<sys::Descriptor> clients = queue(2);
  kernel_.set_plan(FaultPlan::nth(1, {.error = EMFILE}, {Call::accept}));
  auto acceptor = AcceptProbe::accepting(loop_, std::move(socket_.descriptor));
  ASSERT_TRUE(run_until(loop_, [&] { return !acceptor->failures.empty(); }));
  EXPECT_EQ(acceptor->failures[0], std::errc::too_many_files_open);
  ASSERT_TRUE(loop_.poll());
  EXPECT_EQ(kernel_.calls(Call::accept), 1U);

  acceptor->start();

  EXPECT_TRUE(run_until(
      loop_, [&] { return acceptor->connections.size() == 2; }, 1s));
}

TEST_F(EpollAccept, a_callback_that_throws_keeps_the_connections_behind_it) {
  if (!can_throw()) GTEST_SKIP() << "needs exceptions";
  const std::vector<sys::Descriptor> clients = queue(3);
  auto acceptor = AcceptProbe::accepting(loop_, std::move(socket_.descriptor));
  acceptor->on_accepted = [](AcceptProbe&) { throw_something(); };

  for (std::size_t i = 1; i <= 3; ++i) {
    EXPECT_TRUE(throws_something([&] {
      (void)run_until(
          loop_, [&] { return acceptor->connections.size() > i; }, 1s);
    }));
    EXPECT_EQ(acceptor->connections.size(), i);
  }
}

TEST_F(EpollAccept, a_connection_that_is_made_or_refused_is_told_so) {
  auto made = ConnectProbe::waiting(loop_, socket_.connect());
  ListeningSocket gone;
  gone.descriptor.reset();
  auto refused = ConnectProbe::waiting(loop_, gone.connect());

  ASSERT_TRUE(run_until(loop_, [&] { return made->outcome && refused->outcome; }));

  EXPECT_EQ(*made->outcome, std::error_code());
  EXPECT_EQ(*refused->outcome, std::errc::connection_refused);
}

}  // namespace
}  // namespace weir
