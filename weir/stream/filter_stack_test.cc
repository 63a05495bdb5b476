// weir: tests of filters on top of filters.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "tests/support/stream_kinds.h"
#include "weir/loop/event_loop.h"
#include "weir/stream/filter.h"
#include "weir/stream/stream.h"

namespace weir {
namespace {

using namespace weir::testing_support;

/// Passes everything on; tells of each step.
class PassingFilter : public Filter {
 public:
  explicit PassingFilter(std::function<void()> before_step = [] {}) : before_step_(std::move(before_step)) {}

  Result<Flow> decode(Step& step) override { return pass(step); }
  Result<Flow> encode(Step& step) override { return pass(step); }

 protected:
  void tell_of_step() { before_step_(); }

 private:
  Result<Flow> pass(Step& step) {
    tell_of_step();
    step.to.append(step.from.take(std::min(step.from.size(), step.room)));
    return step.from.is_empty() ? Flow::wants_more : Flow::has_more;
  }

  const std::function<void()> before_step_;
};

/// Sends whole blocks; what is no whole one stays where it is until it must go, and is filled up then.
class BlockFilter final : public PassingFilter {
 public:
  using PassingFilter::PassingFilter;

  Result<Flow> encode(Step& step) override {
    tell_of_step();
    while (step.to.size() < step.room) {
      const std::size_t count = std::min(block, step.from.size());
      if (count == 0 || (count < block && step.push == Push::some)) return Flow::wants_more;
      step.to.append(step.from.take(count));
      step.to.append(std::string(block - count, '.'));
    }
    return Flow::has_more;
  }

 private:
  static constexpr std::size_t block = 16;
};

/// Gives nothing before the end, and then all it was given.
class LateFilter final : public PassingFilter {
 public:
  Result<Flow> encode(Step& step) override {
    return step.push == Push::end ? PassingFilter::encode(step) : Flow::wants_more;
  }
};

/// Lets go of what it was given.
class CopyingFilter final : public PassingFilter {
 public:
  Result<Flow> encode(Step& step) override {
    step.to.append(text_of(step.from));
    step.from.clear();
    return Flow::wants_more;
  }
};

/// Uses nothing.
class StubbornFilter final : public PassingFilter {
 public:
  Result<Flow> encode(Step&) override { return Flow::wants_more; }
};

/// near: filters over one end of a kind of stream; far: the other end.
class FilterStacks : public EveryKind {
 protected:
  template <class F, class... Args>
  void put_filter(Args&&... args) {
    ends.near = Stream::filter(std::move(ends.near), std::make_unique<F>(std::forward<Args>(args)...),
                               StreamOptions{.linger = std::chrono::milliseconds(300)});
  }
  void listen() {
    far().on_data([this](Stream& s) { received += text_of(s.input().take_all()); });
    far().on_end([this](Stream& s) {
      has_ended = true;
      s.finish();
    });
  }

  std::string received;
  bool has_ended = false;
};

struct Way {
  const char* name;
  void (*go)(std::unique_ptr<Stream>& stream);
  bool ends;
};

constexpr Way ways[] = {
    {"flush_now", [](std::unique_ptr<Stream>& s) { s->flush_now(); }, false},
    {"when_sent", [](std::unique_ptr<Stream>& s) { s->when_sent([](std::error_code) {}); }, false},
    {"finish", [](std::unique_ptr<Stream>& s) { s->finish(); }, true},
    {"finish_writing", [](std::unique_ptr<Stream>& s) { s->finish_writing(); }, true},
    {"destruction", [](std::unique_ptr<Stream>& s) { s.reset(); }, true},
};

TEST_P(FilterStacks, send_what_a_filter_anywhere_has_left_where_it_was) {
  for (const Way& way : ways) {
    for (const int above : {0, 1, 3}) {
      SCOPED_TRACE(std::string(way.name) + " with " + std::to_string(above) + " above");
      open();
      received.clear();
      has_ended = false;
      put_filter<BlockFilter>();
      for (int i = 0; i < above; ++i) put_filter<PassingFilter>();
      listen();
      near().write("twenty bytes of text");

      way.go(ends.near);
      EXPECT_TRUE(spin_until(loop, [&] { return received.size() >= 32; })) << received;
      EXPECT_TRUE(!way.ends || spin_until(loop, [&] { return has_ended; }));

      EXPECT_EQ(received, "twenty bytes of text............");
      ends = {};
      settle(loop);
    }
  }
}

TEST_P(FilterStacks, end_though_one_below_gives_nothing_before_the_end) {
  for (const Way& way : ways) {
    if (!way.ends) continue;
    SCOPED_TRACE(way.name);
    open();
    received.clear();
    has_ended = false;
    put_filter<LateFilter>();
    put_filter<PassingFilter>();
    put_filter<PassingFilter>();
    listen();
    near().write("twenty bytes of text");

    way.go(ends.near);
    EXPECT_TRUE(spin_until(loop, [&] { return has_ended; }));

    EXPECT_EQ(received, "twenty bytes of text");
    ends = {};
    settle(loop);
  }
}

TEST_P(FilterStacks, close_and_tell_what_was_sent_though_the_peer_says_nothing_more) {
  for (const bool finishes : {false, true}) {
    for (const int above : {0, 1, 2}) {
      SCOPED_TRACE(std::string(finishes ? "finish" : "finish_writing") + " with " + std::to_string(above) + " above");
      open();
      put_filter<PassingFilter>();
      for (int i = 0; i < above; ++i) put_filter<PassingFilter>();
      far().on_data([](Stream& s) { s.input().clear(); });
      far().on_end([](Stream&) {});
      bool is_sent = false;
      bool is_closed = false;
      near().on_closed([&](Stream&, std::error_code) { is_closed = true; });

      near().write("x");
      near().when_sent([&](std::error_code error) { is_sent = !error; });
      if (finishes) {
        near().finish();
        EXPECT_TRUE(spin_until(loop, [&] { return is_closed; })) << "linger is 300 ms";
      } else {
        near().finish_writing();
        EXPECT_TRUE(spin_until(loop, [&] { return is_sent; }));
      }

      EXPECT_TRUE(is_sent);
      ends = {};
      settle(loop);
    }
  }
}

TEST_P(FilterStacks, count_right_when_what_they_let_go_of_writes_more) {
  open();
  put_filter<CopyingFilter>();
  far().on_data([this](Stream& s) { received += text_of(s.input().take_all()); });
  const std::string first = pattern(1000);
  bool is_sent = false;
  Buffer foreign;
  foreign.append_foreign(as_bytes(first), [&] {
    near().write(pattern(5000));
    near().when_sent([&](std::error_code) { is_sent = true; });
  });

  near().write(std::move(foreign));
  EXPECT_TRUE(spin_until(loop, [&] { return is_sent; }));
  EXPECT_TRUE(spin_until(loop, [&] { return received.size() == 6000; }));

  EXPECT_TRUE(received == first + pattern(5000));
  near().abort();
}

TEST_P(FilterStacks, over_a_stream_that_was_aborted_close_soon) {
  open();
  near().abort();
  put_filter<PassingFilter>();
  bool is_closed = false;
  near().on_closed([&](Stream&, std::error_code error) { is_closed = static_cast<bool>(error); });
  EXPECT_TRUE(spin_until(loop, [&] { return is_closed; }));
}

TEST_P(FilterStacks, that_leave_bytes_whatever_is_asked_let_the_loop_sleep) {
  open();
  put_filter<StubbornFilter>();
  near().write("x");
  near().when_sent([](std::error_code) {});
  settle(loop);
  const std::uint64_t turns = loop.counters().turns;

  loop.stop_after(std::chrono::milliseconds(100));
  (void)loop.run();

  EXPECT_LE(loop.counters().turns - turns, 20U);
  near().abort();
}

TEST_P(FilterStacks, tell_when_all_that_a_filter_has_left_is_sent) {
  open();
  put_filter<BlockFilter>();
  put_filter<PassingFilter>();
  listen();
  bool is_sent = false;
  std::error_code error;

  near().write("twenty bytes of text");
  near().when_sent([&](std::error_code) { is_sent = true; });
  EXPECT_TRUE(spin_until(loop, [&] { return is_sent; }));
  near().write("more");
  near().on_closed([&](Stream&, std::error_code what) { error = what; });
  near().fail_when_sent(errc::limit);
  EXPECT_TRUE(spin_until(loop, [&] { return !near().is_open(); }));

  EXPECT_EQ(error, errc::limit);
  settle(loop);
  EXPECT_EQ(received.substr(0, 32), "twenty bytes of text............");
}

TEST_P(FilterStacks, take_a_few_steps_for_each_filter_however_many_there_are) {
  for (const Way& way : ways) {
    SCOPED_TRACE(way.name);
    open();
    received.clear();
    int steps = 0;
    constexpr int depth = 16;
    for (int i = 0; i < depth; ++i) put_filter<PassingFilter>([&] { ++steps; });
    listen();
    settle(loop);
    steps = 0;

    near().write("x");
    way.go(ends.near);
    EXPECT_TRUE(spin_until(loop, [&] { return received == "x"; }));
    settle(loop);

    EXPECT_LE(steps, 40 * depth);
    ends = {};
    settle(loop);
  }
}

TEST_P(FilterStacks, may_be_aborted_failed_or_destroyed_in_any_step) {
  struct Act {
    const char* name;
    void (*go)(std::unique_ptr<Stream>& stream);
  };
  constexpr Act acts[] = {{"abort", [](std::unique_ptr<Stream>& s) { s->abort(); }},
                          {"fail", [](std::unique_ptr<Stream>& s) { s->fail(errc::limit); }},
                          {"destroy", [](std::unique_ptr<Stream>& s) { s.reset(); }}};
  for (const Act& act : acts) {
    for (const Way& way : ways) {
      for (int at = 1; at <= 12; ++at) {
        SCOPED_TRACE(std::string(act.name) + " in step " + std::to_string(at) + " after " + way.name);
        open();
        int step = 0;
        const auto strike = [&] {
          if (++step == at && ends.near != nullptr) act.go(ends.near);
        };
        put_filter<PassingFilter>(strike);
        put_filter<BlockFilter>(strike);
        put_filter<PassingFilter>(strike);
        listen();
        near().write("twenty bytes of text");
        if (ends.near != nullptr) way.go(ends.near);
        settle(loop);
        if (ends.near != nullptr) ends.near->finish();
        settle(loop);
        ends = {};
        EXPECT_TRUE(spin_until(loop, [&] { return loop.snapshot().objects.size() == 1; })) << "but for the timer";
      }
    }
  }
}

WEIR_EVERY_KIND(FilterStacks);

}  // namespace
}  // namespace weir
