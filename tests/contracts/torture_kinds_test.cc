// weir: streams of every kind in which every allocation fails once.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <utility>

#include "tests/support/careful_machine.h"
#include "tests/support/stream_kinds.h"
#include "weir/buffer/allocation_plan.h"
#include "weir/buffer/pool.h"
#include "weir/loop/event_loop.h"
#include "weir/loop/timer.h"
#include "weir/stream/pump.h"
#include "weir/stream/stream.h"

namespace weir {
namespace {

using namespace std::chrono_literals;
using namespace weir::testing_support;

/// One side's stream as the program sees it.
struct Side {
  std::unique_ptr<Stream> stream;
  std::string accepted;
  std::string received;
  bool is_closed = false;
  std::error_code error;
};

/// The first one writes, a piece in every turn, and ends; the other one answers all of it. Both take what has come only in
/// some of the turns: in the others it piles up everywhere. With a pump they are each other's peers by two pairs, and what
/// couples them.
class Exchange {
 public:
  Exchange(const StreamKind& kind, bool is_pumped) {
    const StreamOptions small{.read_marks = {.low = 5000, .high = 10000}};
    Ends ends = open_ends(loop, kind, small, small);
    writer.stream = std::move(ends.near);
    if (is_pumped) {
      Ends others = open_ends(loop, kind, small, small);
      inner_ = {std::move(ends.far), std::move(others.near)};
      ends.far = std::move(others.far);
      pump(*inner_.near, *inner_.far);
    }
    answerer.stream = std::move(ends.far);
    for (Side* side : {&writer, &answerer}) {
      side->accepted.reserve(all.size());
      side->received.reserve(all.size());
      side->stream->on_end([](Stream&) {});
      side->stream->on_closed([side](Stream&, std::error_code error) {
        side->is_closed = true;
        side->error = error;
      });
    }
    tick_.start_every(1ms);
  }

  void run() {
    for (; turns < 5000 && !(writer.is_closed && answerer.is_closed); ++turns) {
      if (next_ < all.size()) {
        send(writer, std::string_view(all).substr(next_, 5000));
        next_ += 5000;
      } else {
        writer.stream->finish_writing();
      }
      if (turns / 16 % 2 == 1) {
        const std::size_t before = answerer.received.size();
        take(answerer);
        send(answerer, std::string_view(answerer.received).substr(before));
        take(writer);
        if (answerer.stream->has_peer_ended() && answerer.stream->input().is_empty()) answerer.stream->finish_writing();
      }
      (void)loop.run_once();
    }
    take(answerer);
    take(writer);
  }

  const std::string all = pattern(300000);
  EventLoop loop;
  Side writer;
  Side answerer;
  int turns = 0;

 private:
  static void take(Side& side) {
    const AllocationPause of_the_program;
    side.received += text_of(side.stream->input().take_all());
  }

  static void send(Side& side, std::string_view text) {
    Buffer piece;
    if (!text.empty()) piece.append_foreign(as_bytes(text), [] {});
    if (side.stream->write(std::move(piece)) <= Accepted::slow_down) side.accepted += text;
  }

  Ends inner_;
  Timer tick_{loop, [](Timer&) {}};
  std::size_t next_ = 0;
};

/// With sanitizers there are far more allocations: threads keep no spare memory for parts of buffers.
class TortureKinds : public testing::TestWithParam<StreamKind> {};

std::size_t play_whole(const StreamKind& kind, bool is_pumped) {
  const Machine machine;
  Exchange exchange(kind, is_pumped);
  const AllocationPlan counting(unlimited);
  exchange.run();
  EXPECT_TRUE(exchange.writer.is_closed && exchange.answerer.is_closed);
  EXPECT_TRUE(exchange.answerer.received == exchange.writer.accepted);
  EXPECT_TRUE(exchange.writer.received == exchange.answerer.accepted);
  return counting.count();
}

/// What throws leaves the function of ours or `run`; the program goes on with what it has.
void play_failing(Exchange& exchange, std::size_t k) {
  const AllocationPlan failing(k);
  for (int attempt = 0; attempt < 5; ++attempt) {
    try {
      return exchange.run();
    } catch (const std::bad_alloc&) {}
  }
}

void expect_sound(const Exchange& exchange) {
  const Side& writer = exchange.writer;
  const Side& answerer = exchange.answerer;
  EXPECT_TRUE(writer.is_closed && answerer.is_closed) << exchange.turns << " turns";
  EXPECT_TRUE(writer.accepted.starts_with(answerer.received));
  EXPECT_TRUE(answerer.accepted.starts_with(writer.received));
  if (writer.error || answerer.error) return;
  EXPECT_EQ(answerer.received.size(), writer.accepted.size());
  EXPECT_EQ(writer.received.size(), answerer.accepted.size());
}

void torture(const StreamKind& kind, bool is_pumped) {
  const std::size_t total = play_whole(kind, is_pumped);
  const std::size_t step = 1 + total / 300;  // of thousands alike not every one
  for (std::size_t k = 1; k <= total && !testing::Test::HasFailure(); k += step) {
    SCOPED_TRACE("allocation " + std::to_string(k) + " of " + std::to_string(total));
    Machine machine;
    {
      Exchange exchange(kind, is_pumped);
      play_failing(exchange, k);
      expect_sound(exchange);
    }
    ASSERT_EQ(machine.world.local().open_descriptors(), 0U) << machine.world.trace();
    ASSERT_EQ(Pool::default_pool().stats().blocks, 0U);
  }
}

TEST_P(TortureKinds, every_allocation_that_fails_loses_nothing_in_silence) { torture(GetParam(), false); }

TEST_P(TortureKinds, every_allocation_that_fails_in_a_pump_loses_nothing_in_silence) { torture(GetParam(), true); }

WEIR_EVERY_KIND(TortureKinds);

}  // namespace
}  // namespace weir
