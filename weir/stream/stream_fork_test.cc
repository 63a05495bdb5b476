// weir: tests of streams in the child of a fork that destroys them: the parent does not notice.
// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "tests/support/stream_support.h"
#include "tests/support/test_kernel.h"
#include "tests/support/unix_path.h"
#include "weir/loop/event_loop.h"
#include "weir/net/listener.h"
#include "weir/stream/stream.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;

/// Runs `child` in a child process, which ends at once with what it answers: 0 is good.
int status_of_child(const std::function<int()>& child) {
  const pid_t process = ::fork();
  if (process == 0) ::_exit(child());
  int status = -1;
  EXPECT_EQ(::waitpid(process, &status, 0), process);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + status;
}

/// What a child may do to a stream that it does not want.
struct Farewell {
  const char* name;
  void (*to)(std::unique_ptr<Stream>& stream);
};
constexpr Farewell farewells[] = {
    {"destroys it", [](std::unique_ptr<Stream>& stream) { stream.reset(); }},
    {"aborts it", [](std::unique_ptr<Stream>& stream) { stream->abort(); }},
    {"finishes it",
     [](std::unique_ptr<Stream>& stream) {
       stream->finish();
       stream->flush_now();
     }},
};

bool resets_on_close(const sys::Descriptor& socket) {
  linger option{};
  EXPECT_TRUE(sys::get_option(socket.number(), SOL_SOCKET, SO_LINGER, option));
  return option.l_onoff != 0;
}

class StreamFork : public testing::Test {
 protected:
  /// Both ways carry bytes, and no end or reset has come.
  void expect_alive(Connection& connection) {
    Record told;
    record(*connection, told);
    EXPECT_EQ(connection.peer.send("to the parent"), 13U);
    EXPECT_TRUE(spin_until(loop_, [&] { return told.data == "to the parent" || told.closed > 0; }));
    EXPECT_EQ(told.data, "to the parent");
    connection->write("from the parent");
    EXPECT_TRUE(spin_until(loop_, [&] {
      connection.peer.receive();
      return !connection.peer.received.empty() || connection.peer.has_ended;
    }));
    EXPECT_EQ(connection.peer.received, "from the parent");
    EXPECT_FALSE(connection.peer.has_ended);
  }

  const OnRealKernel real_;
  EventLoop loop_;
};

// hazard: E16
TEST_F(StreamFork, a_child_that_ends_an_inherited_stream_leaves_it_to_the_parent) {
  for (const Transport transport : transports) {
    for (const Farewell& farewell : farewells) {
      SCOPED_TRACE(farewell.name);
      SocketPair sockets = open_sockets(transport);
      const sys::Descriptor same(::fcntl(sockets.ours.number(), F_DUPFD_CLOEXEC, 0));
      Connection connection{*Stream::adopt(loop_, std::move(sockets.ours)), std::move(sockets.peer)};

      ASSERT_EQ(status_of_child([&] {
                  farewell.to(connection.stream);
                  connection.stream.reset();
                  return 0;
                }),
                0);

      EXPECT_FALSE(resets_on_close(same));
      expect_alive(connection);
    }
  }
}

TEST_F(StreamFork, a_child_that_takes_down_its_loop_too_leaves_it_to_the_parent) {
  auto loop = std::make_unique<EventLoop>();
  SocketPair sockets = open_sockets(Transport::tcp);
  const sys::Descriptor same(::fcntl(sockets.ours.number(), F_DUPFD_CLOEXEC, 0));
  std::unique_ptr<Stream> stream = *Stream::adopt(*loop, std::move(sockets.ours));
  stream->write(pattern(100));

  ASSERT_EQ(status_of_child([&] {
              stream.reset();
              loop.reset();
              return 0;
            }),
            0);

  EXPECT_FALSE(resets_on_close(same));
  EXPECT_TRUE(spin_until(*loop, [&] {
    sockets.peer.receive();
    return sockets.peer.received.size() >= 100 || sockets.peer.has_ended;
  }));
  EXPECT_EQ(sockets.peer.received, pattern(100)) << "once";
  EXPECT_FALSE(sockets.peer.has_ended);
}

TEST_F(StreamFork, what_a_child_has_made_its_own_ends_for_both) {
  Connection connection = connect(loop_, {.linger = 20ms});

  ASSERT_EQ(status_of_child([&] {
              if (!loop_.after_fork()) return 1;
              connection.stream.reset();
              return loop_.run() ? 0 : 2;  // flushes, and sends the end
            }),
            0);

  EXPECT_TRUE(spin_until(loop_, [&] {
    connection.peer.receive();
    return connection.peer.has_ended;
  }));
}

// What a device was told is of the open file, which both have.
TEST_F(StreamFork, a_child_does_not_make_the_parents_descriptor_wait) {
  const sys::Descriptor device(::open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!device) GTEST_SKIP() << "no terminals here";
  sys::Descriptor given(::fcntl(device.number(), F_DUPFD_CLOEXEC, 0));
  auto stream = Stream::adopt_pipe(loop_, std::move(given));
  ASSERT_TRUE(stream);
  ASSERT_NE(::fcntl(device.number(), F_GETFL) & O_NONBLOCK, 0);

  ASSERT_EQ(status_of_child([&] {
              (*stream)->abort();
              stream->reset();
              return 0;
            }),
            0);

  EXPECT_NE(::fcntl(device.number(), F_GETFL) & O_NONBLOCK, 0);
}

TEST_F(StreamFork, a_child_leaves_the_file_of_an_inherited_listener) {
  const UnixPath path;
  int arrived = 0;
  Result<Listener> listener = Listener::open(loop_, path.address(), {}, [&](Socket, const Address&) { ++arrived; });
  ASSERT_TRUE(listener);

  ASSERT_EQ(status_of_child([&] {
              *listener = Listener();
              return 0;
            }),
            0);

  EXPECT_TRUE(path.exists());
  const Peer peer = dial(path.address());
  EXPECT_TRUE(spin_until(loop_, [&] { return arrived == 1; }));
}

}  // namespace
}  // namespace weir
