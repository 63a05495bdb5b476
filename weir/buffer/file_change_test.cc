// weir: tests of files that become shorter or longer while a buffer holds parts of them.
// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <string>
#include <string_view>

#include "tests/support/numbered_text.h"
#include "tests/support/test_file.h"
#include "weir/buffer/allocation_plan.h"
#include "weir/buffer/buffer.h"
#include "weir/buffer/buffer_io.h"
#include "weir/buffer/file_range.h"
#include "weir/buffer/pool.h"

namespace weir {
namespace {

using namespace weir::literals;
using testing_support::numbered;
using testing_support::TestFile;

constexpr std::size_t declared = 400'000;

/// Puts the bytes back that were cut off.
void restore(const TestFile& file, std::string_view text) {
  const sys::Descriptor writer(::open(file.path().c_str(), O_WRONLY | O_CLOEXEC));
  ASSERT_EQ(::pwrite(writer.number(), text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
}

std::string content_of(const TestFile& file) {
  Buffer read;
  const sys::Descriptor reader = file.open();
  while (read_from_at(reader.number(), read.size(), read)) {}
  return std::string(as_text(read.contiguous(read.size())));
}

/// A file of `declared` bytes in a buffer, between "head" and "tail". Every block of its pool is an allocation.
class ChangingFile : public testing::Test {
 protected:
  ChangingFile() : text_(numbered(declared)), file_(text_) {
    buffer_.append("head");
    buffer_.append(file_.share().range(0, declared));
    buffer_.append("tail");
  }

  /// Each call cuts some more off the file, down to `least` bytes.
  void shrink(std::size_t by, std::size_t least) {
    size_ = std::max(least, size_ - std::min(size_, by));
    file_.truncate(size_);
  }

  const std::string text_;
  TestFile file_;
  std::size_t size_ = declared;
  Pool pool_{PoolOptions{.limit = 16_MiB, .cached = false}};
  Buffer buffer_{pool_};
};

// hazard: B4
TEST_F(ChangingFile, that_shrinks_step_by_step_while_it_is_read_is_too_short_and_costs_nothing_that_was_read) {
  int shrunk = 0;
  std::error_code error;
  {
    const std::function<void()> between_reads = [&] {
      ++shrunk;
      shrink(20'000, 30'000);
    };
    const AllocationHook hook(between_reads);
    const Result<void> read = buffer_.materialize(buffer_.size());
    if (!read) error = read.error();
  }
  ASSERT_GE(shrunk, 4) << "several steps";

  EXPECT_EQ(error, errc::file_too_short);
  EXPECT_EQ(buffer_.size(), declared + 8);
  const std::size_t in_memory = buffer_.memory_size();
  EXPECT_GT(in_memory, 64_KiB);
  EXPECT_LT(in_memory, 4 + declared);
  for (int again = 0; again < 3; ++again) {
    EXPECT_EQ(buffer_.materialize(buffer_.size()).error(), errc::file_too_short);
    EXPECT_EQ(buffer_.memory_size(), in_memory);
  }
  EXPECT_EQ(buffer_.share(0, in_memory), ("head" + text_).substr(0, in_memory));

  restore(file_, text_);
  ASSERT_TRUE(buffer_.materialize(buffer_.size()));
  EXPECT_EQ(buffer_, "head" + text_ + "tail");
}

// hazard: B4
TEST_F(ChangingFile, that_shrinks_to_nothing_before_the_first_read_is_too_short_and_stays_a_range) {
  buffer_.drop(4);
  file_.truncate(0);

  for (int again = 0; again < 3; ++again) {
    EXPECT_EQ(buffer_.materialize(1).error(), errc::file_too_short);
    EXPECT_EQ(buffer_.memory_size(), 0U);
    EXPECT_EQ(buffer_.front_file()->size(), declared);
  }
  EXPECT_EQ(buffer_.split(declared), "tail");
}

// hazard: B4
TEST_F(ChangingFile, that_shrinks_between_writes_is_written_as_far_as_it_goes_and_then_too_short_for_ever) {
  const TestFile target("");
  const sys::Descriptor descriptor(::open(target.path().c_str(), O_WRONLY | O_CLOEXEC));
  std::size_t written = 0;
  std::error_code error;
  int rounds = 0;

  for (; !error && rounds < 100; ++rounds) {
    const Result<std::size_t> step = write_to(descriptor.number(), buffer_);
    ASSERT_TRUE(!step || *step > 0);
    step ? void(written += *step) : void(error = step.error());
    shrink(30'000, 50'000);
  }

  EXPECT_EQ(error, errc::file_too_short);
  EXPECT_GT(rounds, 3);
  EXPECT_EQ(written + buffer_.size(), declared + 8);
  for (int again = 0; again < 3; ++again) {
    EXPECT_EQ(write_to(descriptor.number(), buffer_).error(), errc::file_too_short);
    EXPECT_EQ(write_all_to(descriptor.number(), buffer_).error(), errc::file_too_short);
  }
  EXPECT_EQ(written + buffer_.size(), declared + 8);
  EXPECT_EQ(content_of(target), ("head" + text_).substr(0, written));

  restore(file_, text_);
  ASSERT_TRUE(write_all_to(descriptor.number(), buffer_));
  EXPECT_EQ(content_of(target), "head" + text_ + "tail");
}

// hazard: B4
TEST_F(ChangingFile, that_shrinks_while_all_of_it_is_written_ends_the_write_and_not_the_rest) {
  const TestFile target("");
  const sys::Descriptor descriptor(::open(target.path().c_str(), O_WRONLY | O_CLOEXEC));
  std::error_code error;
  {
    const std::function<void()> between_reads = [&] { shrink(20'000, 30'000); };
    const AllocationHook hook(between_reads);
    const Result<void> all = write_all_to(descriptor.number(), buffer_);
    if (!all) error = all.error();
  }

  EXPECT_EQ(error, errc::file_too_short);
  const std::size_t written = declared + 8 - buffer_.size();
  EXPECT_GT(written, 64_KiB);
  EXPECT_LT(written, 4 + declared);
  EXPECT_EQ(content_of(target), ("head" + text_).substr(0, written));
  EXPECT_EQ(buffer_.split(buffer_.size() - 4), "tail");
}

// hazard: B4
TEST_F(ChangingFile, that_has_grown_gives_the_declared_bytes_and_no_more) {
  Buffer whole(pool_);
  whole.append(*file_.share().whole());
  file_.write("grown, by more than a block: " + text_);
  Buffer written(pool_);
  written.append(whole.share());
  const TestFile target("");
  const sys::Descriptor descriptor(::open(target.path().c_str(), O_WRONLY | O_CLOEXEC));

  ASSERT_TRUE(whole.materialize(whole.size()));
  ASSERT_TRUE(buffer_.materialize(buffer_.size()));
  ASSERT_TRUE(write_all_to(descriptor.number(), written));

  EXPECT_EQ(whole, text_);
  EXPECT_EQ(buffer_, "head" + text_ + "tail");
  EXPECT_EQ(content_of(target), text_);
}

// hazard: B4
TEST_F(ChangingFile, that_grows_while_it_is_read_gives_the_declared_bytes_and_no_more) {
  {
    const std::function<void()> between_reads = [&] { file_.truncate(size_ += 100'000); };
    const AllocationHook hook(between_reads);
    ASSERT_TRUE(buffer_.materialize(buffer_.size()));
  }

  EXPECT_EQ(buffer_, "head" + text_ + "tail");
}

// hazard: B4
TEST_F(ChangingFile, that_was_shorter_than_its_range_and_has_grown_into_it_is_read) {
  file_.truncate(100'000);
  ASSERT_EQ(buffer_.materialize(buffer_.size()).error(), errc::file_too_short);
  ASSERT_EQ(buffer_.memory_size(), 100'004U);

  restore(file_, text_);

  ASSERT_TRUE(buffer_.materialize(buffer_.size()));
  EXPECT_EQ(buffer_, "head" + text_ + "tail");
}

}  // namespace
}  // namespace weir
