// weir: tests of the options of the sockets behind streams.
// SPDX-License-Identifier: MIT
#include "weir/stream/stream_socket.h"

#include <gtest/gtest.h>
#include <netinet/tcp.h>

#include <memory>

#include "tests/support/option_value.h"
#include "tests/support/test_sockets.h"
#include "weir/stream/stream.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;

class StreamSocket : public testing::Test {
 protected:
  /// A stream over one end of the pair; the number of its socket stays known.
  std::unique_ptr<Stream> adopt(Pair& pair) {
    number = pair.near.number();
    return *Stream::adopt(loop, Socket(std::move(pair.near)));
  }

  EventLoop loop;
  int number = -1;
};

TEST_F(StreamSocket, takes_options_while_it_is_open) {
  Pair pair = tcp_pair();
  const auto stream = adopt(pair);

  EXPECT_TRUE(set_socket_options(*stream, {.keep_alive = KeepAlive{.idle = 30s}, .user_timeout = 20s}));

  EXPECT_NE(option_value(number, IPPROTO_TCP, TCP_NODELAY), 0);
  EXPECT_EQ(option_value(number, IPPROTO_TCP, TCP_KEEPIDLE), 30);
  EXPECT_EQ(option_value(number, IPPROTO_TCP, TCP_USER_TIMEOUT), 20'000);
}

TEST_F(StreamSocket, that_is_a_unix_one_passes_over_what_is_of_tcp) {
  Pair pair = unix_pair();
  const auto stream = adopt(pair);

  EXPECT_TRUE(set_socket_options(*stream, {.keep_alive = KeepAlive{}, .send_buffer_bytes = 50'000}));

  EXPECT_EQ(option_value(number, SOL_SOCKET, SO_SNDBUF), 100'000);
}

TEST_F(StreamSocket, that_the_system_refuses_something_says_so) {
  Pair pair = tcp_pair();
  const auto stream = adopt(pair);

  EXPECT_EQ(set_socket_options(*stream, {.keep_alive = KeepAlive{.probes = 0}}).error(), std::errc::invalid_argument);
}

TEST_F(StreamSocket, does_not_exist_while_the_stream_connects_or_when_it_is_closed) {
  const ListeningSocket listening;
  const auto stream = *Stream::connect(loop, Address(listening.name), {});
  EXPECT_EQ(set_socket_options(*stream, {}).error(), std::errc::not_connected);
  Result<void> when_connected = system_error(ENOTCONN);
  stream->on_connected([&](Stream& s) { when_connected = set_socket_options(s, {.send_buffer_bytes = 50'000}); });
  ASSERT_TRUE(loop.run_until([&] { return static_cast<bool>(when_connected); }));

  stream->abort();

  EXPECT_EQ(set_socket_options(*stream, {}).error(), std::errc::not_connected);
}

TEST_F(StreamSocket, is_none_of_a_pipe) {
  Pair pipe = pipe_pair();
  const auto stream = *Stream::adopt_pipe(loop, std::move(pipe.near));

  EXPECT_EQ(set_socket_options(*stream, {}).error(), std::errc::not_a_socket);
}

TEST_F(StreamSocket, connects_with_the_options_and_from_the_address_that_were_asked_for) {
  const ListeningSocket listening;
  const auto stream = *Stream::connect(
      loop, Address(listening.name),
      {.connect = {.socket = {.receive_buffer_bytes = 40'000}, .local_address = *Address::parse("127.0.0.2:0")}});
  bool is_connected = false;
  stream->on_connected([&](Stream&) { is_connected = true; });

  ASSERT_TRUE(loop.run_until([&] { return is_connected; }));

  EXPECT_TRUE(stream->local_address()->to_string().starts_with("127.0.0.2:"));
}

}  // namespace
}  // namespace weir
