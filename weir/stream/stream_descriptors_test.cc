// weir: tests of descriptors that travel with the bytes of a stream.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/passing_support.h"
#include "tests/support/stream_kinds.h"
#include "tests/support/test_file.h"
#include "tests/support/test_world.h"
#include "tests/support/unix_path.h"
#include "weir/net/listener.h"
#include "weir/stream/stream.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;
using Places = std::vector<std::pair<std::size_t, std::uint64_t>>;

/// A stream whose peer is no stream.
class StreamDescriptors : public testing::Test {
 protected:
  Stream& stream() { return *connection; }
  Peer& peer() { return connection.peer; }

  /// Turns until the peer has so many bytes.
  bool arrives(std::size_t count) {
    return spin_until(loop, [&] { return arrivals.take(peer()), arrivals.text.size() >= count; });
  }

  EventLoop loop;
  Connection connection = connect(loop);
  Arrivals arrivals;
  std::string told;
};

// --- sending ---

TEST_F(StreamDescriptors, leave_with_the_first_of_the_bytes_that_they_were_written_with) {
  stream().write("1234");
  EXPECT_EQ(stream().write_with_descriptors("56", marked_row(1, 2)), Accepted::yes);
  stream().write("789");
  EXPECT_EQ(stream().write_with_descriptors("0", marked_row(3, 1)), Accepted::yes);

  ASSERT_TRUE(arrives(10));

  EXPECT_EQ(arrivals.text, "1234567890");
  EXPECT_EQ(arrivals.marks, (Places{{4, 1}, {4, 2}, {9, 3}}));
}

TEST_F(StreamDescriptors, of_several_writes_leave_with_several_sends) {
  for (std::uint64_t mark = 1; mark <= 5; ++mark) stream().write_with_descriptors("x", marked_row(mark, 1));

  ASSERT_TRUE(arrives(5));

  EXPECT_EQ(arrivals.marks, (Places{{0, 1}, {1, 2}, {2, 3}, {3, 4}, {4, 5}}));
}

TEST_F(StreamDescriptors, are_closed_here_once_they_have_left) {
  const std::size_t before = count_descriptors();
  stream().write_with_descriptors("x", marked_row(1, 3));
  EXPECT_EQ(count_descriptors(), before + 3);

  ASSERT_TRUE(spin_until(loop, [&] { return stream().output().is_empty(); }));

  EXPECT_EQ(count_descriptors(), before);
  arrivals.take(peer());
  EXPECT_EQ(arrivals.marks.size(), 3U);
}

TEST_F(StreamDescriptors, of_a_whole_buffer_leave_with_its_first_byte) {
  Buffer buffer(loop.pool());
  for (const char* piece : {"one", "two", "three"}) buffer.append_static(piece);
  stream().write("0");

  EXPECT_EQ(stream().write_with_descriptors(std::move(buffer), marked_row(7, 1)), Accepted::yes);
  ASSERT_TRUE(arrives(12));

  EXPECT_EQ(arrivals.text, "0onetwothree");
  EXPECT_EQ(arrivals.marks, (Places{{1, 7}}));
}

TEST(StreamDescriptorsOfFiles, leave_with_a_part_of_a_file_too_which_is_read_then) {
  const OnRealKernel real;
  EventLoop loop;
  Connection connection = connect(loop);
  const TestFile file(pattern(100'000));
  Buffer buffer(loop.pool());
  buffer.append(file.share().range(0, 100'000));
  Arrivals arrivals;
  connection->write("head");

  connection->write_with_descriptors(std::move(buffer), marked_row(7, 1));
  connection->write_with_descriptors("x", marked_row(8, 1));
  ASSERT_TRUE(spin_until(loop, [&] { return arrivals.take(connection.peer), arrivals.text.size() == 100'005; }));

  EXPECT_TRUE(arrivals.text == "head" + pattern(100'000) + "x");
  EXPECT_EQ(arrivals.marks, (Places{{4, 7}, {100'004, 8}}));
}

TEST_F(StreamDescriptors, none_at_all_are_a_write) {
  EXPECT_EQ(stream().write_with_descriptors("x", {}), Accepted::yes);

  ASSERT_TRUE(arrives(1));

  EXPECT_TRUE(arrivals.marks.empty());
}

TEST_F(StreamDescriptors, beyond_those_that_may_wait_are_refused_untouched_and_welcome_again_when_none_does) {
  stream().pause_writing();
  int drained = 0;
  stream().on_drained([&](Stream&) { ++drained; });
  EXPECT_EQ(stream().write_with_descriptors("a", marked_row(1, 252)), Accepted::yes);
  Descriptors two = marked_row(300, 2);

  EXPECT_EQ(stream().write_with_descriptors("b", std::move(two)), Accepted::refused);
  EXPECT_EQ(two.size(), 2U);
  EXPECT_EQ(stream().output().size(), 1U);
  EXPECT_EQ(stream().write_with_descriptors("b", marked_row(253, 1)), Accepted::yes);
  settle(loop);
  EXPECT_EQ(drained, 0);

  stream().resume_writing();
  ASSERT_TRUE(spin_until(loop, [&] { return drained == 1; }));
  EXPECT_EQ(stream().write_with_descriptors("c", std::move(two)), Accepted::yes);
  ASSERT_TRUE(arrives(3));

  EXPECT_EQ(arrivals.marks.size(), 255U);
  EXPECT_EQ(arrivals.marks.back(), std::pair(std::size_t{2}, std::uint64_t{301}));
  settle(loop);
  EXPECT_EQ(drained, 1);
}

TEST_F(StreamDescriptors, with_bytes_that_are_refused_are_untouched) {
  stream().set_output_limit(4);
  Descriptors row = marked_row(1, 1);

  EXPECT_EQ(stream().write_with_descriptors("12345", std::move(row)), Accepted::refused);

  EXPECT_EQ(row.size(), 1U);
  EXPECT_EQ(mark_of(row[0]), 1U);
}

TEST_F(StreamDescriptors, for_a_stream_that_has_finished_are_untouched) {
  stream().finish_writing();
  Descriptors row = marked_row(1, 1);

  EXPECT_EQ(stream().write_with_descriptors("x", std::move(row)), Accepted::closed);

  EXPECT_EQ(row.size(), 1U);
}

TEST_F(StreamDescriptors, are_sent_as_fast_as_the_rate_allows_in_their_places) {
  stream().set_rate_limits({.write = {.bytes_per_second = 20'000}});
  stream().write(pattern(6000));
  stream().write_with_descriptors("x", marked_row(1, 1));
  stream().write(pattern(3000));

  ASSERT_TRUE(arrives(9001));

  EXPECT_EQ(arrivals.marks, (Places{{6000, 1}}));
}

// --- receiving ---

TEST_F(StreamDescriptors, that_come_are_told_before_the_bytes_they_came_with_and_after_earlier_ones) {
  record_passing(stream(), told);
  peer().send("12");
  settle(loop);
  peer().send("34");
  EXPECT_EQ(pass(peer(), "5", marked(1)), 1U);
  peer().send("6789");
  EXPECT_EQ(pass(peer(), "x", marked(2)), 1U);

  ASSERT_TRUE(spin_until(loop, [&] { return told.ends_with("x"); }));

  EXPECT_EQ(told, "12[1]345[2]6789x");
}

TEST_F(StreamDescriptors, that_come_find_their_byte_in_the_input) {
  std::string seen;
  stream().on_descriptors([&](Stream& s, const Descriptors&) { seen = text_of(s.input()); });
  EXPECT_EQ(pass(peer(), "with", marked(1)), 4U);

  ASSERT_TRUE(spin_until(loop, [&] { return !seen.empty(); }));

  EXPECT_EQ(seen, "with");
}

TEST_F(StreamDescriptors, that_nobody_asked_for_are_closed_and_their_bytes_come) {
  Record record_;
  record(stream(), record_);
  const std::size_t before = count_descriptors();
  EXPECT_EQ(pass(peer(), "hello", marked(1)), 5U);

  ASSERT_TRUE(spin_until(loop, [&] { return record_.data == "hello"; }));

  EXPECT_EQ(count_descriptors(), before);
}

TEST_F(StreamDescriptors, are_not_received_any_more_without_the_callback) {
  record_passing(stream(), told);
  EXPECT_EQ(pass(peer(), "a", marked(1)), 1U);
  ASSERT_TRUE(spin_until(loop, [&] { return told == "[1]a"; }));
  const std::size_t before = count_descriptors();

  stream().on_descriptors(nullptr);
  EXPECT_EQ(pass(peer(), "b", marked(2)), 1U);
  ASSERT_TRUE(spin_until(loop, [&] { return told == "[1]ab"; }));

  EXPECT_EQ(count_descriptors(), before);
}

TEST_F(StreamDescriptors, are_told_before_a_reader_gets_the_bytes) {
  stream().on_descriptors(
      [&](Stream&, const Descriptors& all) { told += '[' + std::to_string(mark_of(all[0])) + ']'; });
  stream().read_exactly(3, [&](Stream& s, Result<Buffer> got) {
    told += text_of(*got);
    s.read_exactly(2, [&](Stream&, Result<Buffer> more) { told += text_of(*more); });
  });
  EXPECT_EQ(pass(peer(), "abcd", marked(1)), 4U);
  settle(loop);
  EXPECT_EQ(pass(peer(), "e", marked(2)), 1U);

  ASSERT_TRUE(spin_until(loop, [&] { return told.ends_with("de"); }));

  EXPECT_EQ(told, "[1]abc[2]de");
}

TEST_F(StreamDescriptors, a_stream_that_is_paused_when_they_are_told_delivers_their_bytes_later) {
  record_passing(stream(), told);
  stream().on_descriptors([&](Stream& s, const Descriptors& all) {
    told += '[' + std::to_string(mark_of(all[0])) + ']';
    s.pause();
  });
  EXPECT_EQ(pass(peer(), "a", marked(1)), 1U);
  EXPECT_EQ(pass(peer(), "b", marked(2)), 1U);
  ASSERT_TRUE(spin_until(loop, [&] { return !told.empty(); }));
  settle(loop);
  EXPECT_EQ(told, "[1]");

  stream().resume();  // the next receive comes before what is still to be told, and brings more of both
  ASSERT_TRUE(spin_until(loop, [&] { return told == "[1][2]"; })) << told;
  stream().resume();
  ASSERT_TRUE(spin_until(loop, [&] { return told == "[1][2]ab"; })) << told;
}

TEST_F(StreamDescriptors, may_be_followed_by_the_end_of_the_stream_in_their_own_callback) {
  for (const char how : {'a', 'd', 'f', 'x'}) {
    SCOPED_TRACE(how);
    Connection other = connect(loop);
    bool is_told = false;
    other->on_data([](Stream&) { ADD_FAILURE() << "data after the end"; });
    other->on_descriptors([&](Stream& s, const Descriptors&) {
      is_told = true;
      if (how == 'a') s.abort();
      if (how == 'd') other.stream.reset();
      if (how == 'f') s.finish();
      if (how == 'x') s.fail(errc::limit);
    });
    EXPECT_EQ(pass(other.peer, "abc", marked(1)), 3U);
    EXPECT_EQ(pass(other.peer, "def", marked(2)), 3U);

    ASSERT_TRUE(spin_until(loop, [&] { return is_told && (other.peer.receive(), other.peer.has_ended); }));
  }
}

TEST_F(StreamDescriptors, of_a_stream_that_is_finished_are_not_received) {
  stream().on_descriptors([](Stream&, const Descriptors&) { ADD_FAILURE(); });
  const std::size_t before = count_descriptors();

  stream().finish();
  EXPECT_EQ(pass(peer(), "abc", marked(1)), 3U);
  settle(loop);

  EXPECT_EQ(count_descriptors(), before);
}

// --- which streams ---

class StreamsThatPass : public EveryKind {
 protected:
  std::string told;
};

TEST_P(StreamsThatPass, are_those_over_unix_sockets_and_the_others_say_so) {
  open();

  EXPECT_EQ(near().can_pass_descriptors(), GetParam() == kinds::unix_socket);
}

TEST_P(StreamsThatPass, take_the_callback_whatever_they_are) {
  open();
  record_passing(far(), told);

  near().write("hello");
  ASSERT_TRUE(spin_until(loop, [&] { return told == "hello"; }));
}

TEST_P(StreamsThatPass, carry_descriptors_from_one_to_the_other) {
  open();
  if (!near().can_pass_descriptors()) return;
  record_passing(far(), told);

  near().write_with_descriptors("a", marked_row(1, 3));
  near().write_with_descriptors("b", marked_row(4, Stream::most_descriptors - 3));
  ASSERT_TRUE(spin_until(loop, [&] { return told.ends_with("b"); }));

  EXPECT_TRUE(told.starts_with("[1][2][3]a[4][5]"));
  EXPECT_TRUE(told.ends_with("[253]b"));
}

WEIR_EVERY_KIND(StreamsThatPass);

TEST(StreamDescriptorsDeathTest, over_tcp_are_a_programmer_error) {
  EventLoop loop;
  Connection connection = connect(loop, {}, Transport::tcp);

  EXPECT_DEATH(connection->write_with_descriptors("x", marked_row(1, 1)), "stream_descriptors.cc");
}

TEST(StreamDescriptorsDeathTest, without_a_byte_are_a_programmer_error) {
  EventLoop loop;
  Connection connection = connect(loop);

  EXPECT_DEATH(connection->write_with_descriptors("", marked_row(1, 1)), "stream_descriptors.cc");
}

TEST(StreamDescriptorsConnecting, are_written_while_the_stream_connects) {
  EventLoop loop;
  const UnixPath path;
  std::unique_ptr<Stream> server;
  std::string told;
  auto listener = Listener::open(loop, path.address(), {}, [&](Socket socket, const Address&) {
    server = *Stream::adopt(loop, std::move(socket));
    record_passing(*server, told);
  });
  ASSERT_TRUE(listener);
  auto client = Stream::connect(loop, path.address(), {});
  ASSERT_TRUE(client);

  ASSERT_TRUE((*client)->can_pass_descriptors());
  (*client)->write_with_descriptors("x", marked_row(1, 1));
  ASSERT_TRUE(spin_until(loop, [&] { return told == "[1]x"; }));
}

}  // namespace
}  // namespace weir
