// weir: tests of buffers read from descriptors and written to them.
// SPDX-License-Identifier: MIT
#include "weir/buffer/buffer_io.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <string>

#include "tests/support/test_file.h"
#include "tests/support/throws.h"
#include "weir/buffer/allocation_plan.h"
#include "weir/buffer/pool.h"
#include "weir/sys/calls.h"
#include "weir/sys/fault_kernel.h"

namespace weir {
namespace {

using testing_support::can_throw;
using testing_support::TestFile;
using testing_support::throws_bad_alloc;

/// Both ends never wait.
struct Pipe {
  Pipe() {
    std::array<int, 2> ends{};
    EXPECT_TRUE(sys::create_pipe(ends));
    reader.reset(ends[0]);
    writer.reset(ends[1]);
  }
  sys::Descriptor reader;
  sys::Descriptor writer;
};

std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  std::uint32_t state = 1;
  for (char& letter : text) letter = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  return text;
}

TEST(BufferIo, reads_into_the_room_behind_the_content_and_a_new_block) {
  const Pipe pipe;
  const std::string text = pattern(3000);
  ASSERT_TRUE(sys::write(pipe.writer.number(), as_bytes(text)));
  Buffer buffer;
  buffer.append("0123456789");

  const Result<std::size_t> count = read_from(pipe.reader.number(), buffer);

  ASSERT_TRUE(count);
  EXPECT_EQ(*count, 3000U);
  EXPECT_EQ(buffer, "0123456789" + text);
  EXPECT_LE(buffer.slice_count(), 3U);
}

TEST(BufferIo, reads_at_most_what_it_is_told) {
  const Pipe pipe;
  const std::string text = pattern(3000);
  ASSERT_TRUE(sys::write(pipe.writer.number(), as_bytes(text)));
  Buffer buffer;

  for (const std::size_t most : {0U, 1U, 511U, 512U, 513U})
    EXPECT_EQ(*read_from(pipe.reader.number(), buffer, most), most);

  EXPECT_EQ(buffer, text.substr(0, 1 + 511 + 512 + 513));
}

TEST(BufferIo, an_end_and_an_error_leave_the_buffer_as_it_was) {
  Pipe pipe;
  Buffer buffer;
  buffer.append("kept");
  EXPECT_EQ(read_from(pipe.reader.number(), buffer).error(), std::errc::resource_unavailable_try_again);
  EXPECT_EQ(read_from(-1, buffer).error(), std::errc::bad_file_descriptor);
  EXPECT_EQ(write_to(-1, buffer).error(), std::errc::bad_file_descriptor);
  pipe.writer.reset();
  EXPECT_EQ(read_from(pipe.reader.number(), buffer).error(), errc::eof);

  EXPECT_EQ(buffer, "kept");
  buffer.append("!");
  EXPECT_EQ(buffer.slice_count(), 1U) << "the room has come back";
}

TEST(BufferIo, a_reader_that_has_gone_is_an_error_and_no_signal) {
  Pipe pipe;
  pipe.reader.reset();
  Buffer buffer;
  buffer.append("kept");

  EXPECT_EQ(write_to(pipe.writer.number(), buffer).error(), std::errc::broken_pipe);

  EXPECT_EQ(buffer, "kept");
}

TEST(BufferIo, thousands_of_slices_arrive_whole_however_short_the_counts) {
  const std::string text = pattern(600'000);
  for (const std::size_t at_most : {std::size_t{1777}, std::size_t{65'536}, unlimited}) {
    sys::FaultKernel kernel(sys::FaultPlan::script({{.calls = {sys::Call::write_pieces, sys::Call::read_pieces},
                                                     .to = sys::FaultPlan::forever,
                                                     .fault = {.at_most = at_most}}}));
    const sys::ScopedKernel scope(kernel);
    const Pipe pipe;
    Buffer source;
    for (std::size_t at = 0; at < text.size(); at += 200) {
      source.append_static(std::string_view(text).substr(at, at % 400 == 0 ? 199 : 200));
      if (at % 400 == 0) source.append_static(std::string_view(text).substr(at + 199, 1));
    }
    Buffer arrived;

    while (arrived.size() != text.size()) {
      if (!source.is_empty()) {
        const Result<std::size_t> written = write_to(pipe.writer.number(), source);
        ASSERT_TRUE(written || written.error() == std::errc::resource_unavailable_try_again);
      }
      const Result<std::size_t> count = read_from(pipe.reader.number(), arrived, 10'000);
      ASSERT_TRUE(count || count.error() == std::errc::resource_unavailable_try_again);
      EXPECT_EQ(arrived.size() + source.size() <= text.size(), true);
    }

    EXPECT_EQ(arrived, text);
  }
}

TEST(BufferIo, interrupted_calls_are_made_again) {
  sys::FaultKernel kernel(
      sys::FaultPlan::script({{.calls = {sys::Call::write_pieces}, .to = 3, .fault = {.error = EINTR}},
                              {.calls = {sys::Call::read_pieces}, .to = 3, .fault = {.error = EINTR}}}));
  const sys::ScopedKernel scope(kernel);
  const Pipe pipe;
  Buffer buffer;
  buffer.append("once");

  EXPECT_EQ(*write_to(pipe.writer.number(), buffer), 4U);
  EXPECT_EQ(*read_from(pipe.reader.number(), buffer), 4U);

  EXPECT_EQ(buffer, "once");
}

TEST(BufferIo, writes_to_and_reads_from_places_of_a_file) {
  const TestFile file("..........");
  const sys::Descriptor descriptor(::open(file.path().c_str(), O_RDWR | O_CLOEXEC));
  Buffer buffer;
  buffer.append("ab");
  buffer.append_static("cdef");

  EXPECT_EQ(*write_to_at(descriptor.number(), 3, buffer, 5), 5U);
  EXPECT_EQ(buffer, "f");
  EXPECT_EQ(*read_from_at(descriptor.number(), 2, buffer, 7), 7U);

  EXPECT_EQ(buffer, "f.abcde.");
  EXPECT_EQ(read_from_at(descriptor.number(), 10, buffer).error(), errc::eof);
}

TEST(BufferIo, file_ranges_are_read_piece_by_piece_and_written) {
  const std::string text = pattern(150'000);
  const TestFile source(text);
  const TestFile target("");
  Buffer buffer;
  buffer.append("head ");
  buffer.append(source.share().range(10, 149'000));
  buffer.append(" tail");
  const sys::Descriptor descriptor(::open(target.path().c_str(), O_RDWR | O_CLOEXEC));

  ASSERT_TRUE(write_all_to(descriptor.number(), buffer));

  Buffer written;
  while (read_from(descriptor.number(), written)) {}  // the place is at the end
  EXPECT_TRUE(written.is_empty());
  while (read_from_at(descriptor.number(), written.size(), written)) {}
  EXPECT_EQ(written, "head " + text.substr(10, 149'000) + " tail");
}

// hazard: B4
TEST(BufferIo, a_file_that_is_too_short_is_an_error_of_the_write_and_nothing_else_is_lost) {
  TestFile source(pattern(100'000));
  const Pipe pipe;
  Buffer buffer;
  buffer.append(source.share().range(0, 100'000));
  buffer.append("tail");
  source.truncate(70'000);

  std::size_t written = 0;
  Result<std::size_t> step = std::size_t{0};
  for (int i = 0; i < 20 && step; ++i) {
    Buffer emptied;
    (void)read_from(pipe.reader.number(), emptied, 1 << 20);
    step = write_to(pipe.writer.number(), buffer);
    if (step) written += *step;
  }

  ASSERT_FALSE(step);
  EXPECT_EQ(step.error(), errc::file_too_short);
  EXPECT_EQ(buffer.size() + written, 100'004U);
}

/// A buffer whose content ends in each way there is: nowhere, with room behind it, without, and in memory of others.
std::array<Buffer, 5> buffers_to_read_into(Pool& pool) {
  std::array<Buffer, 5> buffers{Buffer(pool), Buffer(pool), Buffer(pool), Buffer(pool), Buffer(pool)};
  buffers[1].append("with room");
  buffers[2].append(std::string_view(pattern(512)));
  buffers[3].append("with room, ");
  for (int i = 0; i < 3; ++i) buffers[3].append_static("and others' behind it");
  (void)buffers[4].reserve(100);
  return buffers;
}

TEST(BufferIo, whichever_allocation_fails_nothing_that_came_is_lost) {
  if (!can_throw()) GTEST_SKIP() << "needs exceptions: a pipe cannot be tried in a child process first";
  const std::string text = pattern(20'000);
  for (const std::size_t size : {1U, 200U, 600U, 20'000U}) {
    for (std::size_t which = 0; which < 5; ++which) {
      for (std::size_t failing = 1; failing <= 8; ++failing) {
        Pool pool({.cached = false});
        Buffer buffer = std::move(buffers_to_read_into(pool)[which]);
        const Pipe pipe;
        ASSERT_TRUE(sys::write(pipe.writer.number(), as_bytes(text).first(size)));
        Buffer expected = buffer.share();
        Result<std::size_t> count = std::size_t{0};
        bool threw = false;
        {
          const AllocationPlan plan(failing, true);
          threw = throws_bad_alloc([&] { count = read_from(pipe.reader.number(), buffer); });
        }
        if (threw) {
          EXPECT_EQ(buffer, expected);
          count = read_from(pipe.reader.number(), buffer);
        }

        ASSERT_TRUE(count);
        EXPECT_EQ(*count, size);
        expected.append(as_bytes(text).first(size));
        EXPECT_EQ(buffer, expected);
      }
    }
  }
}

// hazard: B8
TEST(BufferIo, few_bytes_that_are_read_hold_little_memory) {
  Buffer buffer;
  for (const std::size_t size : {1U, 100U, 1000U, 4000U, 5000U, 60'000U}) {
    const Pipe pipe;
    ASSERT_TRUE(sys::write(pipe.writer.number(), as_bytes(pattern(size))));

    ASSERT_EQ(*read_from(pipe.reader.number(), buffer), size);

    EXPECT_LE(buffer.memory().pinned, std::max<std::size_t>(16 * size, 512));
    buffer.clear();
  }
}

TEST(BufferIo, what_is_read_in_small_parts_fills_the_same_block) {
  const Pipe pipe;
  Buffer buffer;
  for (int i = 0; i < 512; ++i) {
    ASSERT_TRUE(sys::write(pipe.writer.number(), as_bytes("x")));
    ASSERT_EQ(*read_from(pipe.reader.number(), buffer), 1U);
  }

  EXPECT_EQ(buffer.slice_count(), 1U);
}

struct Counter final : BufferObserver {
  void changed(Buffer&, const BufferChange& change) noexcept override {
    ++told;
    last = change;
  }
  int told = 0;
  BufferChange last;
};

TEST(BufferIo, observers_are_told_once_of_each_call) {
  const Pipe pipe;
  Buffer buffer;
  buffer.append("0123456789");
  Counter counter;
  buffer.add_observer(counter);
  ASSERT_TRUE(sys::write(pipe.writer.number(), as_bytes(pattern(10'000))));

  ASSERT_TRUE(read_from(pipe.reader.number(), buffer));
  EXPECT_EQ(counter.told, 1);
  EXPECT_EQ(counter.last.added, 10'000U);

  ASSERT_TRUE(write_to(pipe.writer.number(), buffer));
  EXPECT_EQ(counter.told, 2);
  EXPECT_EQ(counter.last.removed, 10'010U);
}

TEST(BufferIo, what_a_write_releases_may_destroy_the_buffer) {
  const TestFile source(pattern(100));
  const Pipe pipe;
  for (const std::size_t size : {100U, 40U}) {
    auto buffer = std::make_unique<Buffer>();
    {
      const SharedFile file = SharedFile::adopt(source.open(), [&] { buffer.reset(); });
      buffer->append(file.range(0, size));
      buffer->append_static("more");
    }

    EXPECT_TRUE(write_to(pipe.writer.number(), *buffer, 50));

    EXPECT_EQ(buffer == nullptr, size <= 50);
    if (buffer != nullptr) {
      EXPECT_EQ(buffer->size(), 54U);
    }
    buffer.reset();
  }
}

TEST(BufferIo, a_write_that_fails_or_must_wait_loses_nothing) {
  const std::string text = pattern(3000);
  for (const int error : {EAGAIN, EIO, EPIPE, ENOSPC, EINTR}) {
    sys::FaultKernel kernel(
        sys::FaultPlan::script({{.calls = {sys::Call::write_pieces}, .to = 2, .fault = {.error = error}},
                                {.calls = {sys::Call::write_pieces}, .from = 4, .to = 5, .fault = {.at_most = 1001}}}));
    const sys::ScopedKernel scope(kernel);
    const Pipe pipe;
    Buffer buffer;
    for (std::size_t at = 0; at < text.size(); at += 300) buffer.append_static(std::string_view(text).substr(at, 300));
    int failures = 0;

    while (!buffer.is_empty()) {
      const Result<std::size_t> written = write_to(pipe.writer.number(), buffer);
      if (written) continue;
      EXPECT_EQ(written.error(), system_error(error));
      EXPECT_EQ(buffer, text);
      ++failures;
    }

    EXPECT_EQ(failures, error == EINTR ? 0 : 2);
    Buffer arrived;
    EXPECT_EQ(*read_from(pipe.reader.number(), arrived), text.size());
    EXPECT_EQ(arrived, text);
  }
}

TEST(BufferIo, nothing_to_write_and_nothing_to_be_read_make_no_call) {
  sys::FaultKernel counting;
  const sys::ScopedKernel scope(counting);
  Buffer buffer;

  EXPECT_EQ(*write_to(-1, buffer), 0U);
  buffer.append("x");
  EXPECT_EQ(*write_to(-1, buffer, 0), 0U);
  EXPECT_EQ(*read_from(-1, buffer, 0), 0U);

  EXPECT_EQ(counting.all_calls(), 0U);
}

TEST(BufferIo, without_memory_nothing_is_read) {
  Pool pool({.cached = false});
  Buffer buffer(pool);
  const Pipe pipe;
  ASSERT_TRUE(sys::write(pipe.writer.number(), as_bytes("waiting")));
  {
    const AllocationPlan plan(1, true);
    EXPECT_TRUE(throws_bad_alloc([&] { (void)read_from(pipe.reader.number(), buffer); }));
  }
  EXPECT_EQ(*read_from(pipe.reader.number(), buffer), 7U);
  EXPECT_EQ(buffer, "waiting");
}

}  // namespace
}  // namespace weir
