// weir: tests of streams with a filter: what is held back, when it is sent, memory that is short.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "tests/support/stream_kinds.h"
#include "tests/support/stream_support.h"
#include "weir/stream/filter.h"
#include "weir/stream/stream.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;

/// Takes all it is given and holds it until it is pushed, which fails for want of memory as often as it is told to.
class GreedyFilter final : public Filter {
 public:
  struct Plan {
    bool holds_back = true;
    int failures = 0;
  };
  explicit GreedyFilter(Plan plan) : plan_(plan) {}

  Result<Flow> decode(Step& step) override {
    step.to.append(step.from.take(std::min(step.from.size(), step.room)));
    return step.from.is_empty() ? Flow::wants_more : Flow::has_more;
  }
  Result<Flow> encode(Step& step) override {
    held_.append(step.from.take_all());
    if (plan_.holds_back && step.push == Push::some) return Flow::wants_more;
    if (held_.is_empty()) return Flow::wants_more;
    if (plan_.failures > 0) {
      --plan_.failures;
      return std::make_error_code(std::errc::not_enough_memory);
    }
    step.to.append(held_.take(std::min(held_.size(), step.room)));
    return held_.is_empty() ? Flow::wants_more : Flow::has_more;
  }

 private:
  Plan plan_;
  Buffer held_;
};

class FilterStream : public testing::Test {
 protected:
  /// `near` is a filter on a socket with small buffers; its peer is not weir.
  void open(GreedyFilter::Plan plan) {
    connection = connect(loop, {}, Transport::tcp, {.send = 4096}, {.receive = 4096});
    connection.stream = Stream::filter(std::move(connection.stream), std::make_unique<GreedyFilter>(plan));
  }
  /// What the peer gets when it reads as long as anything comes.
  const std::string& all_received() {
    for (std::size_t before = ~std::size_t{0}; before != connection.peer.received.size();) {
      before = connection.peer.received.size();
      for (int i = 0; i < 20; ++i) {
        settle(loop);
        connection.peer.receive();
      }
    }
    return connection.peer.received;
  }

  EventLoop loop;
  Connection connection;
};

TEST_F(FilterStream, a_flush_is_not_forgotten_while_the_stream_below_is_full) {
  StreamPair pair = Stream::pair(loop);
  auto near = Stream::filter(std::move(pair.first), std::make_unique<FrameFilter>(true));
  auto far = Stream::filter(std::move(pair.second), std::make_unique<FrameFilter>());
  Record told;
  record(*far, told);
  far->pause();
  const std::string text = pattern(1'000'001);

  near->write(text);
  settle(loop, 20);
  ASSERT_FALSE(near->output().is_empty());
  near->flush_now();
  far->resume();
  ASSERT_TRUE(spin_until(loop, [&] { return told.data.size() >= 1'000'000; }));
  settle(loop);

  EXPECT_TRUE(told.data == text) << told.data.size();
}

TEST_F(FilterStream, what_could_not_come_out_for_want_of_memory_comes_later_though_nothing_more_is_written) {
  open({.holds_back = false, .failures = 3});

  connection->write("owed");

  EXPECT_TRUE(spin_until(loop, [&] { return all_received() == "owed"; }));
}

TEST_F(FilterStream, a_flush_that_finds_no_memory_is_tried_again) {
  open({.failures = 3});

  connection->write("owed");
  settle(loop);
  connection->flush_now();

  EXPECT_TRUE(spin_until(loop, [&] { return all_received() == "owed"; }));
}

TEST_F(FilterStream, writing_that_is_paused_is_not_sent_by_a_flush_but_after_it) {
  open({});

  connection->pause_writing();
  connection->write("held");
  connection->flush_now();
  EXPECT_EQ(all_received(), "");
  connection->resume_writing();

  EXPECT_EQ(all_received(), "held");
}

TEST_F(FilterStream, when_sent_waits_for_what_the_filter_still_holds) {
  open({.holds_back = false});
  const std::string text = pattern(3_MiB);
  bool is_sent = false;

  connection->write(text);
  connection->when_sent([&](std::error_code) { is_sent = true; });
  ASSERT_TRUE(spin_until(loop, [&] {
    if (!is_sent) connection.peer.receive(20'000);
    return is_sent;
  }));
  connection.peer.receive();  // what the kernel has

  EXPECT_EQ(connection.peer.received.size(), text.size());
}

TEST_F(FilterStream, when_sent_that_is_asked_late_waits_too) {
  open({});
  int sent = 0;

  connection->write("held");
  settle(loop);
  connection->when_sent([&](std::error_code error) { sent += error ? 100 : 1; });

  EXPECT_EQ(all_received(), "held");
  EXPECT_EQ(sent, 1);
}

TEST_F(FilterStream, when_sent_that_is_asked_late_waits_for_the_stream_below) {
  open({.holds_back = false});
  const std::string text = pattern(2_MiB);
  bool is_sent = false;

  connection->write(text);
  settle(loop);
  connection->when_sent([&](std::error_code) { is_sent = true; });
  settle(loop);
  EXPECT_FALSE(is_sent);

  EXPECT_TRUE(all_received() == text);
  EXPECT_TRUE(is_sent);
}

}  // namespace
}  // namespace weir
