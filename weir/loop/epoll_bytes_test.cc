// weir: tests of receiving and sending on epoll: order of data and ends, pauses, edges.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cstring>
#include <string>

#include "tests/support/loop_fixture.h"
#include "weir/loop/timer.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;
using sys::Call;

using EpollBytes = LoopTest;

TEST_F(EpollBytes, arrive_in_order_and_go_out_in_order) {
  Pair pair = unix_pair();
  auto probe = ByteProbe::reading(loop_, std::move(pair.near));
  EXPECT_EQ(write_some(pair.far, "one "), 4U);
  EXPECT_EQ(write_some(pair.far, "two"), 3U);

  ASSERT_TRUE(run_until(loop_, [&] { return probe->text.size() == 7; }));
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

    ASSERT_TRUE(run_until(loop_, [&] { return probe->has_ended(); }));

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

  ASSERT_TRUE(run_until(loop_, [&] {
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
  run_for(loop_, 20ms);  // in, out, end, hang-up and error in one event of epoll's

  probe->start();
  ASSERT_TRUE(run_until(loop_, [&] { return probe->has_ended(); }));

  EXPECT_TRUE(probe->text == sent);
  EXPECT_EQ(*probe->end, std::errc::connection_reset);
  EXPECT_EQ(probe->ends, 1U);
}

// hazard: E3, RE16
TEST_F(EpollBytes, a_peer_that_resets_a_paused_stream_costs_no_wakeups_and_is_told_on_resuming) {
  Pair pair = tcp_pair();
  auto probe = ByteProbe::reading(loop_, std::move(pair.near));
  probe->stop();
  run_for(loop_, 20ms);
  close_with_reset(std::move(pair.far));
  const std::uint64_t waits_before = kernel_.waits();
  Timer second(loop_, [](Timer&) {});
  second.start(is_simulated() ? Duration(1s) : Duration(100ms));

  ASSERT_TRUE(loop_.run_until([&] { return !second.is_armed(); }));

  // One for the event, and up to three on the way down the levels of the wheel.
  EXPECT_LE(kernel_.waits() - waits_before, 5U);
  EXPECT_FALSE(probe->has_ended());
  probe->start();
  ASSERT_TRUE(run_until(loop_, [&] { return probe->has_ended(); }));
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
    ASSERT_TRUE(run_until(
        loop_, [&] { return probe->deliveries == pieces; }, 2s))
        << pieces;
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
  run_for(loop_, 20ms);

  probe->start();
  ASSERT_TRUE(run_until(
      loop_, [&] { return probe->text == "early"; }, 2s));
}

TEST_F(EpollBytes, urgent_data_in_the_middle_does_not_hide_what_follows) {
  const OnRealKernel real;
  EventLoop loop;
  Pair pair = tcp_pair();
  auto probe = ByteProbe::reading(loop, std::move(pair.near));
  run_for(loop, 20ms);
  EXPECT_EQ(write_some(pair.far, "ab"), 2U);
  EXPECT_EQ(::send(pair.far.number(), "!", 1, MSG_OOB), 1);
  EXPECT_EQ(write_some(pair.far, "cd"), 2U);

  ASSERT_TRUE(run_until(
      loop, [&] { return probe->text.size() >= 4; }, 2s))
      << probe->text;

  EXPECT_EQ(probe->text, "abcd");
}

// A receive stops behind bytes that came with a descriptor, however much follows: that is not an empty queue.
TEST_F(EpollBytes, a_descriptor_passed_along_does_not_hide_what_follows) {
  const OnRealKernel real;
  EventLoop loop;
  Pair pair = unix_pair();
  auto probe = ByteProbe::reading(loop, std::move(pair.near));
  run_for(loop, 20ms);
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

  ASSERT_TRUE(run_until(
      loop, [&] { return probe->text.size() >= 3; }, 2s))
      << probe->text;

  EXPECT_EQ(probe->text, "abc");
}

TEST_F(EpollBytes, sending_goes_on_when_a_slow_peer_has_made_room) {
  const std::string sent = numbered_bytes(6_MiB);
  Pair pair = tcp_pair();
  auto probe = ByteProbe::reading(loop_, std::move(pair.near));
  probe->send(sent);
  std::string got;

  ASSERT_TRUE(run_until(loop_, [&] {
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
  run_for(loop_, 20ms);
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

    ASSERT_TRUE(run_until(loop_, [&] { return was_told; }));
  }
}

// hazard: RE5
TEST_F(EpollBytes, once_all_is_sent_room_to_write_wakes_nobody) {
  Pair pair = tcp_pair();
  auto probe = ByteProbe::reading(loop_, std::move(pair.near));
  probe->send(std::string(3_MiB, 'x'));
  ASSERT_TRUE(run_until(loop_, [&] {
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

}  // namespace
}  // namespace weir
