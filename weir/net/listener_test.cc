// weir: tests of listeners: accepting, Unix files, exhaustion of descriptors, failures of every call.
// SPDX-License-Identifier: MIT
#include "weir/net/listener.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <sys/stat.h>

#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/support/clock_kernel.h"
#include "tests/support/loop_fixture.h"
#include "weir/loop/timer.h"
#include "weir/net/connector.h"
#include "weir/sys/fault_kernel.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;
using sys::Call;
using sys::FaultKernel;
using sys::FaultPlan;
using sys::ScopedKernel;

const Address any_port = *Address::parse("127.0.0.1:0");

class ListenerTest : public testing::Test {
 protected:
  ListenerTest()
      : loop_(
            *EventLoop::create({.on_diagnostic = [this](const Diagnostic& d) { remarks_.emplace_back(d.message); }})) {}
  ~ListenerTest() override {
    listener_ = {};
    if (!directory_.empty()) ::rmdir(directory_.c_str());
  }

  void open(const Address& address = any_port, ListenOptions options = {}) {
    Result<Listener> opened = Listener::open(*loop_, address, options, [this](Socket socket, const Address& peer) {
      accepted_.push_back(std::move(socket));
      peers_.push_back(peer);
      if (on_accepted_) on_accepted_();
    });
    ASSERT_TRUE(opened) << opened.error().message();
    listener_ = *std::move(opened);
  }

  /// Connects `count` times to where the listener is.
  std::vector<sys::Descriptor> clients(std::size_t count) {
    std::vector<sys::Descriptor> result;
    for (; count > 0; --count) {
      const sys::SocketName& name = listener_.address().name();
      sys::Descriptor socket(::socket(name.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
      EXPECT_EQ(::connect(socket.number(), &name.any, name.length), 0);
      result.push_back(std::move(socket));
    }
    return result;
  }

  /// False when the condition does not hold within `limit` of the test's clock, or when the loop spins and it stands still.
  bool run_until(const std::function<bool()>& condition, Duration limit = 10s) {
    Timer timer(*loop_, [](Timer&) {});
    timer.start(limit);
    const std::uint64_t last_turn = loop_->counters().turns + 20'000;
    EXPECT_TRUE(
        loop_->run_until([&] { return condition() || !timer.is_armed() || loop_->counters().turns > last_turn; }));
    return condition();
  }

  /// The address of a file in a fresh directory.
  Address file(const std::string& name) {
    if (directory_.empty()) {
      std::string path = "/tmp/weir-listener-test-XXXXXX";
      EXPECT_NE(::mkdtemp(path.data()), nullptr);
      directory_ = path;
    }
    return *Address::parse("unix:" + directory_ + "/" + name);
  }
  static bool exists(const Address& address) { return ::access(std::string(address.path()).c_str(), F_OK) == 0; }

  std::vector<std::string> remarks_;
  ClockKernel clock_;
  FaultKernel kernel_{{}, &clock_};
  ScopedKernel installed_{kernel_};
  std::unique_ptr<EventLoop> loop_;
  std::vector<Socket> accepted_;
  std::vector<Address> peers_;
  std::function<void()> on_accepted_;
  std::string directory_;
  Listener listener_;
};

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

// --- Unix files ---

TEST_F(ListenerTest, of_a_unix_address_makes_the_file_and_removes_it) {
  const Address address = file("a.sock");
  open(address);
  EXPECT_TRUE(exists(address));
  const std::vector<sys::Descriptor> connected = clients(2);
  ASSERT_TRUE(run_until([&] { return accepted_.size() == 2; }));

  listener_ = {};

  EXPECT_FALSE(exists(address));
}

TEST_F(ListenerTest, replaces_a_unix_file_that_nobody_listens_at_any_more) {
  const Address address = file("stale.sock");
  {
    Socket former = *Socket::open_stream(Address::Family::local);
    ASSERT_TRUE(former.bind(address));
    ASSERT_TRUE(former.listen(1));
  }
  ASSERT_TRUE(exists(address));

  open(address);
  const std::vector<sys::Descriptor> connected = clients(1);

  EXPECT_TRUE(run_until([&] { return accepted_.size() == 1; }));
}

TEST_F(ListenerTest, leaves_a_unix_file_alone_that_somebody_listens_at_even_with_a_full_queue) {
  const Address address = file("live.sock");
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

  EXPECT_TRUE(exists(address));
  ::unlink(std::string(address.path()).c_str());
}

TEST_F(ListenerTest, never_removes_a_file_that_is_not_a_socket) {
  const Address address = file("precious");
  const std::string path(address.path());
  {
    const sys::Descriptor file(::open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    ASSERT_EQ(::write(file.number(), "data", 4), 4);
  }

  const auto refused = Listener::open(*loop_, address, {}, [](Socket, const Address&) {});

  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), std::errc::address_in_use);
  EXPECT_TRUE(exists(address));
  ::unlink(path.c_str());
}

TEST_F(ListenerTest, never_follows_a_link_to_remove_what_it_points_to) {
  const Address target = file("target.sock");
  const Address link = file("link.sock");
  {
    Socket former = *Socket::open_stream(Address::Family::local);
    ASSERT_TRUE(former.bind(target));
  }
  ASSERT_EQ(::symlink(std::string(target.path()).c_str(), std::string(link.path()).c_str()), 0);

  const auto refused = Listener::open(*loop_, link, {}, [](Socket, const Address&) {});

  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), std::errc::address_in_use);
  EXPECT_TRUE(exists(target));
  ::unlink(std::string(link.path()).c_str());
  ::unlink(std::string(target.path()).c_str());
}

// --- failures while opening ---

// hazard: RE14
TEST_F(ListenerTest, every_call_that_fails_while_opening_closes_the_descriptor_and_removes_the_file) {
  for (const bool is_local : {false, true}) {
    std::uint64_t failures = 0;
    for (std::uint64_t k = 1; k < 50; ++k) {
      const Address address = is_local ? file("torture.sock") : any_port;
      const auto before = open_descriptors();
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
      EXPECT_EQ(open_descriptors(), before) << k;
      EXPECT_FALSE(is_local && exists(address)) << k;
      EXPECT_EQ(*loop_->run(), RunEnd::empty) << k;
    }
    EXPECT_EQ(failures, is_local ? 5U : 6U);
  }
}

// --- descriptors run out ---

// hazard: E6
TEST_F(ListenerTest, out_of_descriptors_pauses_without_a_spin_and_goes_on_within_a_tenth_of_a_second) {
  for (const int error : {EMFILE, ENFILE, ENOBUFS, ENOMEM}) {
    accepted_.clear();
    open();
    const std::vector<sys::Descriptor> connected = clients(5);
    kernel_.set_plan(FaultPlan::from_nth(1, {.error = error}, {Call::accept}));
    const std::uint64_t accepts_before = kernel_.calls(Call::accept);
    EXPECT_FALSE(run_until([&] { return !accepted_.empty(); }, 10s));
    // Ten seconds: after the first pauses of 10, 20, 40 and 80 ms one try in 100 ms.
    EXPECT_LE(kernel_.calls(Call::accept) - accepts_before, 110U) << error;
    EXPECT_GE(kernel_.calls(Call::accept) - accepts_before, 90U) << error;

    kernel_.set_plan({});
    const TimePoint freed = clock_.now();
    ASSERT_TRUE(run_until([&] { return accepted_.size() == 5; }));

    EXPECT_LE(clock_.now() - freed, 101ms) << error;
  }
}

// hazard: E6
TEST_F(ListenerTest, says_at_most_once_a_second_that_it_pauses) {
  open();
  const std::vector<sys::Descriptor> connected = clients(1);
  kernel_.set_plan(FaultPlan::from_nth(1, {.error = EMFILE}, {Call::accept}));

  EXPECT_FALSE(run_until([&] { return !accepted_.empty(); }, 10s));

  EXPECT_GE(remarks_.size(), 9U);
  EXPECT_LE(remarks_.size(), 11U);
  EXPECT_NE(remarks_[0].find(listener_.address().to_string()), std::string::npos);
}

// hazard: E6
TEST_F(ListenerTest, goes_on_at_once_when_the_loop_closes_a_descriptor) {
  open();
  const std::vector<sys::Descriptor> connected = clients(1);
  const ListeningSocket busy(0);
  const std::vector<sys::Descriptor> waiting = busy.fill();
  std::optional<Connector> connector = Connector::start(*loop_, Address(busy.name), {}, [](Result<Socket>) {});
  kernel_.set_plan(FaultPlan::script({{.calls = {Call::accept}, .to = 5, .fault = {.error = EMFILE}}}));
  ASSERT_FALSE(run_until([&] { return !accepted_.empty(); }, 155ms));  // five tries: the next is 100 ms away
  const TimePoint freed = clock_.now();

  connector.reset();

  ASSERT_TRUE(run_until([&] { return !accepted_.empty(); }));
  EXPECT_LE(clock_.now() - freed, 2ms);
}

// hazard: E6
TEST_F(ListenerTest, after_an_exhaustion_the_first_pause_is_short_again) {
  open();
  const std::vector<sys::Descriptor> connected = clients(2);
  kernel_.set_plan(FaultPlan::script({{.calls = {Call::accept}, .to = 10, .fault = {.error = EMFILE}},
                                      {.calls = {Call::accept}, .from = 12, .fault = {.error = EMFILE}}}));
  ASSERT_TRUE(run_until([&] { return accepted_.size() == 1; }));
  const TimePoint again = clock_.now();

  ASSERT_TRUE(run_until([&] { return accepted_.size() == 2; }));

  EXPECT_LE(clock_.now() - again, 12ms);
}

// The process itself runs out of descriptors, in truth.
// hazard: E6
TEST_F(ListenerTest, serves_those_it_has_while_the_process_has_no_descriptor_left) {
  open();
  std::vector<sys::Descriptor> connected = clients(1);
  Pair pair = unix_pair();
  auto established = ByteProbe::reading(*loop_, std::move(pair.near));
  // All of it once before: UBSan opens a pipe when it meets a type for the first time.
  EXPECT_EQ(write_some(pair.far, "first"), 5U);
  kernel_.set_plan(FaultPlan::nth(1, {.error = EMFILE}, {Call::accept}));
  ASSERT_TRUE(run_until([&] { return accepted_.size() == 1 && established->text == "first"; }));
  accepted_.clear();
  established->text.clear();
  connected = clients(2);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none_left{.rlim_cur = 0, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none_left), 0);
  const std::uint64_t accepts_before = kernel_.calls(Call::accept);
  std::size_t written = 0;

  const bool was_served = run_until([&] {
    if (established->text.size() == written) written += write_some(pair.far, "x");
    return established->text.size() >= 100;
  });
  const bool has_accepted = !accepted_.empty();
  const std::uint64_t accepts = kernel_.calls(Call::accept) - accepts_before;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);

  EXPECT_TRUE(was_served);
  EXPECT_FALSE(has_accepted);
  EXPECT_LE(accepts, 3U);
  EXPECT_TRUE(run_until([&] { return accepted_.size() == 2; }));
}

// hazard: E7
TEST_F(ListenerTest, survives_every_error_but_those_that_say_its_socket_is_none) {
  for (const int error : {ECONNABORTED, EPROTO, ENOBUFS,     ENOMEM,      EPERM,      ENETDOWN,  EHOSTUNREACH,
                          EHOSTDOWN,    ENONET, ENETUNREACH, ENOPROTOOPT, EOPNOTSUPP, ETIMEDOUT, ECONNRESET,
                          EINTR,        EAGAIN, EMFILE,      ENFILE,      EIO,        ENOSR,     EUCLEAN}) {
    for (const std::uint64_t times : {1U, 63U, 64U, 65U, 200U}) {
      accepted_.clear();
      open();
      bool has_failed = false;
      listener_.on_failed([&](std::error_code) { has_failed = true; });
      const std::vector<sys::Descriptor> connected = clients(1);
      kernel_.set_plan(FaultPlan::script({{.calls = {Call::accept}, .to = times, .fault = {.error = error}}}));

      EXPECT_TRUE(run_until([&] { return accepted_.size() == 1; }, 60s)) << error << " × " << times;

      EXPECT_FALSE(has_failed) << error;
    }
  }
}

// hazard: E7
TEST_F(ListenerTest, ends_on_an_error_that_says_its_socket_is_none_and_tells_once) {
  for (const int error : {EBADF, EINVAL, ENOTSOCK}) {
    open();
    int calls = 0;
    listener_.on_failed([&](std::error_code told) {
      ++calls;
      EXPECT_EQ(told, system_error(error));
    });
    const std::vector<sys::Descriptor> connected = clients(1);
    kernel_.set_plan(FaultPlan::nth(1, {.error = error}, {Call::accept}));

    EXPECT_EQ(*loop_->run(), RunEnd::empty);

    EXPECT_EQ(calls, 1);
    EXPECT_EQ(accepted_.size(), 0U);
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
  open();
  const std::vector<sys::Descriptor> connected = clients(3);
  on_accepted_ = [] { throw std::runtime_error("in listener"); };

  for (std::size_t i = 1; i <= 3; ++i) {
    EXPECT_THROW((void)run_until([&] { return accepted_.size() > i; }, 1s), std::runtime_error);
    EXPECT_EQ(accepted_.size(), i);
  }
}

}  // namespace
}  // namespace weir
