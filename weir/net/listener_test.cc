// weir: tests of listeners: accepting, failures of every call that opens one, and their end.
// SPDX-License-Identifier: MIT
#include "weir/net/listener.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/tcp.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/support/listener_fixture.h"
#include "tests/support/test_kernel.h"
#include "tests/support/test_world.h"
#include "tests/support/throws.h"
#include "tests/support/unix_path.h"
#include "weir/loop/event_loop.h"
#include "weir/sys/calls.h"
#include "weir/sys/fault_kernel.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;
using sys::Call;
using sys::FaultPlan;

TEST_F(ListenerTest, hands_over_each_connection_with_its_peers_address) {
  open();
  EXPECT_NE(listener_.address().port(), 0);
  const std::vector<sys::Descriptor> connected = clients(3);

  ASSERT_TRUE(run_until([&] { return accepted_.size() == 3; }));

  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_TRUE(*accepted_[i].peer_address() == peers_[i]);
    EXPECT_EQ(peers_[i].to_string().substr(0, 10), "127.0.0.1:");
    int no_delay = 0;
    ASSERT_TRUE(sys::get_option(accepted_[i].number(), IPPROTO_TCP, TCP_NODELAY, no_delay));
    EXPECT_NE(no_delay, 0);
  }
  EXPECT_TRUE(remarks_.empty());
}

// hazard: RE12
TEST_F(ListenerTest, hands_over_non_blocking_close_on_exec_sockets) {
  if (is_simulated()) GTEST_SKIP() << "descriptors are not real";
  open();
  const std::vector<sys::Descriptor> connected = clients(1);

  ASSERT_TRUE(run_until([&] { return accepted_.size() == 1; }));

  EXPECT_NE(::fcntl(accepted_[0].number(), F_GETFL) & O_NONBLOCK, 0);
  EXPECT_NE(::fcntl(accepted_[0].number(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST_F(ListenerTest, listens_on_ipv6) {
  const Result<Socket> possible = Socket::open_stream(Address::Family::v6);
  if (!possible) GTEST_SKIP() << "no IPv6 here";
  open(*Address::parse("[::1]:0"));
  const std::vector<sys::Descriptor> connected = clients(1);

  ASSERT_TRUE(run_until([&] { return accepted_.size() == 1; }));

  EXPECT_EQ(peers_[0].family(), Address::Family::v6);
}

TEST_F(ListenerTest, a_port_in_use_is_an_error_and_a_port_just_left_is_not) {
  open();
  const Address address = listener_.address();
  const auto second = Listener::open(*loop_, address, {}, [](Socket, const Address&) {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error(), std::errc::address_in_use);
  std::vector<sys::Descriptor> connected = clients(1);
  ASSERT_TRUE(run_until([&] { return accepted_.size() == 1; }));
  accepted_.clear();  // the side that closes first keeps the port busy for a minute (TIME-WAIT)
  connected.clear();
  listener_ = {};

  EXPECT_TRUE(Listener::open(*loop_, address, {}, [](Socket, const Address&) {}));
}

TEST_F(ListenerTest, keeps_the_loop_from_being_empty_until_it_is_destroyed) {
  open();
  EXPECT_EQ(*loop_->poll(), RunEnd::turn);

  listener_ = {};

  EXPECT_EQ(*loop_->run(), RunEnd::empty);
}

TEST_F(ListenerTest, a_replaced_callback_hears_of_the_next_connection_of_the_same_turn) {
  std::string order;
  auto listener = *Listener::open(*loop_, any_port, {}, [](Socket, const Address&) {});
  listener.on_connection([&, name = std::make_unique<std::string>("first")](Socket, const Address&) {
    listener.on_connection([&](Socket, const Address&) { order += " second"; });
    order += *name;
  });
  listener_ = std::move(listener);
  const std::vector<sys::Descriptor> connected = clients(3);
  listener = std::move(listener_);

  ASSERT_TRUE(run_until([&] { return order.size() >= 19; }));

  EXPECT_EQ(order, "first second second");
}

// --- failures while opening ---

// hazard: RE14
TEST_F(ListenerTest, every_call_that_fails_while_opening_closes_the_descriptor_and_removes_the_file) {
  if (testing_support::is_on_poll()) GTEST_SKIP() << "which does not register descriptors, so nothing fails";
  const UnixPath path;
  for (const bool is_local : {false, true}) {
    std::uint64_t failures = 0;
    for (std::uint64_t k = 1; k < 50; ++k) {
      const Address address = is_local ? path.address() : any_port;
      const auto before = count_descriptors();
      kernel_.set_plan(FaultPlan::nth(
          k, {.error = ENOBUFS},
          {Call::open_socket, Call::set_option, Call::bind, Call::listen, Call::local_name, Call::control_epoll}));
      const std::uint64_t injected_before = kernel_.injected();
      {
        const auto opened = Listener::open(*loop_, address, {}, [](Socket, const Address&) {});
        kernel_.set_plan({});
        if (kernel_.injected() == injected_before) {
          EXPECT_TRUE(opened);
          break;
        }
        ++failures;
        ASSERT_FALSE(opened) << k;
        EXPECT_EQ(opened.error(), std::errc::no_buffer_space) << k;
      }
      EXPECT_EQ(count_descriptors(), before) << k;
      EXPECT_FALSE(is_local && path.exists()) << k;
      EXPECT_EQ(*loop_->run(), RunEnd::empty) << k;
    }
    EXPECT_EQ(failures, is_local ? 5U : 7U);
  }
}

// --- destruction ---

// hazard: E10
TEST_F(ListenerTest, destroyed_in_its_own_callback_accepts_no_more_of_the_batch) {
  open();
  const std::vector<sys::Descriptor> connected = clients(5);
  on_accepted_ = [&] { listener_ = {}; };

  EXPECT_EQ(*loop_->run(), RunEnd::empty);

  EXPECT_EQ(accepted_.size(), 1U);
}

// hazard: E10
TEST_F(ListenerTest, destroyed_by_the_hook_that_hears_of_its_pause_leaves_the_loop_empty) {
  open();
  const std::vector<sys::Descriptor> connected = clients(1);
  kernel_.set_plan(FaultPlan::from_nth(1, {.error = EMFILE}, {Call::accept}));
  int heard = 0;
  loop_->on_diagnostic([&](const Diagnostic&) {
    ++heard;
    listener_ = {};
  });

  for (int turns = 0; turns < 10; ++turns) (void)loop_->poll();

  EXPECT_EQ(heard, 1);
  EXPECT_EQ(*loop_->poll(), RunEnd::empty);
}

// hazard: E10
TEST_F(ListenerTest, destroyed_by_the_hook_that_hears_of_its_end_is_not_told_again) {
  open();
  const std::vector<sys::Descriptor> connected = clients(1);
  kernel_.set_plan(FaultPlan::nth(1, {.error = EBADF}, {Call::accept}));
  bool was_told = false;
  listener_.on_failed([&](std::error_code) { was_told = true; });
  loop_->on_diagnostic([&](const Diagnostic&) { listener_ = {}; });

  EXPECT_EQ(*loop_->run(), RunEnd::empty);

  EXPECT_FALSE(was_told);
}

// hazard: E10
TEST_F(ListenerTest, destroyed_in_its_callback_of_failure_leaves_the_loop_empty) {
  open();
  const std::vector<sys::Descriptor> connected = clients(1);
  kernel_.set_plan(FaultPlan::nth(1, {.error = EBADF}, {Call::accept}));
  listener_.on_failed([&](std::error_code) { listener_ = {}; });

  EXPECT_EQ(*loop_->run(), RunEnd::empty);
}

TEST_F(ListenerTest, destroyed_while_it_pauses_leaves_the_loop_empty) {
  open();
  const std::vector<sys::Descriptor> connected = clients(1);
  kernel_.set_plan(FaultPlan::from_nth(1, {.error = EMFILE}, {Call::accept}));
  ASSERT_FALSE(run_until([&] { return !accepted_.empty(); }, 5ms));

  listener_ = {};

  EXPECT_EQ(*loop_->run(), RunEnd::empty);
}

TEST_F(ListenerTest, whose_callback_throws_goes_on_with_the_next_connection) {
  if (!can_throw()) GTEST_SKIP() << "needs exceptions";
  open();
  const std::vector<sys::Descriptor> connected = clients(3);
  on_accepted_ = [] { throw_something(); };

  for (std::size_t i = 1; i <= 3; ++i) {
    EXPECT_TRUE(throws_something([&] { (void)run_until([&] { return accepted_.size() > i; }, 1s); }));
    EXPECT_EQ(accepted_.size(), i);
  }
}

}  // namespace
}  // namespace weir
