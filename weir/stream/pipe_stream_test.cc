// weir: tests of streams over pipes, on either kernel.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "tests/support/pipe_support.h"
#include "weir/stream/stream.h"
#include "weir/sys/calls.h"
#include "weir/sys/fault_kernel.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;

void echo(Stream& stream) {
  stream.on_data([](Stream& s) { s.write(s.input().take_all()); });
}

TEST(PipeStream, bytes_come_in_through_one_pipe_and_go_out_through_another) {
  EventLoop loop;
  PipedStream piped = between_pipes(loop);
  echo(*piped);

  EXPECT_EQ(write_to(piped.feed, "hello"), 5U);
  settle(loop);
  EXPECT_EQ(read_some(piped.drain), "hello");
  EXPECT_EQ(write_to(piped.feed, " again"), 6U);
  settle(loop);

  EXPECT_EQ(read_some(piped.drain), " again");
}

TEST(PipeStream, the_end_of_what_is_read_comes_after_all_of_it_and_ends_what_is_written) {
  EventLoop loop;
  PipedStream piped = between_pipes(loop);
  std::optional<std::error_code> closed;
  echo(*piped);
  piped->on_closed([&](Stream&, std::error_code error) { closed = error; });

  write_to(piped.feed, "last words");
  piped.feed.reset();
  settle(loop);

  EXPECT_EQ(read_some(piped.drain), "last words");
  EXPECT_TRUE(has_ended(piped.drain));
  ASSERT_TRUE(closed);
  EXPECT_FALSE(*closed);
}

TEST(PipeStream, a_long_transfer_holds_a_bounded_part_of_it_however_slow_the_reader_is) {
  EventLoop loop;
  PipedStream piped = between_pipes(loop);
  const std::string text = pattern(3'000'000);
  std::string arrived;
  std::size_t fed = 0;
  std::size_t held = 0;
  echo(*piped);

  const bool is_done = spin_until(loop, [&] {
    fed += write_to(piped.feed, std::string_view(text).substr(fed, 200'000));
    if (fed == text.size()) piped.feed.reset();
    held = std::max(held, piped->input().size() + piped->output().size());
    std::array<char, 10'000> part;
    const Undisturbed undisturbed;
    const sys::CallResult got = sys::read(piped.drain.number(), std::as_writable_bytes(std::span(part)));
    if (got) arrived.append(part.data(), got.count());
    return got && got.count() == 0;
  });

  EXPECT_TRUE(is_done);
  EXPECT_TRUE(arrived == text);
  EXPECT_GE(held, 256_KiB) << "the marks were never reached";
  EXPECT_LE(held, 256_KiB + 64_KiB + 64_KiB);
}

TEST(PipeStream, short_counts_and_interruptions_lose_nothing) {
  sys::FaultKernel kernel;
  sys::FaultPlan plan = sys::FaultPlan::random(5, 0.5, {.at_most = 7}, {sys::Call::read, sys::Call::write_pieces});
  plan += sys::FaultPlan::random(6, 0.2, {.error = EAGAIN}, {sys::Call::read, sys::Call::write_pieces});
  plan += sys::FaultPlan::random(7, 0.2, {.error = EINTR}, {sys::Call::read, sys::Call::write_pieces});
  const sys::ScopedKernel installed(kernel);
  EventLoop loop;
  PipedStream piped = between_pipes(loop);
  kernel.set_plan(std::move(plan));
  const std::string text = pattern(300'000);
  std::string arrived;
  std::size_t fed = 0;
  echo(*piped);

  EXPECT_TRUE(spin_until(loop, [&] {
    fed += write_to(piped.feed, std::string_view(text).substr(fed, 5000));
    arrived += read_some(piped.drain);
    return arrived.size() >= text.size();
  }));

  EXPECT_TRUE(arrived == text);
  kernel.set_plan({});
}

TEST(PipeStream, a_pipe_that_nobody_reads_is_an_error) {
  EventLoop loop;
  PipedStream piped = between_pipes(loop);
  Record told;
  record(*piped, told);
  write_to(piped.feed, "said before");
  piped.drain.reset();
  piped->write("lost");
  piped->write(Slice::from_static(std::string_view("lost too")));
  settle(loop);

  EXPECT_EQ(told.error, std::errc::broken_pipe);
  EXPECT_EQ(told.data, "said before");
  EXPECT_EQ(told.closed, 1);
}

TEST(PipeStream, after_a_failed_write_a_writer_that_goes_on_for_ever_is_not_read_for_ever) {
  EventLoop loop;
  PipedStream piped = between_pipes(loop);
  std::error_code failure;
  piped->on_data([&](Stream& s) {
    s.input().clear();
    write_to(piped.feed, "and again ");
  });
  piped->on_closed([&](Stream&, std::error_code error) { failure = error; });
  write_to(piped.feed, "again ");
  piped.drain.reset();
  piped->write("lost");

  settle(loop);

  EXPECT_EQ(failure, std::errc::broken_pipe);
}

TEST(PipeStream, one_that_only_reads_takes_no_writes_and_closes_when_it_has_read_all) {
  EventLoop loop;
  Pair in = pipe_pair();
  auto stream = adopted(loop, {.reader = std::move(in.near)});
  Record told;
  record(*stream, told);

  EXPECT_FALSE(stream->is_writable());
  EXPECT_EQ(stream->write("x"), Accepted::closed);
  write_to(in.far, "data");
  settle(loop);
  EXPECT_EQ(told.order, "d");
  in.far.reset();
  settle(loop);

  EXPECT_EQ(told.order, "dec");
  EXPECT_EQ(told.data, "data");
  EXPECT_FALSE(told.error);
}

TEST(PipeStream, one_that_only_writes_closes_when_it_is_finished) {
  EventLoop loop;
  Pair out = pipe_pair();
  auto stream = adopted(loop, {.writer = std::move(out.far)});
  Record told;
  record(*stream, told);
  std::string arrived;

  EXPECT_EQ(stream->write(pattern(200'000)), Accepted::yes);
  stream->finish();
  EXPECT_TRUE(spin_until(loop, [&] {
    arrived += read_some(out.near);
    return told.closed > 0;
  }));

  EXPECT_TRUE(arrived + read_some(out.near) == pattern(200'000));
  EXPECT_TRUE(has_ended(out.near));
  EXPECT_EQ(told.order, "c");
  EXPECT_FALSE(told.error);
}

TEST(PipeStream, half_a_close_closes_the_writer_and_goes_on_reading) {
  EventLoop loop;
  PipedStream piped = between_pipes(loop);
  Record told;
  record(*piped, told);

  piped->write("the question");
  piped->finish_writing();
  settle(loop);
  EXPECT_EQ(read_some(piped.drain), "the question");
  EXPECT_TRUE(has_ended(piped.drain));
  EXPECT_EQ(told.order, "");
  write_to(piped.feed, "the answer");
  settle(loop);
  EXPECT_EQ(told.data, "the answer");
  piped.feed.reset();
  settle(loop);

  EXPECT_EQ(told.order, "dec");
}

TEST(PipeStream, to_finish_waits_for_what_was_written_but_not_for_who_is_read_from) {
  EventLoop loop;
  PipedStream piped = between_pipes(loop);
  Record told;
  record(*piped, told);
  piped->write("bye");

  piped->finish();
  settle(loop);

  EXPECT_EQ(told.order, "c");
  EXPECT_FALSE(told.error);
  EXPECT_EQ(read_some(piped.drain), "bye");
}

TEST(PipeStream, destroying_it_still_writes_what_was_accepted) {
  EventLoop loop;
  PipedStream piped = between_pipes(loop);
  const std::string text = pattern(500'000);
  piped->write(text);
  piped.stream.reset();
  std::string arrived;

  EXPECT_TRUE(spin_until(loop, [&] {
    arrived += read_some(piped.drain);
    return arrived.size() == text.size();
  }));
  settle(loop);

  EXPECT_TRUE(arrived == text);
  EXPECT_TRUE(has_ended(piped.drain));
}

// --- what is adopted ---

TEST(PipeStream, a_descriptor_is_used_for_what_it_was_opened_for) {
  EventLoop loop;
  Pair pipe = pipe_pair();
  auto reading = Stream::adopt_pipe(loop, std::move(pipe.near));
  auto writing = Stream::adopt_pipe(loop, std::move(pipe.far));
  ASSERT_TRUE(reading);
  ASSERT_TRUE(writing);
  Record told;
  record(**reading, told);

  EXPECT_EQ((*reading)->write("x"), Accepted::closed);
  EXPECT_EQ((*writing)->write("through"), Accepted::yes);
  settle(loop);

  EXPECT_EQ(told.data, "through");
}

TEST(PipeStream, a_socket_works_both_ways_and_ends_in_halves) {
  EventLoop loop;
  Pair pair = unix_pair();
  auto adopted_socket = Stream::adopt_pipe(loop, std::move(pair.near));
  ASSERT_TRUE(adopted_socket);
  Stream& stream = **adopted_socket;
  Peer peer(std::move(pair.far));
  Record told;
  record(stream, told);

  peer.send("question");
  stream.write("answer");
  stream.finish_writing();
  settle(loop);
  peer.receive();
  EXPECT_EQ(peer.received, "answer");
  EXPECT_TRUE(peer.has_ended);
  EXPECT_EQ(told.data, "question");
  peer.send(" and more");
  peer.finish();
  settle(loop);

  EXPECT_EQ(told.data, "question and more");
  EXPECT_EQ(told.order, "ddec");
}

TEST(PipeStream, what_is_no_descriptor_is_an_error) {
  EventLoop loop;
  Pair pipe = pipe_pair();
  const int gone = pipe.near.number();
  pipe.near.reset();

  const auto one = Stream::adopt_pipe(loop, sys::Descriptor(gone));
  const auto two = Stream::adopt_pipe(loop, {.reader = sys::Descriptor(gone), .writer = std::move(pipe.far)});

  EXPECT_EQ(one.error(), std::errc::bad_file_descriptor);
  EXPECT_EQ(two.error(), std::errc::bad_file_descriptor);
}

TEST(PipeStream, out_of_room_for_the_writer_both_ends_are_closed) {
  if (is_on_poll()) GTEST_SKIP() << "poll(2) has no such limit";
  sys::FaultKernel kernel;
  const sys::ScopedKernel installed(kernel);
  EventLoop loop;
  Pair in = pipe_pair();
  Pair out = pipe_pair();
  kernel.set_plan(sys::FaultPlan::nth(2, {.error = ENOSPC}, {sys::Call::control_epoll}));

  const auto stream = Stream::adopt_pipe(loop, {.reader = std::move(in.near), .writer = std::move(out.far)});

  EXPECT_EQ(stream.error(), std::errc::no_space_on_device);
  EXPECT_TRUE(has_ended(out.near));
  EXPECT_EQ(write_to(in.far, ""), 0U);
}

}  // namespace
}  // namespace weir
