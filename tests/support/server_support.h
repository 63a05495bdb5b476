// weir: what the tests of servers share.
// SPDX-License-Identifier: MIT
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <utility>
#include <vector>

#include "tests/support/stream_support.h"
#include "weir/server/server.h"

namespace weir::testing_support {

inline void echo(Stream& stream) {
  stream.on_data([](Stream& s) { s.write(s.input().take_all()); });
}

inline std::unique_ptr<Server> listen(EventLoop& loop, StreamOptions options = {}) {
  auto server = Server::listen(loop, {.address = "127.0.0.1:0", .stream = options});
  EXPECT_TRUE(server);
  return *std::move(server);
}

/// A server whose streams take any output for any time, and clients that are not weir.
class ServerStop : public testing::Test {
 protected:
  void dial(std::size_t count) {
    for (; count > 0; --count) peers.push_back(testing_support::dial(server->address()));
  }

  EventLoop loop;
  std::unique_ptr<Server> server =
      listen(loop, {.output_limit = unlimited, .time_limits = {.write = TimeLimits::no_limit}});
  std::vector<Peer> peers;
};

}  // namespace weir::testing_support
