// weir: tests of the files of listeners at Unix paths, and of listeners whose diagnostic hook throws.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <utility>
#include <vector>

#include "tests/support/listener_fixture.h"
#include "tests/support/test_kernel.h"
#include "tests/support/throws.h"
#include "tests/support/unix_path.h"
#include "weir/loop/event_loop.h"
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

Result<Listener> listen(EventLoop& loop, const Address& address) {
  return Listener::open(loop, address, {}, [](Socket, const Address&) {});
}

TEST(UnixListener, at_the_path_of_a_regular_file_is_refused_and_the_file_stays_as_it_was) {
  const UnixPath path;
  path.write("precious");
  EventLoop loop;

  const Result<Listener> listener = listen(loop, path.address());

  ASSERT_FALSE(listener);
  EXPECT_EQ(listener.error(), std::errc::address_in_use);
  EXPECT_EQ(path.read(), "precious");
}

TEST(UnixListener, that_closes_leaves_the_file_of_another_that_took_its_place) {
  const UnixPath path;
  EventLoop loop;
  Result<Listener> first = listen(loop, path.address());
  ASSERT_TRUE(first);
  path.remove();
  Result<Listener> second = listen(loop, path.address());
  ASSERT_TRUE(second);

  *first = Listener();
  EXPECT_TRUE(path.exists());

  *second = Listener();
  EXPECT_FALSE(path.exists());
}

TEST(UnixListener, that_cannot_be_opened_after_its_file_was_made_leaves_none_behind) {
  if (testing_support::is_on_poll()) GTEST_SKIP() << "which does not register descriptors, so nothing fails";
  for (const Call call : {Call::listen, Call::local_name, Call::control_epoll}) {
    SCOPED_TRACE(sys::name_of(call));
    const UnixPath path;
    EventLoop loop;
    FaultKernel kernel(FaultPlan::nth(1, {.error = ENOSPC}, {call}));
    const sys::ScopedKernel installed(kernel);

    const Result<Listener> listener = listen(loop, path.address());

    EXPECT_FALSE(listener);
    EXPECT_EQ(kernel.injected(), 1U);
    EXPECT_FALSE(path.exists());
  }
}

TEST_F(ListenerTest, of_a_unix_address_makes_the_file_and_removes_it) {
  const UnixPath path;
  const Address address = path.address();
  open(address);
  EXPECT_TRUE(path.exists());
  const std::vector<sys::Descriptor> connected = clients(2);
  ASSERT_TRUE(run_until([&] { return accepted_.size() == 2; }));

  listener_ = {};

  EXPECT_FALSE(path.exists());
}

TEST_F(ListenerTest, replaces_a_unix_file_that_nobody_listens_at_any_more) {
  const UnixPath path;
  const Address address = path.address();
  {
    Socket former = *Socket::open_stream(Address::Family::local);
    ASSERT_TRUE(former.bind(address));
    ASSERT_TRUE(former.listen(1));
  }
  ASSERT_TRUE(path.exists());

  open(address);
  const std::vector<sys::Descriptor> connected = clients(1);

  EXPECT_TRUE(run_until([&] { return accepted_.size() == 1; }));
}

TEST_F(ListenerTest, leaves_a_unix_file_alone_that_somebody_listens_at_even_with_a_full_queue) {
  const UnixPath path;
  const Address address = path.address();
  Socket other = *Socket::open_stream(Address::Family::local);
  ASSERT_TRUE(other.bind(address));
  ASSERT_TRUE(other.listen(0));
  std::vector<Socket> waiting;
  for (std::error_code error; !error;) {
    const auto refused = Listener::open(*loop_, address, {}, [](Socket, const Address&) {});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error(), std::errc::address_in_use);
    waiting.push_back(*Socket::open_stream(Address::Family::local));
    if (const auto connected = waiting.back().connect(address); !connected) error = connected.error();
  }

  EXPECT_TRUE(path.exists());
}

TEST_F(ListenerTest, never_removes_a_file_that_is_not_a_socket) {
  const UnixPath path;
  path.write("data");

  const auto refused = Listener::open(*loop_, path.address(), {}, [](Socket, const Address&) {});

  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), std::errc::address_in_use);
  EXPECT_TRUE(path.exists());
}

TEST_F(ListenerTest, never_follows_a_link_to_remove_what_it_points_to) {
  if (is_simulated()) GTEST_SKIP() << "has no symbolic links";
  const UnixPath target;
  const UnixPath link;
  {
    Socket former = *Socket::open_stream(Address::Family::local);
    ASSERT_TRUE(former.bind(target.address()));
  }
  ASSERT_EQ(::symlink(target.file().c_str(), link.file().c_str()), 0);

  const auto refused = Listener::open(*loop_, link.address(), {}, [](Socket, const Address&) {});

  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), std::errc::address_in_use);
  EXPECT_TRUE(target.exists());
}

TEST(Listener, goes_on_after_its_pause_also_when_the_hook_that_hears_of_it_throws) {
  if (!can_throw()) GTEST_SKIP() << "needs exceptions";
  FaultKernel kernel(FaultPlan::nth(1, {.error = EMFILE}, {Call::accept}));
  const sys::ScopedKernel installed(kernel);
  EventLoop loop({.on_diagnostic = [](const Diagnostic&) { throw_something(); }});
  int accepted = 0;
  Result<Listener> listener =
      Listener::open(loop, *Address::parse("127.0.0.1:0"), {}, [&](Socket, const Address&) { ++accepted; });
  ASSERT_TRUE(listener);
  const sys::Descriptor client = connect_to(listener->address().name());

  EXPECT_TRUE(throws_something([&] { (void)loop.run(); }));
  Timer patience(loop, [](Timer&) {});
  patience.start(1s);
  const Result<RunEnd> end = loop.run_until([&] { return accepted > 0 || !patience.is_armed(); });

  ASSERT_TRUE(end);
  EXPECT_EQ(accepted, 1);
}

}  // namespace
}  // namespace weir
