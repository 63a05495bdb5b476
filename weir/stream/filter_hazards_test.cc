// weir: tests of filters that misbehave, hold back, or are in an awkward place.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "tests/support/pipe_support.h"
#include "tests/support/stream_kinds.h"
#include "tests/support/test_world.h"
#include "tests/support/throws.h"
#include "weir/loop/event_loop.h"
#include "weir/loop/watch.h"
#include "weir/stream/stream.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;

using Deed = std::function<Result<Filter::Flow>(Filter::Step&)>;

/// Passes everything on unchanged, by reference.
Result<Filter::Flow> pass_on(Filter::Step& step) {
  step.to.append(step.from.take(std::min(step.from.size(), step.room)));
  return step.from.is_empty() ? Filter::Flow::wants_more : Filter::Flow::has_more;
}

/// Does what a test says.
class TestFilter final : public Filter {
 public:
  TestFilter(Deed decode, Deed encode) : decode_(std::move(decode)), encode_(std::move(encode)) {}

  Result<Flow> decode(Step& step) override { return decode_(step); }
  Result<Flow> encode(Step& step) override { return encode_(step); }

 private:
  const Deed decode_;
  const Deed encode_;
};

/// near, with a filter on top of a socket or of one end of a pair; far, without.
class FilterStreams : public testing::Test {
 protected:
  void open_pair(Deed decode, Deed encode) {
    auto [first, second] = Stream::pair(loop);
    put_filter(std::move(first), std::move(decode), std::move(encode));
    far = std::move(second);
  }
  void open_tcp(Deed decode, Deed encode, const StreamOptions& options = {}) {
    Ends ends = open_ends(loop, kinds::tcp, options, {});
    put_filter(std::move(ends.near), std::move(decode), std::move(encode));
    far = std::move(ends.far);
  }
  void put_filter(std::unique_ptr<Stream> below, Deed decode, Deed encode) {
    near = Stream::filter(std::move(below), std::make_unique<TestFilter>(std::move(decode), std::move(encode)));
    record(*near, near_told);
  }
  bool spin(auto done) { return spin_until(loop, done); }

  EventLoop loop;
  std::unique_ptr<Stream> near;
  std::unique_ptr<Stream> far;
  Record near_told;
  Record far_told;
};

TEST_F(FilterStreams, when_sent_waits_for_what_was_written_before_it_was_first_asked) {
  open_pair(pass_on, pass_on);
  far->pause();
  near->write(pattern(200'000));
  settle(loop);
  ASSERT_TRUE(near->output().is_empty()) << "the stream below has it";
  bool is_sent = false;

  near->when_sent([&](std::error_code) { is_sent = true; });
  settle(loop);
  EXPECT_FALSE(is_sent) << "nobody has taken all of it";
  far->on_data([](Stream& s) { s.input().clear(); });
  far->resume();

  EXPECT_TRUE(spin([&] { return is_sent; }));
}

TEST_F(FilterStreams, flush_now_sends_nothing_while_writing_is_paused) {
  open_pair(pass_on, pass_on);
  record(*far, far_told);

  near->pause_writing();
  near->write("held");
  near->flush_now();
  settle(loop);
  EXPECT_EQ(far_told.data, "");
  near->resume_writing();

  EXPECT_TRUE(spin([&] { return far_told.data == "held"; }));
}

// hazard: S8
TEST_F(FilterStreams, what_a_filter_has_to_give_at_the_end_comes_as_the_peer_takes_it) {
  std::size_t to_come = 64_MiB;
  open_pair(pass_on, [&](Filter::Step& step) -> Result<Filter::Flow> {
    if (step.push != Filter::Push::end) return pass_on(step);
    const std::size_t count = std::min(to_come, step.room);
    step.to.append(std::string(count, 't'));
    to_come -= count;
    return to_come == 0 ? Filter::Flow::wants_more : Filter::Flow::has_more;
  });
  std::size_t came = 0;
  far->on_data([&](Stream& s) {
    came += s.input().size();
    s.input().clear();
  });
  far->pause();

  near->finish_writing();
  settle(loop, 50);
  EXPECT_GE(to_come, 60_MiB) << "the rest must wait in the filter";
  far->resume();

  ASSERT_TRUE(spin([&] { return far->has_peer_ended(); }));
  EXPECT_EQ(came, 64_MiB);
}

TEST_F(FilterStreams, a_finished_stream_is_closed_only_when_what_is_below_has_sent_all) {
  if (!is_simulated()) GTEST_SKIP() << "needs virtual time";
  open_tcp(pass_on, pass_on);
  record(*far, far_told);
  far->finish_writing();
  ASSERT_TRUE(spin([&] { return near->has_peer_ended(); }));
  far->pause();
  near->write(pattern(500'000));
  near->finish();
  loop.stop_after(40s);  // more than lingering lasts, less than a write may take
  ASSERT_TRUE(loop.run());
  EXPECT_EQ(near_told.closed, 0);
  far->resume();

  ASSERT_TRUE(spin([&] { return near_told.closed == 1 && far_told.closed == 1; }));
  EXPECT_TRUE(far_told.data == pattern(500'000));
  EXPECT_FALSE(near_told.error);
  EXPECT_FALSE(far_told.error);
}

TEST_F(FilterStreams, fail_when_sent_pushes_out_what_a_filter_holds_back) {
  auto [first, second] = Stream::pair(loop);
  near = Stream::filter(std::move(first), std::make_unique<FrameFilter>(true));
  record(*near, near_told);
  record(*second, far_told);

  near->write("held");
  settle(loop);
  near->fail_when_sent(errc::canceled);
  ASSERT_TRUE(spin([&] { return far_told.closed == 1; }));

  EXPECT_EQ(far_told.data, "\4held");
  EXPECT_EQ(near_told.error, errc::canceled);
}

// hazard: S7
TEST_F(FilterStreams, data_that_waits_to_be_served_when_a_limit_has_passed_wins) {
  if (!is_simulated()) GTEST_SKIP() << "needs virtual time";
  EventLoop ranked({.quotas = {unlimited, 0}});  // those of class 1 have to wait while one of class 0 is ready
  const Pair pipe = pipe_pair();
  write_to(pipe.far, "x");
  for (const bool is_deadline : {false, true}) {
    near_told = {};
    Connection below = connect(ranked, {.priority = 1}, Transport::tcp);
    put_filter(std::move(below.stream), pass_on, pass_on);
    near->set_time_limits({.read = is_deadline ? TimeLimits::no_limit : 5s});
    if (is_deadline) near->set_deadline(ranked.now() + 5s);
    near->on_data([&](Stream& s) {
      near_told.data += text_of(s.input().take_all());
      s.set_deadline(TimePoint::max());
    });
    settle(ranked);
    const Watch busy = *Watch::start(ranked, pipe.near.number(), {.readable = true}, [](Readiness) {});
    below.peer.send("just in time");
    settle(ranked);
    ASSERT_EQ(near_told.data, "") << "nothing was to be served yet";
    world().run_for(6s);
    settle(ranked);

    EXPECT_EQ(near_told.closed, 0);
    EXPECT_EQ(near_told.data, "just in time");
    near->abort();
  }
  near.reset();
  settle(ranked);
}

// --- filters whose steps do what they should not ---

TEST_F(FilterStreams, a_step_that_throws_leaves_run_and_ends_its_stream) {
  if (!can_throw()) GTEST_SKIP() << "needs exceptions";
  for (const bool in_decode : {false, true}) {
    near_told = far_told = {};
    const Deed throwing = [](Filter::Step& step) -> Result<Filter::Flow> {
      if (step.from.size() < 20) return pass_on(step);
      step.to.append(step.from.take(10));
      (void)step.from.take(10);  // which are lost
      throw_something();
    };
    open_pair(in_decode ? throwing : pass_on, in_decode ? pass_on : throwing);
    record(*far, far_told);

    (in_decode ? far : near)->write(pattern(1000));
    EXPECT_TRUE(throws_something([&] { settle(loop); }));
    EXPECT_FALSE(throws_something([&] { settle(loop); }));

    EXPECT_EQ(near_told.data, in_decode ? pattern(10) : "") << "what came before";
    EXPECT_EQ(far_told.data, "");
    EXPECT_EQ(near_told.error, std::errc::state_not_recoverable);
    EXPECT_TRUE(far_told.error);
  }
}

TEST_F(FilterStreams, a_step_may_abort_or_destroy_its_stream) {
  for (const bool in_decode : {false, true}) {
    for (const bool destroys : {false, true}) {
      near_told = far_told = {};
      const Deed striking = [&](Filter::Step& step) {
        if (destroys) {
          near.reset();
        } else {
          near->abort();
        }
        return pass_on(step);
      };
      open_pair(in_decode ? striking : pass_on, in_decode ? pass_on : striking);
      record(*far, far_told);

      (in_decode ? far : near)->write("x");
      if (in_decode) settle(loop, 1);
      settle(loop);
      far->finish();
      settle(loop);

      EXPECT_EQ(near_told.order, "");
      EXPECT_EQ(far_told.closed, 1);
      near.reset();
    }
  }
}

TEST_F(FilterStreams, a_filter_that_uses_nothing_is_given_what_it_may_need_and_no_more) {
  open_tcp([](Filter::Step&) { return Filter::Flow::wants_more; }, pass_on);
  far->write(pattern(3_MiB));
  ASSERT_TRUE(spin([&] { return near_told.closed == 1; }));

  EXPECT_EQ(near_told.error, errc::limit);
}

TEST_F(FilterStreams, a_filter_that_gives_without_using_anything_lets_others_have_their_turn) {
  const Deed giving = [](Filter::Step& step) -> Result<Filter::Flow> {
    step.to.append(std::string_view("a few bytes, for a turn to end soon"));
    return Filter::Flow::has_more;
  };
  open_pair(giving, giving);
  near->on_data([](Stream& s) { s.input().clear(); });
  far->on_data([](Stream& s) { s.input().clear(); });
  auto [first, second] = Stream::pair(loop);
  bool has_come = false;
  second->on_data([&](Stream&) { has_come = true; });

  far->write("x");
  near->write("x");
  first->write("other");

  EXPECT_TRUE(spin([&] { return has_come; }));
  near->abort();
}

// --- filters over what goes one way only ---

TEST_F(FilterStreams, over_a_pipe_that_is_only_read_takes_no_writes_and_closes_at_its_end) {
  Pair pipe = pipe_pair();
  put_filter(adopted(loop, {.reader = std::move(pipe.near)}), pass_on, pass_on);

  EXPECT_EQ(near->write("x"), Accepted::closed);
  write_to(pipe.far, "read");
  ASSERT_TRUE(spin([&] { return near_told.data == "read"; }));
  pipe.far.reset();
  ASSERT_TRUE(spin([&] { return near_told.closed == 1; }));

  EXPECT_EQ(near_told.order.substr(near_told.order.size() - 2), "ec");
  EXPECT_FALSE(near_told.error);
}

TEST_F(FilterStreams, over_a_pipe_that_is_only_written_hears_of_no_end) {
  Pair pipe = pipe_pair();
  put_filter(
      adopted(loop, {.writer = std::move(pipe.far)}),
      [](Filter::Step&) -> Result<Filter::Flow> { return std::make_error_code(std::errc::bad_message); }, pass_on);
  settle(loop);
  EXPECT_EQ(near_told.order, "");

  near->write("written");
  near->finish();
  ASSERT_TRUE(spin([&] { return near_told.closed == 1; }));

  EXPECT_FALSE(near_told.error);
  EXPECT_EQ(near_told.order, "c");
}

TEST_F(FilterStreams, over_a_stream_that_takes_no_more_takes_none_either) {
  auto [first, second] = Stream::pair(loop);
  second->on_end([](Stream&) {});
  first->finish_writing();
  settle(loop);
  put_filter(std::move(first), pass_on, pass_on);
  record(*second, far_told);

  EXPECT_EQ(near->write("lost"), Accepted::closed);
  second->write("read");
  ASSERT_TRUE(spin([&] { return near_told.data == "read"; }));
}

// --- memory ---

/// Copies into blocks of the loop's pool.
Result<Filter::Flow> copy_into_pool(Filter::Step& step) {
  while (!step.from.is_empty() && step.to.size() < step.room) {
    const std::size_t count = std::min<std::size_t>(step.from.size(), 4000);
    Buffer piece = step.from.take(count);
    const std::string text = text_of(piece);
    if (!step.to.try_append(as_bytes(text))) {
      step.from.prepend(std::move(piece));
      return std::make_error_code(std::errc::not_enough_memory);
    }
  }
  return step.from.is_empty() ? Filter::Flow::wants_more : Filter::Flow::has_more;
}

TEST(FilterMemory, a_filter_that_finds_the_budget_spent_goes_on_when_there_is_some) {
  Pool pool({.limit = 1_MiB});
  {
    EventLoop loop({.pool = &pool});
    auto [first, second] = Stream::pair(loop);
    auto near = Stream::filter(std::move(first), std::make_unique<TestFilter>(copy_into_pool, copy_into_pool));
    auto far = Stream::filter(std::move(second), std::make_unique<TestFilter>(copy_into_pool, copy_into_pool));
    Record told;
    record(*far, told);
    std::optional<Buffer> held(std::in_place, pool);
    while (held->try_append(as_bytes(pattern(10'000)))) {}
    const std::string sent = pattern(3_MiB);
    Buffer all;
    all.append_static(sent);

    near->write(std::move(all));
    near->finish_writing();
    settle(loop, 50);
    EXPECT_EQ(told.closed, 0);
    const std::uint64_t turns = loop.counters().turns;
    loop.stop_after(200ms);
    ASSERT_TRUE(loop.run());
    EXPECT_LE(loop.counters().turns - turns, 60U) << "waiting for memory must not spin";
    held.reset();

    ASSERT_TRUE(spin_until(loop, [&] { return told.count('e') == 1; }));
    EXPECT_TRUE(told.data == sent);
  }
}

}  // namespace
}  // namespace weir
