// weir: tests of reading the file ranges of a buffer into memory.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <cerrno>
#include <optional>
#include <string>
#include <utility>

#include "tests/support/numbered_text.h"
#include "tests/support/test_file.h"
#include "weir/buffer/buffer.h"
#include "weir/buffer/buffer_observer.h"
#include "weir/buffer/file_range.h"
#include "weir/buffer/pool.h"
#include "weir/sys/fault_kernel.h"

namespace weir {
namespace {

using namespace weir::literals;
using sys::Call;
using sys::FaultKernel;
using sys::FaultPlan;
using sys::ScopedKernel;
using testing_support::numbered;
using testing_support::TestFile;

TEST(Materialize, reads_what_lies_in_the_first_bytes_and_no_more) {
  const std::string text = numbered(1000);
  const TestFile file(text);
  Buffer buffer;
  buffer.append("head");
  buffer.append(file.share().range(100, 500));
  buffer.append("tail");

  ASSERT_TRUE(buffer.materialize(4));
  EXPECT_EQ(buffer.memory_size(), 4U);
  ASSERT_TRUE(buffer.materialize(54));
  EXPECT_EQ(buffer.memory_size(), 54U);
  const std::optional<FileRange> rest = buffer.split(54).front_file();
  ASSERT_TRUE(rest);
  EXPECT_EQ(rest->offset(), 150U);
  EXPECT_EQ(rest->size(), 450U);
  EXPECT_EQ(buffer, "head" + text.substr(100, 50));
}

TEST(Materialize, reads_a_long_range_into_blocks_and_several_ranges_in_their_order) {
  const std::string text = numbered(300'000);
  const TestFile file(text);
  const SharedFile shared = file.share();
  Buffer buffer;
  buffer.append(shared.range(200'000, 100'000));
  buffer.append(" between ");
  buffer.append(shared.range(0, 200'000));

  ASSERT_TRUE(buffer.materialize(buffer.size()));

  EXPECT_EQ(buffer, text.substr(200'000) + " between " + text.substr(0, 200'000));
  EXPECT_EQ(buffer.memory_size(), 300'009U);
}

// hazard: B4
TEST(Materialize, a_file_that_has_become_shorter_is_an_error_as_often_as_it_is_asked_and_costs_nothing_that_is_there) {
  const std::string text = numbered(200'000);
  TestFile file(text);
  Buffer buffer;
  buffer.append(file.share().range(0, 200'000));
  buffer.append("tail");
  file.truncate(150'000);

  for (int again = 0; again < 3; ++again) {
    const Result<void> read = buffer.materialize(buffer.size());
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error(), errc::file_too_short);
    EXPECT_EQ(buffer.size(), 200'004U);
    EXPECT_EQ(buffer.memory_size(), 150'000U);
  }
  EXPECT_EQ(buffer.take(150'000), text.substr(0, 150'000));
  buffer.drop(50'000);
  EXPECT_EQ(buffer, "tail");
}

TEST(Materialize, a_call_that_was_interrupted_is_made_again) {
  FaultKernel kernel(FaultPlan::nth(1, {.error = EINTR}, {Call::read_at}));
  const ScopedKernel installed(kernel);
  const std::string text = numbered(10'000);
  const TestFile file(text);
  Buffer buffer;
  buffer.append(file.share().range(0, text.size()));

  ASSERT_TRUE(buffer.materialize(buffer.size()));

  EXPECT_EQ(buffer, text);
  EXPECT_GE(kernel.calls(Call::read_at), 2U);
}

TEST(Materialize, an_error_of_the_system_is_told_and_the_range_stays) {
  FaultKernel kernel(FaultPlan::nth(1, {.error = EIO}, {Call::read_at}));
  const ScopedKernel installed(kernel);
  const TestFile file(numbered(100));
  Buffer buffer;
  buffer.append(file.share().range(0, 100));

  const Result<void> read = buffer.materialize(100);

  ASSERT_FALSE(read);
  EXPECT_EQ(read.error(), std::errc::io_error);
  EXPECT_TRUE(buffer.front_file());
  ASSERT_TRUE(buffer.materialize(100));
  EXPECT_EQ(buffer, numbered(100));
}

TEST(Materialize, without_a_budget_nothing_is_lost_and_it_goes_on_when_there_is_one) {
  Pool pool({.limit = 96_KiB});
  const std::string text = numbered(100'000);
  const TestFile file(text);
  Buffer buffer(pool);
  buffer.append(file.share().range(0, text.size()));

  const Result<void> read = buffer.materialize(text.size());

  ASSERT_FALSE(read);
  EXPECT_EQ(read.error(), errc::budget);
  EXPECT_EQ(buffer.size(), text.size());
  EXPECT_EQ(buffer.memory_size(), 64_KiB);
  EXPECT_EQ(buffer.take(64_KiB), text.substr(0, 64_KiB));
  ASSERT_TRUE(buffer.materialize(buffer.size()));
  EXPECT_EQ(buffer, text.substr(64_KiB));
}

TEST(Materialize, lets_a_file_go_that_was_read_and_its_release_may_destroy_the_buffer) {
  const TestFile file("all of it");
  std::optional<Buffer> buffer(std::in_place);
  bool is_released = false;
  {
    SharedFile shared = SharedFile::adopt(file.open(), [&] {
      is_released = true;
      buffer.reset();
    });
    buffer->append(shared.range(0, 9));
  }
  EXPECT_FALSE(is_released);

  ASSERT_TRUE(buffer->materialize(9));

  EXPECT_TRUE(is_released);
  EXPECT_FALSE(buffer);
}

TEST(Materialize, changes_no_byte_so_that_observers_hear_nothing) {
  struct Deaf final : BufferObserver {
    void changed(Buffer&, const BufferChange&) noexcept override { ++told; }
    int told = 0;
  };
  const TestFile file("in a file");
  Buffer buffer;
  buffer.append(file.share().range(0, 9));
  Deaf observer;
  buffer.add_observer(observer);

  ASSERT_TRUE(buffer.materialize(9));

  EXPECT_EQ(observer.told, 0);
  EXPECT_EQ(buffer, "in a file");
}

}  // namespace
}  // namespace weir
