// weir: tests of the files of listeners at Unix paths, and of listeners whose diagnostic hook throws.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/support/clock_kernel.h"
#include "tests/support/loop_fixture.h"
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

/// A directory for one file, both of which go with it.
class UnixPath {
 public:
  UnixPath() {
    EXPECT_NE(::mkdtemp(directory_.data()), nullptr);
    file_ = directory_ + "/socket";
  }
  UnixPath(const UnixPath&) = delete;
  UnixPath& operator=(const UnixPath&) = delete;
  ~UnixPath() {
    remove();
    ::rmdir(directory_.c_str());
  }

  const std::string& file() const { return file_; }
  Address address() const { return *Address::parse("unix:" + file_); }
  bool exists() const { return ::access(file_.c_str(), F_OK) == 0; }
  void remove() const { ::unlink(file_.c_str()); }

 private:
  std::string directory_ = "/tmp/weir-unix-listener-test-XXXXXX";
  std::string file_;
};

Result<Listener> listen(EventLoop& loop, const Address& address) {
  return Listener::open(loop, address, {}, [](Socket, const Address&) {});
}

TEST(UnixListener, at_the_path_of_a_regular_file_is_refused_and_the_file_stays_as_it_was) {
  const UnixPath path;
  std::ofstream(path.file()) << "precious";
  EventLoop loop;

  const Result<Listener> listener = listen(loop, path.address());

  ASSERT_FALSE(listener);
  EXPECT_EQ(listener.error(), std::errc::address_in_use);
  std::ifstream file(path.file());
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), "precious");
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

TEST(Listener, goes_on_after_its_pause_also_when_the_hook_that_hears_of_it_throws) {
  struct Thrown {};
  ClockKernel clock;
  FaultKernel kernel(FaultPlan::nth(1, {.error = EMFILE}, {Call::accept}), &clock);
  const sys::ScopedKernel installed(kernel);
  EventLoop loop({.on_diagnostic = [](const Diagnostic&) { throw Thrown(); }});
  int accepted = 0;
  Result<Listener> listener =
      Listener::open(loop, *Address::parse("127.0.0.1:0"), {}, [&](Socket, const Address&) { ++accepted; });
  ASSERT_TRUE(listener);
  const sys::Descriptor client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sys::SocketName& name = listener->address().name();
  ASSERT_EQ(::connect(client.number(), &name.any, name.length), 0);

  EXPECT_THROW((void)loop.run(), Thrown);
  Timer patience(loop, [](Timer&) {});
  patience.start(1s);
  const Result<RunEnd> end = loop.run_until([&] { return accepted > 0 || !patience.is_armed(); });

  ASSERT_TRUE(end);
  EXPECT_EQ(accepted, 1);
}

}  // namespace
}  // namespace weir
