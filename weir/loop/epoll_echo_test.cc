// weir: tests of bytes that go forth and back on epoll while calls are interrupted, put off and cut short.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>
#include <sys/time.h>

#include <csignal>
#include <random>
#include <string>
#include <utility>

#include "tests/support/loop_fixture.h"
#include "weir/loop/event_loop.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;
using sys::Call;
using sys::FaultPlan;

using EpollBytes = LoopTest;

/// What `source` sends comes back through the other end.
class Echo {
 public:
  Echo(EventLoop& loop, Pair pair)
      : mirror_(ByteProbe::reading(loop, std::move(pair.near))),
        source_(ByteProbe::reading(loop, std::move(pair.far))) {
    mirror_->keeps_input = true;
    mirror_->on_received = [](ByteProbe& self) { self.send(self.input_buffer().take_all()); };
  }

  ByteProbe& source() { return *source_; }

 private:
  Handle<ByteProbe> mirror_;
  Handle<ByteProbe> source_;
};

/// Ten thousand SIGALRM a second, whose handler does not restart calls.
class AlarmStorm {
 public:
  AlarmStorm() {
    struct sigaction action {};
    action.sa_handler = [](int) { count = count + 1; };
    EXPECT_EQ(::sigaction(SIGALRM, &action, &previous_), 0);
    const itimerval often{.it_interval = {.tv_sec = 0, .tv_usec = 100}, .it_value = {.tv_sec = 0, .tv_usec = 100}};
    EXPECT_EQ(::setitimer(ITIMER_REAL, &often, nullptr), 0);
  }
  ~AlarmStorm() {
    const itimerval never{};
    ::setitimer(ITIMER_REAL, &never, nullptr);
    ::sigaction(SIGALRM, &previous_, nullptr);
  }

  static inline volatile sig_atomic_t count = 0;

 private:
  struct sigaction previous_ {};
};

// hazard: E9, RE16
TEST_F(EpollBytes, an_echo_of_megabytes_survives_a_storm_of_signals_that_restart_nothing) {
  const OnRealKernel real;
  EventLoop loop;
  const std::string sent = numbered_bytes(8_MiB);
  Echo echo(loop, tcp_pair());
  const AlarmStorm storm;
  echo.source().send(sent);

  ASSERT_TRUE(run_until(loop, [&] { return echo.source().text.size() >= sent.size() && AlarmStorm::count > 100; }));

  EXPECT_TRUE(echo.source().text == sent);
}

// hazard: E9, S1, RE16
TEST_F(EpollBytes, an_echo_arrives_whole_whatever_the_kernel_answers) {
  for (std::uint32_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937 random(seed);
    const Scattered sent(numbered_bytes(1 + random() % 300'000, seed));
    Echo echo(loop_, seed % 2 == 0 ? tcp_pair() : unix_pair());
    FaultPlan plan =
        FaultPlan::script({{.calls = {Call::receive, Call::send, Call::send_pieces, Call::wait_epoll, Call::poll},
                            .to = FaultPlan::forever,
                            .probability = 0.2,
                            .fault = {.error = EINTR}},
                           {.calls = {Call::receive, Call::send, Call::send_pieces},
                            .to = FaultPlan::forever,
                            .probability = 0.2,
                            .fault = {.error = EAGAIN}},
                           {.calls = {Call::receive, Call::send, Call::send_pieces},
                            .to = FaultPlan::forever,
                            .probability = 0.5,
                            .fault = {.at_most = 1 + random() % 5000}}},
                          seed);
    kernel_.set_plan(plan);
    echo.source().send(sent.buffer(1 + random() % 200));  // more pieces than one call of the kernel takes (IOV_MAX)

    ASSERT_TRUE(run_until(loop_, [&] { return echo.source().text.size() >= sent.text().size(); })) << kernel_.trace();

    ASSERT_TRUE(echo.source().text == sent.text()) << kernel_.trace();
    kernel_.set_plan({});
  }
}

}  // namespace
}  // namespace weir
