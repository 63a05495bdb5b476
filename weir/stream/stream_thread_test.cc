// weir: tests of streams that other threads refer to.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/support/stream_support.h"
#include "weir/loop/event_loop.h"
#include "weir/loop/timer.h"
#include "weir/stream/stream.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;

std::string line_of(int thread, int number) { return std::to_string(thread) + ":" + std::to_string(number) + "\n"; }

TEST(StreamRef, writes_of_many_threads_arrive_whole_and_in_the_order_of_each) {
  constexpr int threads = 4;
  constexpr int lines = 2000;
  EventLoop loop;
  Connection connection = connect(loop, {.output_limit = 64_MiB}, Transport::tcp);
  const StreamRef ref = connection->ref();
  std::vector<std::thread> writers;
  for (int t = 0; t < threads; ++t) {
    writers.emplace_back([ref, t] {
      for (int i = 0; i < lines; ++i) {
        Buffer buffer;
        buffer.append(line_of(t, i));
        EXPECT_TRUE(ref.write(std::move(buffer).detach()));
      }
    });
  }
  std::size_t expected = 0;
  for (int t = 0; t < threads; ++t) {
    for (int i = 0; i < lines; ++i) expected += line_of(t, i).size();
  }

  ASSERT_TRUE(spin_until(loop, [&] { return connection.peer.receive(), connection.peer.received.size() == expected; }));
  for (std::thread& writer : writers) writer.join();

  int next[threads] = {};
  const std::string& all = connection.peer.received;
  for (std::size_t at = 0; at < all.size();) {
    const std::size_t end = all.find('\n', at) + 1;
    const int thread = all[at] - '0';
    ASSERT_EQ(all.substr(at, end - at), line_of(thread, next[thread]++));
    at = end;
  }
}

TEST(StreamRef, a_write_from_another_thread_wakes_a_loop_that_sleeps) {
  EventLoop loop;
  Connection connection = connect(loop);
  const StreamRef ref = connection->ref();
  bool was_sent = false;
  connection->when_sent([&](std::error_code) {});
  settle(loop);
  std::thread writer([ref] {
    Buffer buffer;
    buffer.append("wake up");
    EXPECT_TRUE(ref.write(std::move(buffer).detach()));
  });

  ASSERT_TRUE(loop.run_until([&] {
    connection.peer.receive();
    was_sent = connection.peer.received == "wake up";
    return was_sent;
  }));
  writer.join();
}

TEST(StreamRef, tasks_run_with_the_stream_on_its_loops_thread) {
  EventLoop loop;
  Connection connection = connect(loop);
  const StreamRef ref = connection->ref();
  const std::thread::id here = std::this_thread::get_id();
  int ran = 0;
  std::thread other([&, ref] {
    for (int i = 0; i < 100; ++i) {
      EXPECT_TRUE(ref.post([&](Stream& s) {
        EXPECT_EQ(&s, connection.stream.get());
        EXPECT_EQ(std::this_thread::get_id(), here);
        ++ran;
      }));
    }
  });

  EXPECT_TRUE(spin_until(loop, [&] { return ran == 100; }));
  other.join();
}

TEST(StreamRef, has_no_effect_once_the_stream_is_gone_though_its_place_is_used_again) {
  EventLoop loop;
  std::optional<Connection> old = connect(loop);
  const StreamRef ref = (*old)->ref();
  old->stream->abort();
  old.reset();
  settle(loop);
  Connection fresh = connect(loop);  // takes the place in the loop's table
  int ran = 0;
  std::thread other([&, ref] {
    EXPECT_TRUE(ref.post([&](Stream&) { ++ran; })) << "the loop is there";
    Buffer buffer;
    buffer.append("for somebody else");
    EXPECT_TRUE(ref.write(std::move(buffer).detach()));
  });
  other.join();
  settle(loop);

  fresh.peer.receive();
  EXPECT_EQ(fresh.peer.received, "");
  EXPECT_EQ(ran, 0);
}

TEST(StreamRef, a_task_posted_before_the_stream_went_does_not_run_after) {
  EventLoop loop;
  Connection connection = connect(loop);
  const StreamRef ref = connection->ref();
  int ran = 0;
  ASSERT_TRUE(ref.post([&](Stream&) { ++ran; }));
  connection->write("keeps the slot for a while");
  connection.stream.reset();

  settle(loop);

  EXPECT_EQ(ran, 0);
}

TEST(StreamRef, says_no_once_the_loop_is_gone_and_destroys_the_task) {
  StreamRef ref;
  EXPECT_FALSE(ref.post([](Stream&) {}));
  const auto counted = std::make_shared<int>(0);
  {
    EventLoop loop;
    Connection connection = connect(loop);
    ref = connection->ref();
    ASSERT_TRUE(ref.post([counted](Stream&) { ++*counted; }));  // never run
  }

  std::thread other([&] {
    EXPECT_FALSE(ref.post([counted](Stream&) { ++*counted; }));
    Buffer buffer;
    buffer.append("too late");
    EXPECT_FALSE(ref.write(std::move(buffer).detach()));
  });
  other.join();

  EXPECT_EQ(*counted, 0);
  EXPECT_EQ(counted.use_count(), 1);
}

TEST(StreamRef, bytes_for_a_stream_that_has_ended_are_dropped) {
  EventLoop loop;
  Connection connection = connect(loop);
  const StreamRef ref = connection->ref();
  connection->finish();
  Buffer buffer;
  buffer.append("after the end");
  ASSERT_TRUE(ref.write(std::move(buffer).detach()));

  ASSERT_TRUE(spin_until(loop, [&] { return connection.peer.receive(), connection.peer.has_ended; }));

  EXPECT_EQ(connection.peer.received, "");
}

TEST(StreamRef, bytes_that_would_have_to_be_refused_close_the_stream) {
  EventLoop loop;
  Connection connection = connect(loop, {.output_limit = 100});
  const StreamRef ref = connection->ref();
  std::error_code closed;
  connection->on_closed([&](Stream&, std::error_code error) { closed = error; });
  Buffer buffer;
  buffer.append(pattern(101));
  ASSERT_TRUE(ref.write(std::move(buffer).detach()));

  settle(loop);

  EXPECT_EQ(closed, errc::limit);
}

TEST(StreamRef, streams_come_and_go_while_other_threads_write_to_them) {
  constexpr int streams = 300;
  EventLoop loop;
  Peer first;
  std::atomic<int> published{0};
  std::vector<StreamRef> refs(streams);
  std::atomic<bool> is_over{false};
  std::thread writer([&] {
    for (int last = 0; !is_over.load();) {
      const int count = published.load();
      for (int i = std::max(0, last - 20); i < count; ++i) {
        Buffer buffer;
        buffer.append(pattern(3000));
        (void)refs[static_cast<std::size_t>(i)].write(std::move(buffer).detach());
      }
      last = count;
      std::this_thread::yield();
    }
  });

  for (std::size_t i = 0; i < streams; ++i) {
    Connection connection = connect(loop);
    refs[i] = connection->ref();
    published.store(static_cast<int>(i) + 1);
    settle(loop, 2);
    if (i % 3 == 0) connection->abort();
    if (i % 3 == 1) connection->finish();
    connection.peer.receive();
    EXPECT_EQ(connection.peer.received,
              pattern(3000).substr(0, 3000).substr(0, std::min<std::size_t>(3000, connection.peer.received.size())) +
                  (connection.peer.received.size() > 3000 ? connection.peer.received.substr(3000) : ""));
  }
  is_over.store(true);
  writer.join();
  settle(loop, 20);
}

/// Echoes on two loops in two threads, with buffers that cross from one to the other.
TEST(StreamRef, two_loops_hand_each_other_what_they_received) {
  const std::string all = pattern(2'000'000);
  struct Side {
    EventLoop loop;
    Connection connection;
  };
  Side left;
  Side right;
  left.connection = connect(left.loop, {.output_limit = 64_MiB}, Transport::tcp);
  right.connection = connect(right.loop, {.output_limit = 64_MiB}, Transport::tcp);
  const StreamRef to_left = left.connection->ref();
  const StreamRef to_right = right.connection->ref();
  left.connection->on_data([to_right](Stream& s) { to_right.write(s.input().take_all().detach()); });
  right.connection->on_data([to_left](Stream& s) { to_left.write(s.input().take_all().detach()); });
  std::atomic<int> whole{0};
  const auto serve = [&](Side& side) {
    std::size_t offered = 0;
    bool has_all = false;
    const bool done = spin_until(side.loop, [&] {
      offered += side.connection.peer.send(std::string_view(all).substr(offered, 100000));
      side.connection.peer.receive();
      if (!has_all && side.connection.peer.received.size() == all.size()) {
        has_all = true;
        whole.fetch_add(1);
      }
      return whole.load() == 2;  // until then the other side may need this loop
    });
    EXPECT_TRUE(done) << side.connection.peer.received.size();
    EXPECT_EQ(side.connection.peer.received == all, true);
  };

  std::thread other([&] { serve(right); });
  serve(left);
  other.join();
}

}  // namespace
}  // namespace weir
