// weir: tests that descriptors arrive once, in their places, and are closed otherwise, whatever the kernel does to the calls.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/passing_support.h"
#include "tests/support/test_world.h"
#include "weir/loop/event_loop.h"
#include "weir/stream/stream.h"
#include "weir/sys/fault_kernel.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;
using sys::Call;
using sys::FaultPlan;
using Places = std::vector<std::pair<std::size_t, std::uint64_t>>;

/// Whatever the kernel may do to a transfer without anything being wrong.
FaultPlan nasty_but_legal(std::uint64_t seed) {
  const std::initializer_list<Call> all = {Call::send, Call::send_pieces, Call::send_with_descriptors, Call::receive,
                                           Call::receive_with_descriptors};
  std::mt19937_64 random(seed);
  const auto chance = [&] { return static_cast<double>(random() % 40) / 100.0; };
  FaultPlan plan =
      FaultPlan::random(random(), chance(), {.at_most = 1 + random() % (random() % 2 == 0 ? 3 : 300)}, all);
  plan += FaultPlan::random(random(), chance(), {.error = EINTR}, all);
  plan += FaultPlan::random(random(), chance(), {.error = EAGAIN}, all);
  plan += FaultPlan::random(random(), chance() / 4, {.error = ETOOMANYREFS}, {Call::send_with_descriptors});
  return plan;
}

/// Writes pieces of a pattern, some of them with descriptors, whose places it notes.
class Writer {
 public:
  Writer(Stream& to, std::uint64_t seed) : to_(to), random_(seed) {}

  void write_some() {
    const std::size_t count = 1 + random_() % (random_() % 4 == 0 ? 5000 : 20);
    const std::string piece = pattern(count, written.size());
    Descriptors row;
    if (random_() % 3 == 0) row = marked_row(next_mark_, 1 + random_() % 3);
    const std::size_t size = row.size();
    const Accepted answer = to_.write_with_descriptors(piece, std::move(row));
    if (answer != Accepted::yes && answer != Accepted::slow_down) return;
    for (std::size_t i = 0; i < size; ++i) places.emplace_back(written.size(), next_mark_++);
    written += piece;
  }

  std::string written;
  Places places;

 private:
  Stream& to_;
  std::mt19937_64 random_;
  std::uint64_t next_mark_ = 1;
};

TEST(StreamPassing, leaves_each_descriptor_at_its_byte_once_under_300_random_plans) {
  const std::uint64_t seeds = is_simulated() ? 300 : 30;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    sys::FaultKernel kernel(nasty_but_legal(seed));
    const sys::ScopedKernel installed(kernel);
    EventLoop loop;
    Connection connection = connect(loop, {}, Transport::unix_pair, {.send = random() % 2 == 0 ? 1 : 0});
    Writer writer(*connection, seed);
    Arrivals arrivals;
    bool is_finishing = false;

    ASSERT_TRUE(spin_until(loop, [&] {
      if (writer.written.size() < 20'000) writer.write_some();
      if (random() % 8 == 0) connection->flush_now();
      if (writer.written.size() >= 20'000 && !std::exchange(is_finishing, true)) connection->finish_writing();
      arrivals.take(connection.peer, random() % 600);
      return arrivals.has_ended;
    })) << kernel.trace();

    ASSERT_TRUE(arrivals.text == writer.written);
    ASSERT_EQ(arrivals.marks, writer.places);
  }
}

/// Told descriptors may belong to any byte of the receive that follows, so only bounds are known here.
TEST(StreamPassing, from_stream_to_stream_tells_all_in_order_with_the_receive_of_their_byte) {
  const std::uint64_t seeds = is_simulated() ? 300 : 30;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    sys::FaultKernel kernel(nasty_but_legal(seed));
    const sys::ScopedKernel installed(kernel);
    EventLoop loop;
    Pair pair = unix_pair();
    auto near = *Stream::adopt(loop, Socket(std::move(pair.near)));
    auto far = *Stream::adopt(loop, Socket(std::move(pair.far)));
    Writer writer(*near, seed);
    std::string told;
    std::vector<std::uint64_t> waiting;
    std::size_t next = 0;
    bool is_finishing = false;
    bool has_ended = false;
    far->on_descriptors([&](Stream&, const Descriptors& all) {
      for (const std::uint64_t mark : marks_of(all)) waiting.push_back(mark);
    });
    far->on_data([&](Stream& s) {
      const std::size_t before = told.size();
      told += text_of(s.input().take_all());
      for (const std::uint64_t mark : std::exchange(waiting, {})) {
        ASSERT_LT(next, writer.places.size());
        EXPECT_EQ(writer.places[next].second, mark);
        EXPECT_GE(writer.places[next].first, before);
        EXPECT_LT(writer.places[next].first, told.size());
        ++next;
      }
      EXPECT_TRUE(next == writer.places.size() || writer.places[next].first >= told.size());
    });
    far->on_end([&](Stream&) { has_ended = true; });

    ASSERT_TRUE(spin_until(loop, [&] {
      if (writer.written.size() < 20'000) writer.write_some();
      if (writer.written.size() >= 20'000 && !std::exchange(is_finishing, true)) near->finish_writing();
      return has_ended;
    })) << kernel.trace();

    ASSERT_TRUE(told == writer.written);
    ASSERT_EQ(next, writer.places.size());
  }
}

/// A stream with some descriptors that wait behind bytes which its peer does not read, and some that have left.
class StreamPassingEnds : public testing::Test {
 protected:
  void fill() {
    before = count_descriptors();
    connection->write_with_descriptors("first", marked_row(1, 2));
    settle(loop);
    connection->write(pattern(1_MiB));
    connection->write_with_descriptors("second", marked_row(3, 4));
    connection->write_with_descriptors("third", marked_row(7, 4));
    settle(loop);
    EXPECT_EQ(count_descriptors(), before + 8);
  }
  Peer& peer() { return connection.peer; }

  EventLoop loop;
  Connection connection = connect(loop);
  std::size_t before = 0;
  Arrivals arrivals;
};

TEST_F(StreamPassingEnds, abort_closes_what_was_not_sent) {
  fill();

  connection->abort();

  EXPECT_EQ(count_descriptors(), before - 1);
  EXPECT_TRUE(spin_until(loop, [&] { return arrivals.take(peer()), arrivals.has_ended; }));
  EXPECT_EQ(arrivals.marks.size(), 2U);
}

TEST_F(StreamPassingEnds, a_failure_closes_what_was_not_sent) {
  Record record_;
  record(*connection, record_);
  fill();

  peer().close();
  ASSERT_TRUE(spin_until(loop, [&] { return record_.closed == 1; }));

  EXPECT_EQ(count_descriptors(), before - 2);
}

TEST_F(StreamPassingEnds, finish_sends_what_was_written) {
  fill();

  connection->finish();
  ASSERT_TRUE(spin_until(loop, [&] { return arrivals.take(peer()), arrivals.has_ended; }));

  EXPECT_EQ(arrivals.marks.size(), 10U);
  EXPECT_EQ(arrivals.marks.back(), std::pair(5 + 1_MiB + 6, std::uint64_t{10}));
  EXPECT_EQ(count_descriptors(), before);
}

TEST_F(StreamPassingEnds, a_stream_that_is_destroyed_sends_what_was_written_in_the_background) {
  fill();

  connection.stream.reset();
  ASSERT_TRUE(spin_until(loop, [&] { return arrivals.take(peer()), arrivals.has_ended; }));

  EXPECT_EQ(arrivals.marks.size(), 10U);
  peer().close();
  settle(loop);
  EXPECT_EQ(count_descriptors(), before - 2);
}

TEST(StreamPassing, a_loop_that_ends_closes_what_still_lingers) {
  const std::size_t before = count_descriptors();
  Peer peer;
  {
    EventLoop loop;
    Connection connection = connect(loop);
    connection->write(pattern(1_MiB));
    connection->write_with_descriptors("x", marked_row(1, 5));
    settle(loop);
    connection.stream.reset();
    peer = std::move(connection.peer);
  }
  peer.close();

  EXPECT_EQ(count_descriptors(), before);
}

TEST(StreamPassing, closes_descriptors_that_nobody_heard_of_with_the_stream) {
  EventLoop loop;
  Connection connection = connect(loop);
  connection->on_descriptors([](Stream& s, const Descriptors&) { s.pause(); });
  connection->on_data([](Stream&) {});
  EXPECT_EQ(pass(connection.peer, "a", marked(1)), 1U);
  EXPECT_EQ(pass(connection.peer, "b", marked(2)), 1U);
  settle(loop);
  const std::size_t before = count_descriptors();

  connection->abort();

  EXPECT_EQ(count_descriptors(), before - 1);
}

TEST(StreamPassing, waits_when_too_many_are_under_way) {
  sys::FaultKernel kernel(FaultPlan::script(
      {{.calls = {Call::send_with_descriptors}, .from = 1, .to = 3, .fault = {.error = ETOOMANYREFS}}}));
  const sys::ScopedKernel installed(kernel);
  EventLoop loop;
  Connection connection = connect(loop);
  Arrivals arrivals;
  const TimePoint begin = sys::monotonic_now();

  connection->write_with_descriptors("x", marked_row(1, 1));
  ASSERT_TRUE(spin_until(loop, [&] { return arrivals.take(connection.peer), arrivals.text == "x"; }));

  EXPECT_EQ(arrivals.marks, (Places{{0, 1}}));
  EXPECT_EQ(kernel.calls(Call::send_with_descriptors), 4U);
  EXPECT_GE(sys::monotonic_now() - begin, 20ms);
}

TEST(StreamPassing, fails_when_the_process_has_no_numbers_for_what_comes) {
  if (!is_simulated()) GTEST_SKIP() << "needs a limit of its own";
  EventLoop loop;
  Connection connection = connect(loop);
  Record record_;
  record(*connection, record_);
  connection->on_descriptors([](Stream&, const Descriptors&) { ADD_FAILURE(); });
  const Descriptors row = marked_row(1, 3);
  EXPECT_EQ(pass(connection.peer, "a", row[0]), 1U);
  world().local().set_descriptor_limit(count_descriptors());

  ASSERT_TRUE(spin_until(loop, [&] { return record_.closed == 1; }));

  EXPECT_EQ(record_.error, std::errc::too_many_files_open);
  EXPECT_EQ(record_.data, "");
}

TEST(StreamPassing, of_many_writes_that_the_kernel_takes_in_parts_leaves_each_at_its_byte) {
  EventLoop loop;
  Connection connection = connect(loop, {}, Transport::unix_pair, {.send = 1});
  Arrivals arrivals;
  Places expected;
  for (std::uint64_t mark = 1; mark <= 40; ++mark) {
    expected.emplace_back(connection->output().size(), mark);
    connection->write_with_descriptors(pattern(1 + mark * 300, connection->output().size()), marked_row(mark, 1));
  }
  const std::string all = text_of(connection->output());

  ASSERT_TRUE(
      spin_until(loop, [&] { return arrivals.take(connection.peer, 700), arrivals.text.size() == all.size(); }));

  EXPECT_TRUE(arrivals.text == all);
  EXPECT_EQ(arrivals.marks, expected);
}

}  // namespace
}  // namespace weir
