// weir: tests of watches: readiness of descriptors that are not the loop's own.
// SPDX-License-Identifier: MIT
#include "weir/loop/watch.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <vector>

#include "tests/support/loop_fixture.h"
#include "tests/support/throws.h"
#include "weir/loop/timer.h"
#include "weir/sys/fault_kernel.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;
using sys::Call;
using sys::FaultKernel;
using sys::ScopedKernel;

class WatchTest : public LoopTest {
 protected:
  Watch watch(const sys::Descriptor& descriptor, Readiness interest) {
    Result<Watch> started = Watch::start(loop_, descriptor.number(), interest, [this](Readiness now) {
      ++calls_;
      last_ = now;
    });
    EXPECT_TRUE(started);
    return *std::move(started);
  }

  int calls_ = 0;
  Readiness last_;
};

TEST_F(WatchTest, tells_in_every_turn_for_as_long_as_there_is_something_to_read) {
  const Pair pipe = pipe_pair();
  const Watch watching = watch(pipe.near, {.readable = true});
  ASSERT_TRUE(loop_.poll());
  EXPECT_EQ(calls_, 0);
  ASSERT_TRUE(sys::write(pipe.far.number(), as_bytes("x")));

  for (int turn = 1; turn <= 3; ++turn) {
    ASSERT_TRUE(loop_.poll());
    EXPECT_EQ(calls_, turn);
  }
  EXPECT_TRUE(last_.readable);
  EXPECT_FALSE(last_.writable);
  EXPECT_FALSE(last_.closed);
  EXPECT_EQ(read_some(pipe.near), "x");
  ASSERT_TRUE(loop_.poll());

  EXPECT_EQ(calls_, 3);
}

TEST_F(WatchTest, tells_of_room_to_write) {
  const Pair pipe = pipe_pair();
  const Watch watching = watch(pipe.far, {.writable = true});

  ASSERT_TRUE(loop_.run_once());

  EXPECT_EQ(calls_, 1);
  EXPECT_TRUE(last_.writable);
  EXPECT_FALSE(last_.readable);
}

// hazard: RE16
TEST_F(WatchTest, tells_that_the_other_end_has_gone_whatever_was_asked_for) {
  Pair reader_gone = pipe_pair();
  Pair writer_gone = pipe_pair();
  const Watch writing = watch(reader_gone.far, {});
  reader_gone.near.reset();
  ASSERT_TRUE(loop_.run_once());
  EXPECT_EQ(calls_, 1);
  EXPECT_TRUE(last_.closed);

  const Watch reading = watch(writer_gone.near, {.readable = true});
  last_ = {};
  ASSERT_TRUE(sys::write(writer_gone.far.number(), as_bytes("x")));
  writer_gone.far.reset();
  ASSERT_TRUE(loop_.run_once());

  EXPECT_TRUE(last_.closed);
}

TEST_F(WatchTest, follows_a_change_of_interest) {
  const Pair pair = unix_pair();
  Watch watching = watch(pair.near, {.readable = true});
  ASSERT_TRUE(loop_.poll());
  EXPECT_EQ(calls_, 0);

  ASSERT_TRUE(watching.set_interest({.writable = true}));
  ASSERT_TRUE(loop_.poll());
  EXPECT_EQ(calls_, 1);
  EXPECT_TRUE(last_.writable);
  ASSERT_TRUE(watching.set_interest({}));
  ASSERT_TRUE(loop_.poll());

  EXPECT_EQ(calls_, 1);
}

TEST_F(WatchTest, changes_its_interest_in_its_own_callback) {
  const Pair pair = unix_pair();
  std::optional<Watch> watching;
  int calls = 0;
  watching.emplace(*Watch::start(loop_, pair.near.number(), {.writable = true}, [&](Readiness) {
    ++calls;
    EXPECT_TRUE(watching->set_interest({.readable = true}));
  }));

  for (int i = 0; i < 3; ++i) ASSERT_TRUE(loop_.poll());
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(write_some(pair.far, "x"), 1U);
  ASSERT_TRUE(loop_.poll());

  EXPECT_EQ(calls, 2);
}

// hazard: E18
TEST_F(WatchTest, of_a_regular_file_is_refused_as_the_system_refuses_it) {
  const std::string path = "/tmp/weir-watch-test-" + std::to_string(::getpid());
  const sys::Descriptor file(sys::open_file(path.c_str(), O_CREAT | O_RDWR, 0600).number());
  ASSERT_TRUE(sys::unlink(path.c_str()));

  const auto refused = Watch::start(loop_, file.number(), {.readable = true}, [](Readiness) {});

  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), std::errc::operation_not_permitted);
  EXPECT_EQ(*loop_.poll(), RunEnd::empty);
}

TEST_F(WatchTest, of_what_is_a_streams_or_no_descriptor_is_refused) {
  Pair pair = unix_pair();
  const int number = pair.near.number();
  const auto stream = ByteProbe::reading(loop_, std::move(pair.near));

  const auto of_stream = Watch::start(loop_, number, {.readable = true}, [](Readiness) {});
  const auto none = Watch::start(loop_, 999'999, {.readable = true}, [](Readiness) {});

  ASSERT_FALSE(of_stream);
  EXPECT_EQ(of_stream.error(), std::errc::file_exists);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error(), std::errc::bad_file_descriptor);
}

TEST_F(WatchTest, keeps_the_loop_from_being_empty_until_it_is_destroyed_and_never_closes_the_descriptor) {
  const Pair pair = unix_pair();
  {
    const Watch watching = watch(pair.near, {.readable = true});
    EXPECT_EQ(*loop_.poll(), RunEnd::turn);
  }

  EXPECT_EQ(*loop_.poll(), RunEnd::empty);
  EXPECT_EQ(write_some(pair.near, "x"), 1U);
}

TEST_F(WatchTest, moves_and_takes_its_place_over) {
  const Pair first = unix_pair();
  const Pair second = unix_pair();
  Watch watching = watch(first.near, {.writable = true});
  Watch other = watch(second.near, {.writable = true});

  watching = std::move(other);
  ASSERT_TRUE(loop_.poll());

  EXPECT_EQ(calls_, 1);
}

// hazard: E10
TEST_F(WatchTest, destroyed_in_its_own_callback_tells_no_more_and_keeps_its_captures_till_the_end) {
  const Pair pair = unix_pair();
  std::optional<Watch> watching;
  std::string seen;
  watching.emplace(*Watch::start(loop_, pair.near.number(), {.writable = true},
                                 [&, name = std::make_unique<std::string>("captured")](Readiness) {
                                   watching.reset();
                                   seen += *name;
                                 }));

  ASSERT_EQ(*loop_.run(), RunEnd::empty);

  EXPECT_EQ(seen, "captured");
}

// hazard: E10, E1
TEST_F(WatchTest, destroyed_in_a_siblings_callback_of_the_same_batch_is_not_told) {
  const Pair first = unix_pair();
  const Pair second = unix_pair();
  std::optional<Watch> a, b;
  int calls = 0;
  a.emplace(*Watch::start(loop_, first.near.number(), {.writable = true}, [&](Readiness) {
    ++calls;
    b.reset();
  }));
  b.emplace(*Watch::start(loop_, second.near.number(), {.writable = true}, [&](Readiness) {
    ++calls;
    a.reset();
  }));

  ASSERT_TRUE(loop_.run_once());

  EXPECT_EQ(calls, 1);
  EXPECT_EQ(loop_.counters().stale_events, 1U);
}

TEST_F(WatchTest, that_throws_leaves_run_and_tells_again_in_the_next) {
  if (!can_throw()) GTEST_SKIP() << "needs exceptions";
  const Pair pair = unix_pair();
  int calls = 0;
  const auto watching = Watch::start(loop_, pair.near.number(), {.writable = true}, [&](Readiness) {
    ++calls;
    throw_something();
  });

  EXPECT_TRUE(throws_something([&] { (void)loop_.run(); }));
  EXPECT_TRUE(throws_something([&] { (void)loop_.run(); }));

  EXPECT_EQ(calls, 2);
}

// The owner closes the descriptor first, against the rules, while a duplicate of it lives on. epoll(7) then goes on
// reporting, and nothing can be unregistered any more: no number stands for that registration.
// hazard: E2
TEST_F(WatchTest, whose_descriptor_was_closed_under_it_does_not_keep_the_loop_spinning) {
  const OnRealKernel real;
  FaultKernel kernel;
  const ScopedKernel installed(kernel);
  EventLoop loop;
  Pair pair = unix_pair();
  const sys::Descriptor duplicate(::fcntl(pair.near.number(), F_DUPFD_CLOEXEC, 0));
  EXPECT_EQ(write_some(pair.far, "x"), 1U);
  {
    const auto watching = Watch::start(loop, pair.near.number(), {.readable = true}, [](Readiness) {});
    ASSERT_TRUE(watching);
    ASSERT_TRUE(loop.poll());
    pair.near.reset();
  }
  const std::uint64_t waits_before = kernel.waits();
  Timer timer(loop, [](Timer&) {});
  timer.start(50ms);

  ASSERT_TRUE(loop.run());

  EXPECT_LE(kernel.waits() - waits_before, 5U);
  EXPECT_LE(loop.counters().stale_events, 1U);
}

TEST_F(WatchTest, is_not_told_after_a_break_of_what_has_passed_meanwhile) {
  const Pair first = unix_pair();
  const Pair second = unix_pair();
  int told = 0;
  const auto stop = [&](Readiness) {
    ++told;
    loop_.break_now();
  };
  auto one = Watch::start(loop_, first.near.number(), {.readable = true}, stop);
  auto other = Watch::start(loop_, second.near.number(), {.readable = true}, stop);
  ASSERT_TRUE(one && other);
  EXPECT_EQ(write_some(first.far, "x"), 1U);
  EXPECT_EQ(write_some(second.far, "x"), 1U);
  EXPECT_EQ(*loop_.run(), RunEnd::stopped);
  ASSERT_EQ(told, 1);

  (void)read_some(first.near);
  (void)read_some(second.near);
  ASSERT_TRUE(loop_.poll());
  ASSERT_TRUE(loop_.poll());

  EXPECT_EQ(told, 1);
}

}  // namespace
}  // namespace weir
