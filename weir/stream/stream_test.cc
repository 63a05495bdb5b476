// weir: tests of streams: reading, callbacks, and what is attached to them.
// SPDX-License-Identifier: MIT
#include "weir/stream/stream.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/stream_support.h"
#include "weir/loop/event_loop.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;

// --- reading ---

TEST(Stream, tells_of_what_arrived_and_keeps_what_was_not_taken) {
  EventLoop loop;
  Connection connection = connect(loop);
  std::vector<std::string> seen;
  connection->on_data([&](Stream& s) {
    seen.push_back(text_of(s.input()));
    s.input().drop(1);
  });

  connection.peer.send("abc");
  ASSERT_TRUE(spin_until(loop, [&] { return seen.size() == 1; }));
  connection.peer.send("d");
  ASSERT_TRUE(spin_until(loop, [&] { return seen.size() == 2; }));

  EXPECT_EQ(seen, (std::vector<std::string>{"abc", "bcd"}));
}

TEST(Stream, a_handler_that_is_set_late_hears_of_the_bytes_that_wait) {
  EventLoop loop;
  Connection connection = connect(loop);
  connection.peer.send("early");
  settle(loop);
  EXPECT_EQ(text_of(connection->input()), "early");

  std::string seen;
  connection->on_data([&](Stream& s) { seen += text_of(s.input().take_all()); });
  settle(loop);

  EXPECT_EQ(seen, "early");
}

TEST(Stream, a_paused_stream_is_silent_and_delivers_what_waits_when_resumed) {
  EventLoop loop;
  Connection connection = connect(loop);
  std::vector<std::string> seen;
  connection->on_data([&](Stream& s) {
    seen.push_back(text_of(s.input().take(std::min<std::size_t>(3, s.input().size()))));
    s.pause();
  });
  connection.peer.send("abcdef");
  ASSERT_TRUE(spin_until(loop, [&] { return seen.size() == 1; }));
  EXPECT_TRUE(connection->is_paused());
  connection.peer.send("ghi");
  settle(loop);
  EXPECT_EQ(seen.size(), 1U);

  connection->resume();  // the three bytes that were left are told without anything new arriving
  EXPECT_FALSE(connection->is_paused());
  EXPECT_EQ(seen.size(), 1U) << "never inside resume()";
  settle(loop, 1);

  ASSERT_GE(seen.size(), 2U);
  EXPECT_EQ(seen[1], "def");
  connection->on_data([&](Stream& s) { seen.push_back(text_of(s.input().take_all())); });
  connection->resume();
  settle(loop);
  EXPECT_EQ(seen.back(), "ghi");
}

// hazard: RE10
TEST(Stream, all_messages_of_one_read_are_there_for_the_taking) {
  EventLoop loop;
  Connection connection = connect(loop);
  int calls = 0;
  int messages = 0;
  connection->on_data([&](Stream& s) {
    ++calls;
    while (const auto end = s.input().find(std::byte{'\n'})) {
      s.input().drop(*end + 1);
      ++messages;
    }
  });

  connection.peer.send("one\ntwo\nthree\nfour\nfi");
  settle(loop);

  EXPECT_EQ(messages, 4);
  EXPECT_EQ(calls, 1);
  connection.peer.send("ve\n");
  settle(loop);
  EXPECT_EQ(messages, 5);
}

// hazard: S8, RE11
TEST(Stream, input_never_passes_the_high_mark_by_more_than_one_receive) {
  EventLoop loop;
  for (const Marks marks :
       {Marks{.low = 0, .high = 1}, Marks{.low = 1024, .high = 4096}, Marks{.low = 16_KiB, .high = 64_KiB}}) {
    Connection connection = connect(loop, {.read_marks = marks}, Transport::tcp);
    std::size_t most = 0;
    connection->on_data([&](Stream& s) { most = std::max(most, s.input().size()); });  // takes nothing
    const std::string sent = pattern(1_MiB);
    std::size_t offered = 0;

    for (int i = 0; i < 100; ++i) {
      offered += connection.peer.send(std::string_view(sent).substr(offered));
      settle(loop, 1);
    }

    EXPECT_GE(connection->input().size(), marks.high);
    EXPECT_LE(most, marks.high + 64_KiB);
    EXPECT_LE(connection->input().size(), marks.high + 64_KiB);
    EXPECT_EQ(text_of(connection->input()), sent.substr(0, connection->input().size()));
  }
}

// hazard: E5
TEST(Stream, reading_goes_on_when_the_input_is_drained_from_anywhere) {
  for (const Transport transport : transports) {
    EventLoop loop;
    Connection connection = connect(loop, {.read_marks = {.low = 2048, .high = 4096}}, transport);
    const std::string sent = pattern(60000);
    ASSERT_EQ(connection.peer.send(sent), sent.size());  // once: no further edge will come
    std::string got;

    ASSERT_TRUE(spin_until(loop, [&] {
      // outside of any callback, and never below the low mark by more than it takes
      if (connection->input().size() > 2048)
        got += text_of(connection->input().take(connection->input().size() - 2048));
      if (got.size() + 2048 >= sent.size()) got += text_of(connection->input().take_all());
      return got.size() == sent.size();
    }));

    EXPECT_EQ(got, sent);
  }
}

TEST(Stream, reading_stays_suspended_above_the_low_mark) {
  EventLoop loop;
  Connection connection = connect(loop, {.read_marks = {.low = 1000, .high = 4000}});
  connection.peer.send(pattern(4000));
  settle(loop);
  ASSERT_EQ(connection->input().size(), 4000U);
  connection.peer.send("more");

  connection->input().drop(2999);
  settle(loop);
  EXPECT_EQ(connection->input().size(), 1001U);

  connection->input().drop(1);
  settle(loop);
  EXPECT_EQ(connection->input().size(), 1004U);
}

TEST(Stream, read_marks_take_effect_at_once) {
  EventLoop loop;
  Connection connection = connect(loop, {.read_marks = {.low = 1000, .high = 4000}});
  connection.peer.send(pattern(3000));
  settle(loop);

  connection->set_read_marks({.low = 100, .high = 2000});
  connection.peer.send("more");
  settle(loop);
  EXPECT_EQ(connection->input().size(), 3000U) << "the new high mark is passed already";

  connection->set_read_marks({.low = 5000, .high = 5000});
  settle(loop);
  EXPECT_EQ(connection->input().size(), 3004U);
}

// hazard: E17, RE11
TEST(Stream, four_streams_with_more_and_more_data_leave_a_fifth_its_turn) {
  EventLoop loop;
  constexpr std::size_t per_turn = 256_KiB + 64_KiB;  // the turn, and the receive that crosses its border
  std::vector<Connection> firehoses;
  std::vector<std::size_t> in_turn(4, 0);
  const std::string much = pattern(3_MiB);
  std::size_t queued = 0;
  std::size_t all = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    firehoses.push_back(connect(loop, {.read_marks = {.low = 1_MiB, .high = 64_MiB}}, Transport::tcp,
                                {.receive = 2 << 20}, {.send = 2 << 20}));
    queued += firehoses[i].peer.send(much);
    firehoses[i]->on_data([&, i](Stream& s) {
      in_turn[i] += s.input().size();
      all += s.input().size();
      s.input().clear();
    });
  }
  ASSERT_GT(queued, 4 * 600_KiB);
  Connection ping = connect(loop, {}, Transport::tcp);
  bool is_answered = true;
  ping->on_data([&](Stream& s) {
    s.input().clear();
    is_answered = true;
  });
  std::size_t before = 0;
  std::size_t waited = 0;
  std::size_t most = 0;

  ASSERT_TRUE(spin_until(loop, [&] {
    for (std::size_t& bytes : in_turn) most = std::max(most, std::exchange(bytes, 0));
    if (is_answered) {
      waited = std::max(waited, all - before);
      before = all;
      is_answered = false;
      ping.peer.send("x");
    }
    return all == queued;
  }));

  EXPECT_LE(most, per_turn);
  EXPECT_LE(waited, 4 * per_turn);
}

TEST(Stream, has_the_limits_by_default_that_are_documented) {
  const StreamOptions options;
  const ConnectOptions connecting;

  EXPECT_EQ(options.read_marks.low, 16_KiB);
  EXPECT_EQ(options.read_marks.high, 64_KiB);
  EXPECT_EQ(options.write_marks.low, 64_KiB);
  EXPECT_EQ(options.write_marks.high, 256_KiB);
  EXPECT_EQ(options.output_limit, 4_MiB);
  EXPECT_EQ(options.time_limits.write, 60s);
  EXPECT_EQ(options.time_limits.read, TimeLimits::no_limit);
  EXPECT_EQ(options.time_limits.idle, TimeLimits::no_limit);
  EXPECT_EQ(options.linger, 10s);
  EXPECT_EQ(options.linger_bytes, 1_MiB);
  EXPECT_EQ(connecting.timeout, 10s);
}

// --- the rest ---

TEST(Stream, a_callback_may_replace_itself_while_it_runs) {
  EventLoop loop;
  Connection connection = connect(loop);
  std::string order;
  const auto counted = std::make_shared<int>(7);
  connection->on_data([&order, counted](Stream& s) {
    s.input().clear();
    s.on_data([&order](Stream& again) {
      again.input().clear();
      order += '2';
    });
    order += *counted == 7 ? '1' : '!';  // what the old callback captured is still there
  });

  connection.peer.send("x");
  settle(loop);
  connection.peer.send("y");
  settle(loop);

  EXPECT_EQ(order, "12");
  EXPECT_EQ(counted.use_count(), 1) << "and is let go soon";
}

TEST(Stream, attached_objects_go_with_the_stream_or_with_their_successor) {
  struct Counted {
    explicit Counted(int* places) : places_(places) { ++*places_; }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;
    ~Counted() { --*places_; }
    int* places_;
  };
  EventLoop loop;
  Connection connection = connect(loop);
  int alive = 0;

  Counted& first = connection->attach<Counted>(&alive);
  EXPECT_EQ(&first, &connection->attached<Counted>());
  EXPECT_EQ(alive, 1);
  connection->attach<Counted>(&alive);
  EXPECT_EQ(alive, 1);
  connection->attach<std::string>("another type");
  EXPECT_EQ(alive, 0);
  EXPECT_EQ(connection->attached<std::string>(), "another type");
  connection->attach<Counted>(&alive);
  connection.stream.reset();
  settle(loop);

  EXPECT_EQ(alive, 0);
}

TEST(Stream, an_attached_object_may_be_used_to_the_end_of_the_callback_that_destroys_the_stream) {
  EventLoop loop;
  Connection connection = connect(loop);
  std::string seen;
  connection->on_data([&](Stream& s) {
    auto& text = s.attached<std::string>();
    connection.stream.reset();
    seen = text;
  });
  connection->attach<std::string>(pattern(1000));
  connection.peer.send("x");
  settle(loop);

  EXPECT_EQ(seen, pattern(1000));
}

TEST(Stream, knows_the_addresses_of_both_ends) {
  EventLoop loop;
  Connection connection = connect(loop, {}, Transport::tcp);
  sys::SocketName name;
  ASSERT_TRUE(sys::local_name(connection.peer.number(), name));

  const Result<Address> peer = connection->peer_address();
  const Result<Address> local = connection->local_address();

  ASSERT_TRUE(peer);
  ASSERT_TRUE(local);
  EXPECT_TRUE(*peer == Address(name));
  EXPECT_NE(local->port(), 0);
  connection->abort();
  EXPECT_FALSE(connection->peer_address());
}

TEST(Stream, settings_are_shared_until_one_stream_changes_its_own) {
  EventLoop loop;
  const StreamSettings settings(StreamOptions{.output_limit = 10});
  SocketPair first = open_sockets();
  SocketPair second = open_sockets();
  auto one = Stream::adopt(loop, std::move(first.ours), settings);
  auto two = Stream::adopt(loop, std::move(second.ours), settings);

  (*one)->set_output_limit(20);

  EXPECT_EQ((*one)->write(pattern(20)), Accepted::yes);
  EXPECT_EQ((*two)->write(pattern(20)), Accepted::refused);
  EXPECT_EQ(settings->output_limit, 10U);
}

using StreamDeathTest = testing::Test;

TEST(StreamDeathTest, marks_that_contradict_themselves_are_a_programmer_error) {
  EventLoop loop;
  Connection connection = connect(loop);

  EXPECT_DEATH(connection->set_read_marks({.low = 2, .high = 1}), "stream.cc");
  EXPECT_DEATH(connection->set_write_marks({.low = 0, .high = 0}), "stream.cc");
  EXPECT_DEATH(connection->when_sent({}), "stream.cc");
}

}  // namespace
}  // namespace weir
