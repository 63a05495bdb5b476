// weir: tests of what a turn on epoll does: bounded work for each, all that are ready, callbacks that throw or destroy.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/support/loop_fixture.h"
#include "tests/support/throws.h"
#include "weir/loop/event_loop.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;
using sys::Call;

using EpollBytes = LoopTest;

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
  set_buffers(pair.near, {.send = 4 << 20});
  set_buffers(pair.far, {.receive = 4 << 20});
  auto probe = ByteProbe::open(loop_, std::move(pair.near));
  const Scattered sent(numbered_bytes(400'000));  // more than a turn, less than the kernel takes

  probe->send(sent.buffer(2000));
  EXPECT_GE(kernel_.calls(Call::send_pieces), 2U);
  EXPECT_GT(probe->output_buffer().size(), 0U);
  ASSERT_TRUE(run_until(
      loop_, [&] { return probe->output_buffer().is_empty(); }, 2s));

  EXPECT_TRUE(read_some(pair.far) == sent.text());
}

// hazard: RE17
TEST_F(EpollBytes, more_ready_descriptors_than_the_event_array_holds_are_all_served_in_few_turns) {
  constexpr std::size_t count = 1500;
  if (!is_simulated() && !allow_descriptors(2 * count + 100))
    GTEST_SKIP() << "the descriptor limit of the system is too low";
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
  if (!can_throw()) GTEST_SKIP() << "needs exceptions";
  Pair pair = unix_pair();
  auto probe = ByteProbe::reading(loop_, std::move(pair.near));
  const std::string sent = numbered_bytes(180'000);
  ASSERT_EQ(write_some(pair.far, sent), sent.size());
  int throws = 0;
  probe->on_received = [&](ByteProbe&) {
    ++throws;
    throw_something();
  };

  while (probe->text.size() < sent.size() && throws < 10) {
    EXPECT_TRUE(throws_something([&] {
      (void)run_until(
          loop_, [&] { return probe->text.size() == sent.size(); }, 2s);
    }));
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
