// weir: tests of streams with a zlib filter: what arrives when, how they end, short memory, peers that are not weir.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/plain_zlib.h"
#include "tests/support/stream_support.h"
#include "tests/support/zlib_texts.h"
#include "weir/buffer/pool.h"
#include "weir/stream/stream.h"
#include "weir/stream/zlib_filter.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;
using Format = ZlibOptions::Format;

/// A stream with a filter over a socket, whose peer sees the compressed bytes.
Connection connect_filtered(EventLoop& loop, const ZlibOptions& options = {}, const StreamOptions& stream = {}) {
  Connection connection = connect(loop);
  connection.stream = Stream::filter(std::move(connection.stream), make_zlib_filter(options), stream);
  return connection;
}

class ZlibStream : public testing::Test {
 protected:
  std::string arrived(Connection& connection, const ZlibOptions& options = {}) {
    settle(loop);
    connection.peer.receive();
    return decompressed(connection.peer.received, options).text;
  }

  EventLoop loop;
  Record told;
};

TEST_F(ZlibStream, a_peer_that_uses_zlib_itself_is_understood_and_understands) {
  for (const Format format : {Format::zlib, Format::gzip, Format::raw}) {
    const ZlibOptions options{.format = format};
    Connection connection = connect_filtered(loop, options);
    Record heard;
    record(*connection, heard);
    const std::string question = words(100'000);
    const std::string answer = words(80'000);

    connection->write(answer);
    connection->finish_writing();
    const std::string bytes = compressed_text(question, options);
    std::size_t sent = 0;
    ASSERT_TRUE(spin_until(loop, [&] {
      sent += connection.peer.send(std::string_view(bytes).substr(sent));
      if (sent == bytes.size()) connection.peer.finish();
      connection.peer.receive();
      return heard.closed == 1 && connection.peer.has_ended;
    }));

    EXPECT_TRUE(heard.data == question);
    EXPECT_FALSE(heard.error) << heard.error.message();
    const Decompressed found = decompressed(connection.peer.received, options);
    EXPECT_TRUE(found.text == answer && found.is_complete && !found.is_wrong);
  }
}

// --- flushing ---

TEST_F(ZlibStream, each_turns_writes_arrive_in_that_turn) {
  Connection connection = connect_filtered(loop);

  connection->write("one");
  EXPECT_EQ(arrived(connection), "one");
  connection->write("two");
  connection->write("three");
  EXPECT_EQ(arrived(connection), "onetwothree");
}

TEST_F(ZlibStream, what_is_held_back_waits_for_flush_now) {
  const ZlibOptions options{.hold_back = true};
  Connection connection = connect_filtered(loop, options);

  connection->write("held");
  EXPECT_EQ(arrived(connection), "");
  connection->flush_now();
  EXPECT_EQ(arrived(connection), "held");
  connection->write(" again");
  EXPECT_EQ(arrived(connection), "held");
  connection->finish_writing();
  EXPECT_EQ(arrived(connection), "held again");
}

TEST_F(ZlibStream, who_asks_when_it_is_sent_has_it_sent) {
  Connection connection = connect_filtered(loop, {.hold_back = true});
  int sent = 0;

  connection->write("held");
  connection->when_sent([&](std::error_code error) { sent += error ? 100 : 1; });
  EXPECT_EQ(arrived(connection), "held");

  EXPECT_EQ(sent, 1);
}

TEST_F(ZlibStream, when_sent_comes_after_the_bytes_have_left) {
  Connection connection = connect_filtered(loop);
  const std::string text = pattern(3_MiB);
  std::size_t received_by_then = 0;

  ASSERT_EQ(connection->write(text), Accepted::slow_down);
  bool is_sent = false;
  connection->when_sent([&](std::error_code error) {
    EXPECT_FALSE(error);
    is_sent = true;
  });
  ASSERT_TRUE(spin_until(loop, [&] {
    if (!is_sent) connection.peer.receive(50'000);
    return is_sent;
  }));
  connection.peer.receive();
  received_by_then = decompressed(connection.peer.received).text.size();

  EXPECT_EQ(received_by_then, text.size());
}

// --- ends ---

TEST_F(ZlibStream, a_peer_that_is_cut_off_ends_with_an_error_behind_what_came) {
  Connection connection = connect_filtered(loop);
  record(*connection, told);
  const std::string text = words(10'000);
  const std::string bytes = compressed_text(text);

  connection.peer.send(std::string_view(bytes).substr(0, bytes.size() - 1));
  connection.peer.finish();
  ASSERT_TRUE(spin_until(loop, [&] { return told.closed == 1; }));

  EXPECT_EQ(told.error, std::errc::bad_message);
  EXPECT_EQ(told.count('e'), 0);
  EXPECT_EQ(told.data, text);
}

TEST_F(ZlibStream, what_is_damaged_ends_the_stream_though_the_peer_goes_on) {
  Connection connection = connect_filtered(loop);
  record(*connection, told);
  const std::string bytes = compressed_text("good");

  connection.peer.send(bytes.substr(0, bytes.size() - 1) + "x");
  ASSERT_TRUE(spin_until(loop, [&] { return told.closed == 1; }));

  EXPECT_EQ(told.error, std::errc::bad_message);
  EXPECT_EQ(told.data, "good");
}

TEST_F(ZlibStream, an_end_without_a_word_is_an_empty_stream) {
  Connection connection = connect_filtered(loop);

  connection->finish_writing();
  settle(loop);
  connection.peer.receive();

  EXPECT_TRUE(connection.peer.has_ended);
  EXPECT_TRUE(decompressed(connection.peer.received).is_complete);
}

TEST_F(ZlibStream, a_stream_may_bring_only_so_much) {
  Connection connection = connect_filtered(loop, {.decoded_limit = 5000});
  record(*connection, told);

  connection.peer.send(compressed_text(words(5001)));
  ASSERT_TRUE(spin_until(loop, [&] { return told.closed == 1; }));

  EXPECT_EQ(told.error, errc::limit);
  EXPECT_EQ(told.data, words(5001).substr(0, 5000));
}

// --- memory ---

TEST(ZlibStreamMemory, a_spent_budget_holds_both_directions_up_and_loses_nothing) {
  Pool pool({.limit = 2_MiB});
  {
    EventLoop loop({.pool = &pool});
    StreamPair pair = Stream::pair(loop);
    auto near = Stream::filter(std::move(pair.first), make_zlib_filter());
    auto far = Stream::filter(std::move(pair.second), make_zlib_filter());
    Record told;
    record(*far, told);
    std::string text;
    std::size_t written = 0;
    std::vector<Block> taken;
    for (int i = 0; i < 40; ++i) text += words(40'000) + pattern(10'000, text.size());

    ASSERT_TRUE(spin_until(loop, [&] {
      while (Result<Block> block = pool.try_allocate(1000)) taken.push_back(*std::move(block));
      near->write(Slice::adopt(text.substr(written, 50'000)));
      written = std::min(text.size(), written + 50'000);
      settle(loop, 3);
      taken.clear();
      settle(loop, 1);
      return told.data.size() == text.size();
    }));

    EXPECT_TRUE(told.data == text);
    near->finish();
    far->finish();
    EXPECT_TRUE(spin_until(loop, [&] { return told.closed == 1; }));
    EXPECT_FALSE(told.error);
  }
  EXPECT_EQ(pool.stats().blocks, 0U);
}

}  // namespace
}  // namespace weir
