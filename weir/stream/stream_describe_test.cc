// weir: tests of what the loop's snapshot and counters tell of streams and listeners.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>

#include "tests/support/stream_support.h"
#include "tests/support/test_world.h"
#include "weir/loop/event_loop.h"
#include "weir/net/listener.h"
#include "weir/stream/stream.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;

/// The only object of that kind; nothing when there is another number of them.
std::optional<ObjectState> only(const EventLoop& loop, ObjectKind kind) {
  std::optional<ObjectState> found;
  for (ObjectState& object : loop.snapshot().objects) {
    if (object.kind != kind) continue;
    if (found) return std::nullopt;
    found = std::move(object);
  }
  return found;
}

class StreamDescribed : public SimulatedTest {
 protected:
  ObjectState state() { return only(loop, ObjectKind::stream).value_or(ObjectState{}); }

  EventLoop loop;
};

TEST_F(StreamDescribed, open_with_what_waits_in_both_buffers) {
  Connection connection = connect(loop, {.priority = 3}, Transport::unix_pair, {.send = 4096});
  connection->set_name("upstream");
  connection->on_data([](Stream&) {});
  connection.peer.send("hello");
  ASSERT_TRUE(spin_until(loop, [&] { return connection->input().size() == 5; }));
  connection->write(pattern(100'000));
  settle(loop);

  EXPECT_EQ(state().name, "upstream");
  EXPECT_EQ(state().phase, "open");
  EXPECT_GE(state().descriptor, 0);
  EXPECT_EQ(state().priority, 3);
  EXPECT_EQ(state().input_bytes, 5U);
  EXPECT_EQ(state().output_bytes, connection->output().size());
  EXPECT_GT(state().output_bytes, 0U);
  EXPECT_EQ(state().suspended, ReadingSuspended{});
  EXPECT_LE(state().deadline - world().now(), 60s) << "the peer takes nothing";
}

TEST_F(StreamDescribed, by_the_name_that_came_with_its_options) {
  const Connection connection = connect(loop, {.name = "upstream"});

  EXPECT_EQ(state().name, "upstream");
}

TEST_F(StreamDescribed, with_its_connector_which_has_its_name_or_one_of_its_own) {
  const Address nobody = world().local().address(7);  // closed: the answer comes in a turn
  auto plain = Stream::connect(loop, nobody, {.stream = StreamOptions{.name = "upstream"}});
  ASSERT_TRUE(plain);
  EXPECT_EQ(only(loop, ObjectKind::connector)->name, "upstream");
  plain->reset();
  ASSERT_TRUE(loop.run());

  auto named =
      Stream::connect(loop, nobody, {.connect = {.name = "dialing"}, .stream = StreamOptions{.name = "upstream"}});
  ASSERT_TRUE(named);
  EXPECT_EQ(only(loop, ObjectKind::connector)->name, "dialing");
}

TEST_F(StreamDescribed, every_reason_not_to_read) {
  Connection connection = connect(loop, {.read_marks = {.low = 4, .high = 8}, .write_marks = {.low = 10, .high = 20}},
                                  Transport::unix_pair, {.send = 4096});
  connection->pause();
  EXPECT_EQ(state().suspended, ReadingSuspended{.by_user = true});

  connection->resume();
  connection->write(pattern(100'000));
  EXPECT_EQ(state().suspended, ReadingSuspended{.output_full = true});

  ASSERT_TRUE(spin_until(loop, [&] {
    connection.peer.receive();
    return connection->output().is_empty();
  }));
  connection.peer.send("0123456789");
  ASSERT_TRUE(spin_until(loop, [&] { return connection->input().size() == 10; }));
  EXPECT_EQ(state().suspended, ReadingSuspended{.input_full = true});
}

/// Keeps all it is given until the end.
class KeepingFilter final : public Filter {
 public:
  Result<Flow> decode(Step&) override { return Flow::wants_more; }
  Result<Flow> encode(Step&) override { return Flow::wants_more; }
};

TEST_F(StreamDescribed, every_reason_not_to_write) {
  Connection connection = connect(loop);
  connection->pause_writing();
  EXPECT_EQ(state().writing_suspended, WritingSuspended{.by_user = true});
  connection->resume_writing();
  EXPECT_EQ(state().writing_suspended, WritingSuspended{});

  connection->set_rate_limits({.write = {.bytes_per_second = 1000}});
  connection->write(pattern(100'000));
  settle(loop);
  EXPECT_EQ(state().writing_suspended, WritingSuspended{.rate = true});
  connection->abort();
  connection.stream.reset();
  settle(loop);

  Connection other = connect(loop);
  other.stream = Stream::filter(std::move(other.stream), std::make_unique<KeepingFilter>());
  other->set_name("top");
  other->write("kept");
  settle(loop);
  for (const ObjectState& object : loop.snapshot().objects) {
    if (object.name == "top") {
      EXPECT_EQ(object.writing_suspended, WritingSuspended{.held = true});
    }
  }
  other->abort();
}

TEST_F(StreamDescribed, stalled_when_its_handler_leaves_the_input_full) {
  Connection connection = connect(loop, {.read_marks = {.low = 4, .high = 8}});
  connection->on_data([](Stream&) {});
  connection.peer.send("0123456");
  ASSERT_TRUE(spin_until(loop, [&] { return connection->input().size() == 7; }));
  EXPECT_FALSE(state().is_stalled);

  connection.peer.send("789");
  ASSERT_TRUE(spin_until(loop, [&] { return connection->input().size() == 10; }));
  EXPECT_TRUE(state().is_stalled);
  connection->pause();
  EXPECT_FALSE(state().is_stalled) << "it waits for `resume`";
  connection->resume();

  connection->input().clear();

  EXPECT_FALSE(state().is_stalled);
}

TEST_F(StreamDescribed, age_and_idleness) {
  world().run_for(2s);
  Connection connection = connect(loop);
  connection->on_data([](Stream& s) { s.input().clear(); });
  world().run_for(5s);
  connection.peer.send("x");
  ASSERT_TRUE(loop.run_once());
  world().run_for(1s);

  EXPECT_EQ(state().age, 6s);
  EXPECT_EQ(state().idle, 1s);
}

TEST_F(StreamDescribed, each_phase_of_its_end) {
  Connection connection = connect(loop, {}, Transport::unix_pair, {.send = 4096});
  connection->on_end([](Stream&) {});
  connection->write(pattern(100'000));
  connection->finish_writing();
  settle(loop);
  EXPECT_EQ(state().phase, "finishing");

  ASSERT_TRUE(spin_until(loop, [&] {
    connection.peer.receive();
    return connection.peer.has_ended;
  }));
  EXPECT_EQ(state().phase, "ended");

  connection.peer.finish();
  ASSERT_TRUE(spin_until(loop, [&] { return !connection->is_open(); }));
  EXPECT_EQ(state().phase, "closed");
  EXPECT_EQ(state().descriptor, -1);
  EXPECT_EQ(state().deadline, TimePoint::max());
}

TEST_F(StreamDescribed, one_without_a_handle_lingers) {
  Connection connection = connect(loop, {}, Transport::unix_pair, {.send = 4096});
  connection->set_name("orphan");
  connection->write(pattern(100'000));
  connection.stream.reset();
  settle(loop);

  EXPECT_EQ(state().phase, "lingering");
  EXPECT_EQ(state().name, "orphan");
  EXPECT_LE(state().deadline - world().now(), 10s);
}

TEST_F(StreamDescribed, connecting_with_its_connector) {
  auto stream = Stream::connect(loop, "203.0.113.1:7");
  ASSERT_TRUE(stream);

  EXPECT_EQ(state().phase, "connecting");
  EXPECT_TRUE(state().suspended.connecting);
  EXPECT_TRUE(only(loop, ObjectKind::connector));
}

TEST_F(StreamDescribed, bytes_and_calls_are_counted) {
  Connection connection = connect(loop);
  connection->on_data([](Stream& s) { s.write(s.input().take_all()); });
  connection.peer.send("hello");
  ASSERT_TRUE(loop.run_once());

  const LoopCounters counters = loop.counters();

  EXPECT_EQ(counters.receives, 1U);
  EXPECT_EQ(counters.received_bytes, 5U);
  EXPECT_EQ(counters.sends, 1U);
  EXPECT_EQ(counters.sent_bytes, 5U);
  EXPECT_EQ(counters.callbacks, 1U) << "an echo is one piece of work";
}

TEST_F(StreamDescribed, its_slow_callback_is_named) {
  Connection connection = connect(loop);
  connection->set_name("slow one");
  connection->on_data([](Stream& s) {
    (void)world().run_for(3ms);
    s.input().clear();
  });
  connection.peer.send("hello");
  ASSERT_TRUE(loop.run_once());

  const LoopInsight insight = loop.insight();

  ASSERT_EQ(insight.slowest.size(), 1U);
  EXPECT_EQ(insight.slowest[0].name(), "slow one");
  EXPECT_EQ(insight.slowest[0].kind, ObjectKind::stream);
  EXPECT_EQ(insight.slowest[0].duration, 3ms);
}

TEST_F(StreamDescribed, each_receive_of_a_long_one_is_measured_by_itself) {
  Connection connection = connect(loop, {}, Transport::unix_pair, {}, {.send = 1 << 20});
  connection->on_data([](Stream& s) {
    (void)world().run_for(1ms);
    s.input().clear();
  });
  connection.peer.send(pattern(200'000));
  ASSERT_TRUE(loop.run_once());

  EXPECT_GE(loop.counters().receives, 3U);
  EXPECT_EQ(loop.insight().callback_time.max(), 1ms);
}

TEST_F(StreamDescribed, a_slow_time_limit_is_the_streams) {
  Connection connection = connect(loop, {.time_limits = {.idle = 1s}});
  connection->set_name("quiet");
  connection->on_closed([](Stream&, std::error_code) { (void)world().run_for(4ms); });
  ASSERT_TRUE(loop.run_until([&] { return !connection->is_open(); }));

  ASSERT_EQ(loop.insight().slowest.size(), 1U);
  EXPECT_EQ(loop.insight().slowest[0].name(), "quiet");
  EXPECT_EQ(loop.insight().slowest[0].duration, 4ms);
}

TEST_F(StreamDescribed, a_listener_and_each_connection_that_it_is_given) {
  auto listener = Listener::open(loop, *Address::parse("127.0.0.1:0"), {},
                                 [](Socket, const Address&) { (void)world().run_for(2ms); });
  ASSERT_TRUE(listener);
  listener->set_name("front");
  EXPECT_EQ(only(loop, ObjectKind::listener)->name, "front");
  EXPECT_EQ(only(loop, ObjectKind::listener)->phase, "accepting");
  const Peer peers[] = {dial(listener->address()), dial(listener->address()), dial(listener->address())};

  ASSERT_TRUE(loop.run_once());

  EXPECT_EQ(loop.counters().accepts, 3U);
  EXPECT_EQ(loop.insight().callback_time.max(), 2ms) << "each is a piece of work";
  EXPECT_EQ(loop.insight().slowest[0].name(), "front");
  listener->pause();
  EXPECT_EQ(only(loop, ObjectKind::listener)->phase, "paused");
}

}  // namespace
}  // namespace weir
