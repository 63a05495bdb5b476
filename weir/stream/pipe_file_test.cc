// weir: tests of streams over regular files, and of parts of files in pipes, on either kernel.
// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <string_view>
#include <utility>

#include "tests/support/pipe_support.h"
#include "weir/buffer/file_range.h"
#include "weir/stream/stream.h"
#include "weir/sys/calls.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;

/// A regular file of the kernel that the test runs on, to be read and written from the beginning.
sys::Descriptor file_with(std::string_view text) {
  static int number = 0;
  const std::string path = "/tmp/weir-pipe-stream-" + std::to_string(::getpid()) + "-" + std::to_string(++number);
  const sys::Descriptor writer(sys::open_file(path.c_str(), O_CREAT | O_EXCL | O_WRONLY, 0600).number());
  EXPECT_EQ(write_to(writer, text), text.size());
  sys::Descriptor file(sys::open_file(path.c_str(), O_RDWR).number());
  EXPECT_TRUE(sys::unlink(path.c_str()));
  return file;
}

TEST(PipeStream, parts_of_files_are_written_too) {
  EventLoop loop;
  PipedStream piped = between_pipes(loop);
  const std::string text = pattern(150'000);
  const SharedFile file = SharedFile::adopt(file_with(text));
  Buffer message;
  message.append("head");
  message.append(file.range(1000, 140'000));
  message.append("tail");
  std::string arrived;

  piped->write(std::move(message));
  EXPECT_TRUE(spin_until(loop, [&] {
    arrived += read_some(piped.drain);
    return arrived.size() == 140'008;
  }));

  EXPECT_TRUE(arrived == "head" + text.substr(1000, 140'000) + "tail");
}

// hazard: E18
TEST(PipeStream, a_regular_file_is_read_to_its_end) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, 64_KiB - 1, 64_KiB, 64_KiB + 1, 1_MiB}) {
    EventLoop loop;
    const std::string text = pattern(size);
    auto stream = adopted(loop, {.reader = file_with(text)});
    Record told;
    record(*stream, told);

    EXPECT_TRUE(spin_until(loop, [&] { return told.closed > 0; }));

    EXPECT_TRUE(told.data == text) << size;
    EXPECT_FALSE(told.error);
  }
}

TEST(PipeStream, a_long_file_leaves_others_their_turn) {
  EventLoop loop;
  const std::size_t size = 4_MiB;
  auto file = adopted(loop, {.reader = file_with(pattern(size))});
  PipedStream other = between_pipes(loop);
  std::size_t read = 0;
  std::size_t read_before = 0;
  file->on_data([&](Stream& s) {
    read += s.input().size();
    s.input().clear();
  });
  other->on_data([&](Stream& s) {
    read_before = read;
    s.input().clear();
  });
  EXPECT_TRUE(loop.poll());
  EXPECT_GT(read, 0U);

  write_to(other.feed, "x");
  EXPECT_TRUE(spin_until(loop, [&] { return read == size; }));

  EXPECT_GT(read_before, 0U) << "it was told only after the whole file";
  EXPECT_LE(read_before, 3 * 256_KiB);
}

TEST(PipeStream, a_file_that_is_paused_or_not_taken_is_read_no_further_and_costs_no_turns) {
  EventLoop loop;
  auto stream = adopted(loop, {.reader = file_with(pattern(1_MiB))});
  std::size_t told = 0;
  stream->on_data([&](Stream&) { ++told; });
  settle(loop);

  EXPECT_LE(stream->input().size(), 64_KiB + 64_KiB);
  EXPECT_GT(loop.next_deadline(), loop.now()) << "nothing is to be done before something changes";
  stream->input().clear();
  settle(loop);

  EXPECT_GT(stream->input().size(), 0U);
}

TEST(PipeStream, a_regular_file_is_written) {
  EventLoop loop;
  sys::Descriptor target = file_with("0123456789");
  const int number = target.number();
  auto stream = adopted(loop, {.writer = std::move(target)});
  const std::string text = pattern(700'000);
  bool is_sent = false;
  stream->write(text);
  stream->when_sent([&](std::error_code error) { is_sent = !error; });

  EXPECT_TRUE(spin_until(loop, [&] { return is_sent; }));

  std::string back(text.size(), '\0');
  const sys::CallResult got = sys::read_at(number, std::as_writable_bytes(std::span(back)), 0);
  ASSERT_TRUE(got);
  EXPECT_EQ(got.count(), text.size());
  EXPECT_TRUE(back == text);
}

TEST(PipeStream, a_file_can_be_copied_through_one_stream) {
  EventLoop loop;
  const std::string text = pattern(2'000'000);
  Pair out = pipe_pair();
  auto stream = adopted(loop, {.reader = file_with(text), .writer = std::move(out.far)});
  stream->on_data([](Stream& s) { s.write(s.input().take_all()); });
  std::string arrived;

  EXPECT_TRUE(spin_until(loop, [&] {
    arrived += read_some(out.near);
    return arrived.size() >= text.size();
  }));
  settle(loop);

  EXPECT_TRUE(arrived == text);
  EXPECT_TRUE(has_ended(out.near));
}

}  // namespace
}  // namespace weir
