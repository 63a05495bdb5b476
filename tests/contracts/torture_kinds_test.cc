// weir: streams of every kind in which every allocation fails once.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <cstddef>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <utility>

#include "tests/support/careful_kernel.h"
#include "tests/support/stream_kinds.h"
#include "tests/support/test_kernel.h"
#include "weir/buffer/allocation_plan.h"
#include "weir/buffer/pool.h"
#include "weir/loop/event_loop.h"
#include "weir/sim/world.h"
#include "weir/stream/pump.h"
#include "weir/stream/stream.h"

namespace weir {
namespace {

using namespace weir::testing_support;

/// A simulated machine whose kernel has memory of its own.
struct Machine {
  sim::World world;
  CarefulKernel kernel{*sys::installed_kernel};
  sys::ScopedKernel installed{kernel};
  AsTestKernel as_test_kernel;
};

/// One side's stream as the program sees it.
struct Side {
  std::unique_ptr<Stream> stream;
  std::string accepted;
  std::string received;
  bool is_closed = false;
  std::error_code error;

  void watch() {
    stream->on_closed([this](Stream&, std::error_code what) {
      is_closed = true;
      error = what;
    });
  }
};

/// The first one writes, in pieces copied and shared, and ends; the other one answers all of it. With a pump they are each
/// other's peers by two pairs and what couples them.
class Exchange {
 public:
  Exchange(const StreamKind& kind, bool is_pumped) : kind_(kind), is_pumped_(is_pumped) {}

  void open() {
    const StreamOptions slow{.read_marks = {.low = 1000, .high = 5000}};  // so that something waits everywhere
    Ends ends = open_ends(loop, kind_, slow, slow);
    writer.stream = std::move(ends.near);
    if (is_pumped_) {
      Ends others = open_ends(loop, kind_, slow, slow);
      answerer.stream = std::move(others.far);
      inner_ = {std::move(ends.far), std::move(others.near)};
    } else {
      answerer.stream = std::move(ends.far);
    }
    writer.watch();
    answerer.watch();
    writer.accepted.reserve(all.size());
    writer.stream->on_data([this](Stream& stream) { take(stream, writer); });
    answerer.stream->on_data([this](Stream& stream) {
      const std::size_t before = answerer.received.size();
      take(stream, answerer);
      answer(stream, std::string_view(answerer.received).substr(before));
    });
    if (is_pumped_) pump(*inner_.near, *inner_.far, [this](const PumpEnd&) { is_pump_done = true; });
  }

  void begin() {
    for (std::size_t at = 0; at < all.size(); at += 20000) {
      Buffer piece;
      piece.append(all.substr(at, 19000));
      piece.append(std::string_view(all).substr(at + 19000, 1000));
      if (writer.stream->write(std::move(piece)) == Accepted::refused) break;
      writer.accepted.append(all, at, 20000);
      writer.stream->when_sent([this](std::error_code) { ++told; });
    }
    writer.stream->finish_writing();
  }

  void run() {
    for (; turns < 5000 && !(writer.is_closed && answerer.is_closed); ++turns) {
      if (const Result<RunEnd> end = loop.run_once(); end && *end == RunEnd::empty) return;
    }
  }

  const std::string all = pattern(200000);
  EventLoop loop;
  Side writer;
  Side answerer;
  int turns = 0;
  int told = 0;
  bool is_pump_done = false;

 private:
  static void take(Stream& stream, Side& side) {
    const AllocationPause of_the_program;
    side.received += text_of(stream.input().take_all());
  }

  void answer(Stream& stream, std::string_view text) {
    if (stream.write(text) == Accepted::refused) return stream.fail(errc::limit);
    const AllocationPause of_the_program;
    answerer.accepted += text;
  }

  const StreamKind& kind_;
  const bool is_pumped_;
  Ends inner_;
};

class TortureKinds : public testing::TestWithParam<StreamKind> {};

std::size_t play_whole(const StreamKind& kind, bool is_pumped) {
  const Machine machine;
  Exchange exchange(kind, is_pumped);
  exchange.open();
  const AllocationPlan counting(unlimited);
  exchange.begin();
  exchange.run();
  EXPECT_TRUE(exchange.writer.is_closed && exchange.answerer.is_closed);
  EXPECT_TRUE(exchange.answerer.received == exchange.writer.accepted);
  EXPECT_TRUE(exchange.writer.received == exchange.answerer.accepted);
  return counting.count();
}

/// What throws leaves the function of ours or `run`; the program goes on with what it has.
void play_failing(Exchange& exchange, std::size_t k) {
  const AllocationPlan failing(k);
  try {
    exchange.begin();
  } catch (const std::bad_alloc&) {
    exchange.writer.stream->finish_writing();
  }
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
  ASSERT_GT(total, 10U);
  const std::size_t step = 1 + total / 400;  // of thousands alike not every one
  for (std::size_t k = 1; k <= total && !testing::Test::HasFailure(); k += step) {
    SCOPED_TRACE("allocation " + std::to_string(k) + " of " + std::to_string(total));
    Machine machine;
    {
      Exchange exchange(kind, is_pumped);
      exchange.open();
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
