// weir: tests of streams that send parts of files.
// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "tests/support/stream_kinds.h"
#include "tests/support/stream_support.h"
#include "weir/buffer/file_range.h"
#include "weir/buffer/pool.h"
#include "weir/loop/event_loop.h"
#include "weir/stream/stream.h"
#include "weir/sys/calls.h"
#include "weir/sys/fault_kernel.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;

/// A file of the kernel that the test runs on.
SharedFile file_with(const std::string& text) {
  static int number = 0;
  const std::string path = "/tmp/weir-stream-file-" + std::to_string(::getpid()) + "-" + std::to_string(++number);
  sys::Descriptor descriptor(sys::open_file(path.c_str(), O_CREAT | O_EXCL | O_RDWR, 0600).number());
  std::size_t written = 0;
  while (written < text.size()) {
    const sys::CallResult step = sys::write(descriptor.number(), as_bytes(std::string_view(text).substr(written)));
    if (!step) break;
    written += step.count();
  }
  EXPECT_EQ(written, text.size());
  EXPECT_TRUE(sys::unlink(path.c_str()));
  return SharedFile::adopt(std::move(descriptor));
}

/// "head", the range, "tail".
Buffer message_of(const FileRange& range) {
  Buffer message;
  message.append("head");
  message.append(range);
  message.append("tail");
  return message;
}

/// A peer that takes little at a time, until it has `wanted` bytes.
void receive_slowly(EventLoop& loop, Connection& connection, std::size_t wanted) {
  for (int turn = 0; turn < 2000 && connection.peer.received.size() < wanted; ++turn) {
    ASSERT_TRUE(loop.poll());
    connection.peer.receive(30'000);
    settle(loop, 1);
  }
}

TEST(StreamFile, parts_of_files_go_out_in_their_place_without_being_read) {
  EventLoop loop;
  sys::FaultKernel kernel;
  const sys::ScopedKernel installed(kernel);
  Connection connection = connect(loop);
  const std::string text = pattern(30'000);
  const SharedFile file = file_with(text);

  connection->write(message_of(file.range(1000, 20'000)));
  settle(loop);
  connection.peer.receive();

  EXPECT_TRUE(connection.peer.received == "head" + text.substr(1000, 20'000) + "tail");
  EXPECT_TRUE(connection->output().is_empty());
  EXPECT_EQ(kernel.calls(sys::Call::read_at), 0U);
  EXPECT_GE(kernel.calls(sys::Call::send_file), 1U);
}

// hazard: B4
TEST(StreamFile, a_slow_peer_gets_a_long_file_whole) {
  EventLoop loop;
  Connection connection = connect(loop);
  const std::string text = pattern(3'000'000);
  const SharedFile file = file_with(text);
  bool is_sent = false;

  connection->write(message_of(file.range(0, text.size())));
  connection->on_drained([&](Stream&) { is_sent = true; });
  receive_slowly(loop, connection, text.size() + 8);

  EXPECT_TRUE(connection.peer.received == "head" + text + "tail");
  EXPECT_TRUE(connection->output().is_empty());
}

// hazard: B4
TEST(StreamFile, a_file_that_is_too_short_fails_the_stream_after_what_it_has) {
  EventLoop loop;
  Connection connection = connect(loop);
  const SharedFile file = file_with(pattern(500));
  std::optional<std::error_code> error;
  connection->on_closed([&](Stream&, std::error_code why) { error = why; });

  connection->write(message_of(file.range(0, 600)));
  settle(loop);
  connection.peer.receive();

  EXPECT_TRUE(connection.peer.received == "head" + pattern(500));
  ASSERT_TRUE(error) << "nobody but the file has failed: nothing more is to be waited for";
  EXPECT_EQ(*error, errc::file_too_short);
}

TEST(StreamFile, a_file_that_sendfile_cannot_send_is_read_and_sent) {
  for (const int number : {EINVAL, ENOSYS, EOPNOTSUPP}) {
    EventLoop loop;
    sys::FaultKernel kernel(sys::FaultPlan::from_nth(1, {.error = number}, {sys::Call::send_file}));
    const sys::ScopedKernel installed(kernel);
    Connection connection = connect(loop);
    const std::string text = pattern(300'000);
    const SharedFile file = file_with(text);

    connection->write(message_of(file.range(1000, 250'000)));
    receive_slowly(loop, connection, 250'008);

    EXPECT_TRUE(connection.peer.received == "head" + text.substr(1000, 250'000) + "tail") << number;
  }
}

TEST(StreamFile, a_file_of_the_system_that_has_no_pages_is_sent) {
  if (is_simulated()) GTEST_SKIP() << "there is no /proc";
  EventLoop loop;
  Connection connection = connect(loop);
  Result<SharedFile> file = SharedFile::open("/proc/self/status");  // sendfile(2) answers EINVAL
  ASSERT_TRUE(file);

  connection->write(message_of(file->range(0, 5)));
  settle(loop);
  connection.peer.receive();

  EXPECT_EQ(connection.peer.received, "headName:tail");
}

TEST(StreamFile, that_has_to_be_read_and_is_too_short_or_unreadable_fails_the_stream) {
  for (const int number : {0, EIO, EAGAIN}) {
    EventLoop loop;
    sys::FaultPlan plan = sys::FaultPlan::from_nth(1, {.error = EINVAL}, {sys::Call::send_file});
    if (number != 0) plan += sys::FaultPlan::nth(1, {.error = number}, {sys::Call::read_at});
    sys::FaultKernel kernel(std::move(plan));
    const sys::ScopedKernel installed(kernel);
    Connection connection = connect(loop);
    const SharedFile file = file_with(pattern(500));
    std::optional<std::error_code> error;
    connection->on_closed([&](Stream&, std::error_code why) { error = why; });

    connection->write(message_of(file.range(0, 600)));
    settle(loop);
    connection.peer.receive();

    EXPECT_TRUE(connection.peer.received == "head" + (number == 0 ? pattern(500) : ""));
    ASSERT_TRUE(error) << number;
    EXPECT_EQ(*error, number == 0 ? make_error_code(errc::file_too_short) : system_error(EIO));
  }
}

// Readers have taken the whole budget, and give nothing back until the output has gone.
TEST(StreamFile, that_has_to_be_read_goes_out_although_the_pool_is_spent) {
  Pool pool({.limit = 1_MiB});
  {
    EventLoop loop({.pool = &pool});
    sys::FaultKernel kernel(sys::FaultPlan::from_nth(1, {.error = EINVAL}, {sys::Call::send_file}));
    const sys::ScopedKernel installed(kernel);
    Connection connection = connect(loop, {}, Transport::unix_pair, {.send = 4096});
    const std::string text = pattern(500'000);
    const SharedFile file = file_with(text);
    connection->write(message_of(file.range(0, text.size())));
    std::vector<Block> held;
    for (const std::size_t bytes : {64_KiB, 4_KiB, std::size_t{512}}) {
      while (Result<Block> block = pool.try_allocate(bytes)) held.push_back(*std::move(block));
    }

    for (int turn = 0; turn < 5000 && connection.peer.received.size() < text.size() + 8; ++turn) {
      ASSERT_TRUE(loop.poll());
      connection.peer.receive(30'000);
      settle(loop, 1);
    }

    EXPECT_TRUE(connection.peer.received == "head" + text + "tail");
    EXPECT_FALSE(pool.try_allocate(1)) << "the pool was not spent: the test proves nothing";
    EXPECT_LE(pool.stats().peak, 1_MiB);
  }
}

TEST(StreamFile, a_call_that_was_interrupted_is_made_again_and_one_that_fails_fails_the_stream) {
  for (const int number : {EINTR, EIO}) {
    EventLoop loop;
    Connection connection = connect(loop);
    const SharedFile file = file_with("in a file");
    std::optional<std::error_code> error;
    connection->on_closed([&](Stream&, std::error_code why) { error = why; });
    {
      sys::FaultKernel kernel(sys::FaultPlan::nth(1, {.error = number}, {sys::Call::send_file}));
      const sys::ScopedKernel installed(kernel);
      connection->write(message_of(file.range(0, 9)));
      settle(loop);
    }
    connection.peer.receive();

    EXPECT_EQ(connection.peer.received, number == EINTR ? "headin a filetail" : "head");
    if (number == EIO) {
      ASSERT_TRUE(error);
      EXPECT_EQ(*error, std::errc::io_error);
    }
  }
}

// --- of every kind ---

class StreamFileKinds : public EveryKind {
 protected:
  Record told;
};

TEST_P(StreamFileKinds, files_and_bytes_arrive_in_their_order) {
  open();
  record(far(), told);
  const std::string text = pattern(300'000);
  const SharedFile file = file_with(text);

  near().write("head");
  near().write(file.range(1000, 250'000));
  near().write("middle");
  near().write(file.range(0, 10));
  near().finish();
  ASSERT_TRUE(spin_until(loop, [&] { return told.count('e') == 1; }));

  EXPECT_TRUE(told.data == "head" + text.substr(1000, 250'000) + "middle" + text.substr(0, 10));
}

TEST_P(StreamFileKinds, a_file_longer_than_the_output_limit_is_taken_one_at_a_time) {
  open({.output_limit = 300'000});
  record(far(), told);
  const std::string text = pattern(3'000'000);
  const SharedFile file = file_with(text);

  EXPECT_EQ(near().write(file.range(0, text.size())), Accepted::slow_down);
  EXPECT_EQ(near().write(file.range(0, 1)), Accepted::refused);
  EXPECT_EQ(near().write("x"), Accepted::refused);
  bool is_drained = false;
  near().on_drained([&](Stream& s) {
    is_drained = true;
    EXPECT_EQ(s.write(file.range(0, 100'000)), Accepted::yes);
  });
  ASSERT_TRUE(spin_until(loop, [&] { return told.data.size() == 3'100'000; }));

  EXPECT_TRUE(is_drained);
  EXPECT_TRUE(told.data == text + text.substr(0, 100'000));
}

TEST_P(StreamFileKinds, a_file_that_has_become_shorter_fails_its_stream_alone) {
  open();
  record(far(), told);
  std::optional<std::error_code> error;
  near().on_closed([&](Stream&, std::error_code why) { error = why; });
  const SharedFile file = file_with(pattern(100'000));

  near().write(file.range(0, 100'001));
  ASSERT_TRUE(spin_until(loop, [&] { return error.has_value(); }));

  EXPECT_EQ(*error, errc::file_too_short);
  EXPECT_TRUE(told.data == pattern(100'000).substr(0, told.data.size()));
}

WEIR_EVERY_KIND(StreamFileKinds);

TEST(StreamFile, a_pair_that_has_no_memory_to_read_a_part_of_a_file_waits_for_some) {
  Pool pool({.limit = 1_MiB});
  {
    EventLoop loop({.pool = &pool});
    auto [near, far] = Stream::pair(loop);
    Record near_told;
    Record far_told;
    record(*near, near_told);
    record(*far, far_told);
    std::optional<Buffer> held(std::in_place, pool);
    while (held->try_append(as_bytes(pattern(10'000)))) {}
    const std::string text = pattern(500'000);

    near->write(file_with(text).range(0, text.size()));
    near->finish_writing();
    settle(loop, 50);
    EXPECT_EQ(near_told.closed, 0) << near_told.error.message();
    held.reset();

    ASSERT_TRUE(spin_until(loop, [&] { return far_told.count('e') == 1 || far_told.closed == 1; }));
    EXPECT_TRUE(far_told.data == text);
  }
}

}  // namespace
}  // namespace weir
