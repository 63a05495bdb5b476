// weir: tests of receiving and sending on epoll: order of data and ends, turns, edges, interruptions.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>
#include <sys/time.h>

#include <csignal>
#include <cstring>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/support/loop_fixture.h"
#include "weir/loop/timer.h"
#include "weir/sys/fault_kernel.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;
using sys::Call;
using sys::FaultKernel;
using sys::FaultPlan;
using sys::ScopedKernel;

/// A loop that gives up after some seconds, so that a lost event is a failure and not a hang.
class EpollBytes : public testing::Test {
 protected:
  template <class Condition>
  bool run_until(Condition condition, Duration limit = 10s) {
    Timer timer(loop_, [](Timer&) {});
    timer.start(limit);
    const Result<RunEnd> end = loop_.run_until([&] { return condition() || !timer.is_armed(); });
    EXPECT_TRUE(end);
    return condition();
  }

  FaultKernel kernel_;
  ScopedKernel installed_{kernel_};
  EventLoop loop_;
};

TEST_F(EpollBytes, arrive_in_order_and_go_out_in_order) {
  Pair pair = unix_pair();
  auto probe = ByteProbe::reading(loop_, std::move(pair.near));
  EXPECT_EQ(write_some(pair.far, "one "), 4U);
  EXPECT_EQ(write_some(pair.far, "two"), 3U);

  ASSERT_TRUE(run_until([&] { return probe->text.size() == 7; }));
  probe->send("three ");
  probe->send("four");

  EXPECT_EQ(probe->text, "one two");
  EXPECT_EQ(read_some(pair.far), "three four");
}

// The end comes in the same event as the data: a short count must not be taken for an empty queue.
// hazard: E4
TEST_F(EpollBytes, data_and_end_that_come_in_one_event_are_both_told_and_the_data_first) {
  for (Pair (*make_pair)() : {unix_pair, tcp_pair}) {
    Pair pair = make_pair();
    auto probe = ByteProbe::reading(loop_, std::move(pair.near));
    probe->on_received = [](ByteProbe& self) { EXPECT_FALSE(self.has_ended()); };
    EXPECT_EQ(write_some(pair.far, "last words"), 10U);
    pair.far.reset();

    ASSERT_TRUE(run_until([&] { return probe->has_ended(); }));

    EXPECT_EQ(probe->text, "last words");
    EXPECT_EQ(*probe->end, std::error_code());
    EXPECT_EQ(probe->ends, 1U);
  }
}

// hazard: E4
TEST_F(EpollBytes, a_megabyte_before_an_end_arrives_whole_and_then_one_end) {
  const std::string sent = numbered_bytes(1_MiB);
  Pair pair = tcp_pair();
  auto probe = ByteProbe::reading(loop_, std::move(pair.near));
  std::size_t written = 0;

  ASSERT_TRUE(run_until([&] {
    if (pair.far) written += write_some(pair.far, std::string_view(sent).substr(written));
    if (written == sent.size()) pair.far.reset();
    return probe->has_ended();
  }));

  EXPECT_TRUE(probe->text == sent);
  EXPECT_EQ(*probe->end, std::error_code());
  EXPECT_EQ(probe->ends, 1U);
}

// hazard: E4
TEST_F(EpollBytes, data_before_a_reset_is_told_before_the_reset) {
  const std::string sent = numbered_bytes(50'000);
  Pair pair = tcp_pair();
  auto probe = ByteProbe::open(loop_, std::move(pair.near));
  ASSERT_EQ(write_some(pair.far, sent), sent.size());
  close_with_reset(std::move(pair.far));
  ASSERT_TRUE(loop_.run_once());  // in, out, end, hang-up and error in one event

  probe->start();
  ASSERT_TRUE(run_until([&] { return probe->has_ended(); }));

  EXPECT_TRUE(probe->text == sent);
  EXPECT_EQ(*probe->end, std::errc::connection_reset);
  EXPECT_EQ(probe->ends, 1U);
}

// hazard: E3, RE16
TEST_F(EpollBytes, a_peer_that_resets_a_paused_stream_costs_no_wakeups_and_is_told_on_resuming) {
  Pair pair = tcp_pair();
  auto probe = ByteProbe::reading(loop_, std::move(pair.near));
  probe->stop();
  ASSERT_TRUE(loop_.run_once());
  close_with_reset(std::move(pair.far));
  const std::uint64_t waits_before = kernel_.calls(Call::wait_epoll);
  Timer second(loop_, [](Timer&) {});
  second.start(1s);

  ASSERT_TRUE(loop_.run_until([&] { return !second.is_armed(); }));

  // One for the event, and up to three on the way down the levels of the wheel.
  EXPECT_LE(kernel_.calls(Call::wait_epoll) - waits_before, 5U);
  EXPECT_FALSE(probe->has_ended());
  probe->start();
  ASSERT_TRUE(run_until([&] { return probe->has_ended(); }));
  EXPECT_EQ(*probe->end, std::errc::connection_reset);
}

// hazard: E5
TEST_F(EpollBytes, reading_goes_on_after_a_pause_without_a_new_event) {
  Pair pair = unix_pair();
  auto probe = ByteProbe::reading(loop_, std::move(pair.near));
  probe->on_received = [](ByteProbe& self) { self.stop(); };
  const std::string sent = numbered_bytes(180'000);  // three receives' worth, written once
  ASSERT_EQ(write_some(pair.far, sent), sent.size());

  for (std::size_t pieces = 1; probe->text.size() < sent.size(); ++pieces) {
    ASSERT_TRUE(run_until([&] { return probe->deliveries == pieces; }, 2s)) << pieces;
    ASSERT_TRUE(loop_.poll());
    EXPECT_EQ(probe->deliveries, pieces) << "a paused slot got more";
    probe->start();
  }

  EXPECT_TRUE(probe->text == sent);
  EXPECT_GE(probe->deliveries, 3U);
}

// hazard: E5
TEST_F(EpollBytes, what_came_before_reading_began_is_received_without_a_new_event) {
  Pair pair = unix_pair();
  auto probe = ByteProbe::open(loop_, std::move(pair.near));
  EXPECT_EQ(write_some(pair.far, "early"), 5U);
  ASSERT_TRUE(loop_.run_once());

  probe->start();
  ASSERT_TRUE(run_until([&] { return probe->text == "early"; }, 2s));
}

TEST_F(EpollBytes, urgent_data_in_the_middle_does_not_hide_what_follows) {
  Pair pair = tcp_pair();
  auto probe = ByteProbe::reading(loop_, std::move(pair.near));
  ASSERT_TRUE(loop_.run_once());
  EXPECT_EQ(write_some(pair.far, "ab"), 2U);
  EXPECT_EQ(::send(pair.far.number(), "!", 1, MSG_OOB), 1);
  EXPECT_EQ(write_some(pair.far, "cd"), 2U);

  ASSERT_TRUE(run_until([&] { return probe->text.size() >= 4; }, 2s)) << probe->text;

  EXPECT_EQ(probe->text, "abcd");
}

// A receive stops behind bytes that came with a descriptor, however much follows: that is not an empty queue.
TEST_F(EpollBytes, a_descriptor_passed_along_does_not_hide_what_follows) {
  Pair pair = unix_pair();
  auto probe = ByteProbe::reading(loop_, std::move(pair.near));
  ASSERT_TRUE(loop_.run_once());
  char letter = 'a';
  iovec piece{.iov_base = &letter, .iov_len = 1};
  alignas(cmsghdr) std::byte control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  const int passed = pair.far.number();
  std::memcpy(CMSG_DATA(header), &passed, sizeof passed);
  ASSERT_EQ(::sendmsg(pair.far.number(), &message, 0), 1);
  EXPECT_EQ(write_some(pair.far, "bc"), 2U);

  ASSERT_TRUE(run_until([&] { return probe->text.size() >= 3; }, 2s)) << probe->text;

  EXPECT_EQ(probe->text, "abc");
}

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
  const std::string sent = numbered_bytes(8_MiB);
  Echo echo(loop_, tcp_pair());
  const AlarmStorm storm;
  echo.source().send(sent);

  ASSERT_TRUE(run_until([&] { return echo.source().text.size() >= sent.size() && AlarmStorm::count > 100; }));

  EXPECT_TRUE(echo.source().text == sent);
}

// hazard: E9, S1, RE16
TEST_F(EpollBytes, an_echo_arrives_whole_whatever_the_kernel_answers) {
  for (std::uint32_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937 random(seed);
    const Scattered sent(numbered_bytes(1 + random() % 300'000, seed));
    Echo echo(loop_, seed % 2 == 0 ? tcp_pair() : unix_pair());
    FaultPlan plan = FaultPlan::script({{.calls = {Call::receive, Call::send, Call::send_pieces, Call::wait_epoll},
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

    ASSERT_TRUE(run_until([&] { return echo.source().text.size() >= sent.text().size(); })) << kernel_.trace();

    ASSERT_TRUE(echo.source().text == sent.text()) << kernel_.trace();
    kernel_.set_plan({});
  }
}

TEST_F(EpollBytes, sending_goes_on_when_a_slow_peer_has_made_room) {
  const std::string sent = numbered_bytes(6_MiB);
  Pair pair = tcp_pair();
  auto probe = ByteProbe::reading(loop_, std::move(pair.near));
  probe->send(sent);
  std::string got;

  ASSERT_TRUE(run_until([&] {
    got += read_some(pair.far);
    return got.size() >= sent.size();
  }));

  EXPECT_TRUE(got == sent);
  EXPECT_TRUE(probe->output_buffer().is_empty());
}

TEST_F(EpollBytes, sending_to_a_peer_that_is_gone_fails_once_and_keeps_nothing_in_flight) {
  Pair pair = unix_pair();
  auto probe = ByteProbe::open(loop_, std::move(pair.near));
  pair.far.reset();

  probe->send("into the void");

  ASSERT_TRUE(probe->broken);
  EXPECT_EQ(*probe->broken, std::errc::broken_pipe);
  ASSERT_TRUE(loop_.run_once());
}

// hazard: RE2, RE16
TEST_F(EpollBytes, a_slot_destroyed_on_its_end_is_not_touched_by_the_rest_of_the_same_event) {
  for (int i = 0; i < 50; ++i) {
    Pair pair = tcp_pair();
    auto probe = ByteProbe::reading(loop_, std::move(pair.near));
    probe->send(std::string(4_MiB, 'x'));  // waits for room
    bool was_told = false;
    probe->on_ended = [&](ByteProbe&) {
      was_told = true;
      probe.reset();
    };
    close_with_reset(std::move(pair.far));

    ASSERT_TRUE(run_until([&] { return was_told; }));
  }
}

// hazard: RE5
TEST_F(EpollBytes, once_all_is_sent_room_to_write_wakes_nobody) {
  Pair pair = tcp_pair();
  auto probe = ByteProbe::reading(loop_, std::move(pair.near));
  probe->send(std::string(3_MiB, 'x'));
  ASSERT_TRUE(run_until([&] {
    (void)read_some(pair.far);
    return probe->output_buffer().is_empty();
  }));
  (void)read_some(pair.far);
  ASSERT_TRUE(loop_.poll());
  Timer timer(loop_, [](Timer&) {});
  timer.start(100ms);
  const std::uint64_t calls_before = kernel_.all_calls();

  ASSERT_TRUE(loop_.run_until([&] { return !timer.is_armed(); }));

  EXPECT_LE(kernel_.all_calls() - calls_before, 4U);
}

// The peer has more as soon as anything is read: without a bound the turn would never end.
// hazard: RE11
TEST_F(EpollBytes, a_firehose_is_read_in_bounded_turns_and_the_others_are_served_in_each) {
  Pair hose = unix_pair();
  Pair quiet = unix_pair();
  auto greedy = ByteProbe::reading(loop_, std::move(hose.near));
  auto modest = ByteProbe::reading(loop_, std::move(quiet.near));
  const std::string chunk(64_KiB, 'f');
  std::size_t in_turn = 0;
  greedy->on_received = [&](ByteProbe& self) {
    in_turn += self.text.size();
    self.text.clear();
    if (in_turn > 1_MiB) return self.stop();  // it has failed already
    while (write_some(hose.far, chunk) > 0) {}
  };
  EXPECT_GT(write_some(hose.far, chunk), 0U);
  for (std::size_t turn = 1; turn <= 20; ++turn) {
    EXPECT_EQ(write_some(quiet.far, "x"), 1U);
    in_turn = 0;

    ASSERT_TRUE(loop_.run_once());

    ASSERT_GE(in_turn, 256_KiB);
    ASSERT_LE(in_turn, 256_KiB + 64_KiB);
    ASSERT_EQ(modest->text.size(), turn);
  }
}

TEST_F(EpollBytes, a_long_output_is_sent_in_bounded_turns_and_goes_on_without_a_new_event) {
  Pair pair = tcp_pair();
  const int size = 4 << 20;
  ::setsockopt(pair.near.number(), SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  ::setsockopt(pair.far.number(), SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  auto probe = ByteProbe::open(loop_, std::move(pair.near));
  const Scattered sent(numbered_bytes(400'000));  // more than a turn, less than the kernel takes

  probe->send(sent.buffer(2000));
  EXPECT_GE(kernel_.calls(Call::send_pieces), 2U);
  EXPECT_GT(probe->output_buffer().size(), 0U);
  ASSERT_TRUE(run_until([&] { return probe->output_buffer().is_empty(); }, 2s));

  EXPECT_TRUE(read_some(pair.far) == sent.text());
}

// hazard: RE17
TEST_F(EpollBytes, more_ready_descriptors_than_the_event_array_holds_are_all_served_in_few_turns) {
  constexpr std::size_t count = 1500;
  if (!allow_descriptors(2 * count + 100)) GTEST_SKIP() << "the descriptor limit of the system is too low";
  std::vector<sys::Descriptor> far;
  std::vector<Handle<ByteProbe>> probes;
  std::size_t served = 0;
  for (std::size_t i = 0; i < count; ++i) {
    Pair pair = unix_pair();
    far.push_back(std::move(pair.far));
    probes.push_back(ByteProbe::reading(loop_, std::move(pair.near)));
    probes.back()->on_received = [&](ByteProbe&) { ++served; };
  }
  for (int round = 0; round < 3; ++round) {
    for (const auto& end : far) ASSERT_EQ(write_some(end, "x"), 1U);
    served = 0;
    std::size_t posts = 0;
    std::size_t turns = 0;
    for (; served < count && turns < 100; ++turns) {
      loop_.post([&] { ++posts; });
      ASSERT_TRUE(loop_.run_once());
    }
    EXPECT_EQ(served, count);
    EXPECT_EQ(posts, turns);  // posts are served in each turn too
    EXPECT_LE(turns, round == 0 ? 7U : 4U);
  }
  for (const auto& probe : probes) ASSERT_EQ(probe->text, "xxx");
}

TEST_F(EpollBytes, a_slot_whose_callback_threw_goes_on_with_what_was_left) {
  Pair pair = unix_pair();
  auto probe = ByteProbe::reading(loop_, std::move(pair.near));
  const std::string sent = numbered_bytes(180'000);
  ASSERT_EQ(write_some(pair.far, sent), sent.size());
  int throws = 0;
  probe->on_received = [&](ByteProbe&) {
    ++throws;
    throw std::runtime_error("in received");
  };

  while (probe->text.size() < sent.size() && throws < 10) {
    EXPECT_THROW((void)run_until([&] { return probe->text.size() == sent.size(); }, 2s), std::runtime_error);
  }

  EXPECT_TRUE(probe->text == sent);
  EXPECT_GE(throws, 3);
}

// hazard: E10
TEST_F(EpollBytes, a_slot_destroyed_in_the_middle_of_its_turn_gets_no_more) {
  Pair pair = unix_pair();
  auto probe = ByteProbe::reading(loop_, std::move(pair.near));
  ASSERT_EQ(write_some(pair.far, numbered_bytes(180'000)), 180'000U);
  int deliveries = 0;
  probe->on_received = [&](ByteProbe&) {
    ++deliveries;
    probe.reset();
  };

  ASSERT_EQ(*loop_.run(), RunEnd::empty);

  EXPECT_EQ(deliveries, 1);
}

}  // namespace
}  // namespace weir
