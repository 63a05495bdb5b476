// weir: tests that a peer receives exactly what was written, whatever the kernel does to the calls.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/stream_support.h"
#include "weir/loop/event_loop.h"
#include "weir/stream/stream.h"
#include "weir/sys/fault_kernel.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;
using sys::Call;
using sys::FaultPlan;

/// Whatever the kernel may do to a transfer without anything being wrong.
FaultPlan nasty_but_legal(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto chance = [&] { return static_cast<double>(random() % 40) / 100.0; };
  const auto few = [&] { return 1 + random() % (random() % 2 == 0 ? 3 : 3000); };
  FaultPlan plan = FaultPlan::random(random(), chance(), {.at_most = few()}, {Call::send, Call::send_pieces});
  plan += FaultPlan::random(random(), chance(), {.at_most = few()}, {Call::receive});
  plan += FaultPlan::random(random(), chance(), {.error = EINTR}, {Call::send, Call::send_pieces, Call::receive});
  plan += FaultPlan::random(random(), chance(), {.error = EAGAIN}, {Call::send, Call::send_pieces, Call::receive});
  plan += FaultPlan::random(random(), chance() / 4, {.error = EINTR}, {Call::wait_epoll, Call::poll});
  return plan;
}

/// The next piece of a pattern, as one of the kinds of memory that a stream takes.
Accepted write_some(Stream& stream, const std::string& all, std::size_t& at, std::mt19937_64& random) {
  const std::size_t count =
      std::min<std::size_t>(all.size() - at, random() % 5 == 0 ? random() % 40000 : random() % 300);
  const std::string_view piece = std::string_view(all).substr(at, count);
  Accepted answer = Accepted::yes;
  switch (random() % 4) {
    case 0: answer = stream.write(piece); break;
    case 1: answer = stream.write(Slice::from_static(piece)); break;
    case 2: {
      Buffer buffer(stream.loop().pool());
      buffer.append(std::string(piece));
      answer = stream.write(std::move(buffer));
      break;
    }
    default: {
      Buffer buffer(stream.loop().pool());
      buffer.append_static(piece.substr(0, count / 2));
      buffer.append(piece.substr(count / 2));
      answer = stream.write(std::move(buffer));
    }
  }
  if (answer == Accepted::yes || answer == Accepted::slow_down) at += count;
  return answer;
}

// hazard: S1, RE1, RE16
TEST(StreamBytes, arrive_whole_in_order_and_once_both_ways_under_400_random_plans) {
  const std::string ours = pattern(150000);
  const std::string theirs = pattern(120000, 1 << 20);
  const std::uint64_t seeds = is_simulated() ? 400 : 40;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    sys::FaultKernel kernel(nasty_but_legal(seed));
    const sys::ScopedKernel installed(kernel);
    EventLoop loop;
    const Marks marks{.low = random() % 3000, .high = 3000 + random() % 60000};
    // A receive buffer far below a segment of loopback (64 KiB) stalls TCP itself for seconds; a send buffer does not.
    const SocketBuffers buffers{.send = random() % 2 == 0 ? 1 : 0, .receive = random() % 2 == 0 ? 100000 : 0};
    const Transport transport = transports[random() % 2];
    Connection connection = connect(loop, {.read_marks = marks, .write_marks = marks}, transport, buffers, buffers);
    Record record_;
    record(*connection, record_);
    std::size_t written = 0;
    std::size_t offered = 0;
    bool is_finishing = false;

    ASSERT_TRUE(spin_until(loop,
                           [&] {
                             for (int i = 0; i < 20 && written < ours.size(); ++i) {
                               if (write_some(*connection, ours, written, random) == Accepted::refused) break;
                               if (random() % 8 == 0) connection->flush_now();
                             }
                             if (written == ours.size() && !std::exchange(is_finishing, true))
                               connection->finish_writing();
                             offered +=
                                 connection.peer.send(std::string_view(theirs).substr(offered, random() % 20000));
                             if (offered == theirs.size()) connection.peer.finish();
                             connection.peer.receive(random() % 30000);
                             return connection.peer.has_ended && record_.closed == 1;
                           }))
        << "sent " << connection.peer.received.size() << " of " << written << ", waiting "
        << connection->output().size() << ", received " << record_.data.size() << " of " << offered << ", callbacks "
        << record_.order.size() << '\n'
        << kernel.trace();

    ASSERT_EQ(connection.peer.received == ours, true) << kernel.trace();
    ASSERT_EQ(record_.data == theirs, true) << kernel.trace();
    ASSERT_EQ(connection.peer.error, 0);
    ASSERT_FALSE(record_.error) << record_.error << '\n' << kernel.trace();
    ASSERT_EQ(record_.count('e'), 1);
  }
}

// hazard: S1
TEST(StreamBytes, of_ten_thousand_separate_pieces_arrive_in_order) {
  for (const Transport transport : transports) {
    EventLoop loop;
    Connection connection = connect(loop, {}, transport, {.send = 1}, {.receive = 1});
    const std::string all = pattern(200001);
    std::string expected;
    Buffer buffer;
    for (std::size_t i = 0; i < 10000; ++i) {  // every second one is skipped, so that neighbours cannot merge
      const std::string_view piece = std::string_view(all).substr(i * 20, 1 + i % 19);
      buffer.append_static(piece);
      expected += piece;
    }
    ASSERT_GT(std::distance(buffer.slices().begin(), buffer.slices().end()), 1024);

    connection->write(std::move(buffer));
    ASSERT_TRUE(spin_until(
        loop, [&] { return connection.peer.receive(), connection.peer.received.size() == expected.size(); }));

    EXPECT_EQ(connection.peer.received, expected);
  }
}

// hazard: S1
TEST(StreamBytes, a_call_that_ends_at_any_byte_of_a_row_of_pieces_goes_on_with_the_next) {
  for (std::size_t at_most = 1; at_most <= 13; ++at_most) {
    sys::FaultKernel kernel(FaultPlan::from_nth(1, {.at_most = at_most}, {Call::send, Call::send_pieces}));
    const sys::ScopedKernel installed(kernel);
    EventLoop loop;
    Connection connection = connect(loop);
    Buffer buffer;
    for (const char* piece : {"one", " ", "seven", "x", "three"}) buffer.append_static(piece);

    connection->write(std::move(buffer));
    ASSERT_TRUE(spin_until(loop, [&] { return connection.peer.receive(), connection.peer.received.size() == 15; }));

    EXPECT_EQ(connection.peer.received, "one sevenxthree");
  }
}

TEST(StreamBytes, one_at_a_time_arrive_as_sent) {
  EventLoop loop;
  Connection connection = connect(loop, {}, Transport::tcp);
  connection->on_data([](Stream& s) { s.write(s.input().take_all()); });
  std::string sent("a\0b\r\n\xff", 6);
  sent += pattern(500);

  for (const char c : sent) {
    connection.peer.send(std::string_view(&c, 1));
    settle(loop, 1);
  }
  ASSERT_TRUE(
      spin_until(loop, [&] { return connection.peer.receive(), connection.peer.received.size() == sent.size(); }));

  EXPECT_EQ(connection.peer.received, sent);
}

/// What reached the peer before a failure is a prefix, whatever failed and when.
TEST(StreamBytes, are_an_exact_prefix_when_a_send_or_receive_fails) {
  const std::string ours = pattern(400000);
  for (const Call call : {Call::send, Call::send_pieces, Call::receive}) {
    for (const int error : {ECONNRESET, EPIPE, ETIMEDOUT, ENOBUFS, ENOMEM, EIO}) {
      for (std::uint64_t k = 1; k <= 6; ++k) {
        SCOPED_TRACE(std::string(sys::name_of(call)) + " fails with " + std::to_string(error) + " at " +
                     std::to_string(k));
        sys::FaultKernel kernel(FaultPlan::nth(k, {.error = error}, {call}));
        const sys::ScopedKernel installed(kernel);
        EventLoop loop;
        Connection connection = connect(loop, {}, Transport::tcp, {.send = 8192});
        Record record_;
        record(*connection, record_);
        std::vector<int> told;
        std::size_t written = 0;
        for (int i = 0; i < 40; ++i) {
          Buffer buffer;
          buffer.append_static(std::string_view(ours).substr(written, 4000));
          buffer.append(std::string_view(ours).substr(written + 4000, 6000));
          connection->write(std::move(buffer));
          written += 10000;
          connection->when_sent([&, i](std::error_code) { told.push_back(i); });
        }
        bool has_finished = false;
        ASSERT_TRUE(spin_until(loop, [&] {
          connection.peer.receive();
          connection.peer.send("x");
          if (connection.peer.received.size() == written && !std::exchange(has_finished, true)) connection->finish();
          if (connection.peer.has_ended) connection.peer.finish();
          return record_.closed == 1;
        })) << kernel.trace();
        connection.peer.receive();

        EXPECT_EQ(connection.peer.received, ours.substr(0, connection.peer.received.size()));
        EXPECT_EQ(record_.closed, 1);
        EXPECT_EQ(told.size(), 40U);
        EXPECT_TRUE(std::is_sorted(told.begin(), told.end()));
        if (kernel.injected() > 0) {
          EXPECT_EQ(record_.error, system_error(error));
        }
      }
    }
  }
}

}  // namespace
}  // namespace weir
