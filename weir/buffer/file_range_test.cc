// weir: tests of files and their parts in buffers.
// SPDX-License-Identifier: MIT
#include "weir/buffer/file_range.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <utility>

#include "tests/support/test_file.h"
#include "weir/buffer/buffer.h"

namespace weir {
namespace {

using testing_support::TestFile;

bool is_open(int descriptor) { return ::fcntl(descriptor, F_GETFD) != -1; }

TEST(SharedFile, that_is_opened_tells_its_size_and_closes_when_its_last_copy_is_gone) {
  const TestFile file("hello");
  int number = -1;
  {
    Result<SharedFile> opened = SharedFile::open(file.path());
    ASSERT_TRUE(opened);
    number = opened->descriptor();
    const SharedFile copy = *opened;
    *opened = SharedFile::borrow(0);

    EXPECT_EQ(*copy.size(), 5U);
    EXPECT_TRUE(is_open(number));
  }
  EXPECT_FALSE(is_open(number));
}

TEST(SharedFile, that_cannot_be_opened_tells_why) {
  EXPECT_EQ(SharedFile::open("/nonexistent/file").error(), std::errc::no_such_file_or_directory);
  EXPECT_EQ(SharedFile::open(std::string("/etc/passwd\0.html", 17)).error(), std::errc::invalid_argument);
}

TEST(SharedFile, lives_on_in_its_ranges_and_in_buffers) {
  const TestFile file("hello");
  FileRange range;
  {
    const Result<SharedFile> opened = SharedFile::open(file.path());
    range = *opened->whole();
  }
  const int number = range.descriptor();
  Buffer buffer;

  buffer.append(range);
  range = {};
  EXPECT_TRUE(is_open(number));

  buffer.clear();
  EXPECT_FALSE(is_open(number));
}

TEST(SharedFile, that_is_adopted_is_closed_before_it_is_released_and_that_once) {
  const TestFile file("hello");
  sys::Descriptor descriptor = file.open();
  const int number = descriptor.number();
  int released = 0;
  Buffer buffer;
  {
    const SharedFile adopted = SharedFile::adopt(std::move(descriptor), [&] {
      ++released;
      EXPECT_FALSE(is_open(number));
    });
    buffer.append(adopted.range(0, 5));
  }
  EXPECT_FALSE(descriptor);
  EXPECT_EQ(released, 0);

  buffer.drop(5);

  EXPECT_EQ(released, 1);
}

TEST(SharedFile, that_is_borrowed_stays_open) {
  const TestFile file("hello");
  const sys::Descriptor descriptor = file.open();
  int released = 0;

  {
    const SharedFile borrowed = SharedFile::borrow(descriptor.number(), [&] { ++released; });
  }

  EXPECT_EQ(released, 1);
  EXPECT_TRUE(is_open(descriptor.number()));
}

TEST(FileRange, is_cut_and_copied_without_being_read) {
  const TestFile file("0123456789");
  const SharedFile shared = file.share();
  const FileRange range = shared.range(2, 6);

  const FileRange part = range.subrange(1, 3);

  EXPECT_EQ(part.offset(), 3U);
  EXPECT_EQ(part.size(), 3U);
  EXPECT_EQ(part, shared.range(3, 3));
  EXPECT_NE(part, shared.range(3, 4));
  EXPECT_NE(part, file.share().range(3, 3));
  EXPECT_EQ(part.file(), shared);
  EXPECT_TRUE(range.subrange(6, 0).is_empty());
  EXPECT_EQ(range.subrange(6, 0), FileRange());
  EXPECT_EQ(shared.range(4, 0), FileRange());
}

TEST(FileRange, may_reach_to_the_last_offset_and_not_beyond) {
  const TestFile file("");
  const SharedFile shared = file.share();

  EXPECT_EQ(shared.range(FileRange::max_end - 1, 1).offset(), FileRange::max_end - 1);
  EXPECT_EQ(shared.range(0, FileRange::max_end).size(), FileRange::max_end);
  EXPECT_DEATH((void)shared.range(FileRange::max_end, 1), "file_range");
  EXPECT_DEATH((void)shared.range(1, ~std::size_t{0}), "file_range");
  EXPECT_DEATH((void)shared.range(~std::uint64_t{0}, 1), "file_range");
  EXPECT_DEATH((void)shared.range(0, 5).subrange(3, 3), "file_range");
}

TEST(FileRange, of_nothing_adds_nothing_to_a_buffer) {
  Buffer buffer;

  buffer.append(FileRange());

  EXPECT_TRUE(buffer.is_empty());
}

TEST(FileRange, counts_as_its_bytes_and_is_read_when_materialized) {
  const TestFile file("0123456789");
  Buffer buffer;
  buffer.append("head ");
  buffer.append(file.share().range(2, 6));
  buffer.append(" tail");

  EXPECT_EQ(buffer.size(), 16U);
  EXPECT_EQ(buffer.memory_size(), 5U);
  ASSERT_TRUE(buffer.materialize(buffer.size()));

  EXPECT_EQ(buffer, "head 234567 tail");
  EXPECT_EQ(buffer.memory_size(), 16U);
}

TEST(FileRange, next_to_its_continuation_becomes_one_with_it) {
  const TestFile file("0123456789");
  const SharedFile shared = file.share();
  Buffer buffer;

  buffer.append(shared.range(1, 4));
  buffer.append(shared.range(5, 2));

  EXPECT_EQ(*buffer.front_file(), shared.range(1, 6));
}

TEST(FileRange, at_the_front_is_told_and_shared_with_the_buffer) {
  const TestFile file("0123456789");
  const SharedFile shared = file.share();
  Buffer buffer;
  EXPECT_FALSE(buffer.front_file());

  buffer.append(shared.range(0, 10));
  buffer.drop(3);

  EXPECT_EQ(*buffer.front_file(), shared.range(3, 7));
  ASSERT_TRUE(buffer.materialize(1));
  EXPECT_FALSE(buffer.front_file());
}

TEST(SharedFile, that_is_longer_than_any_range_is_an_error) {
  sys::Descriptor huge(::memfd_create("huge", MFD_CLOEXEC));
  ASSERT_EQ(::ftruncate(huge.number(), off_t{3} << 60), 0);

  const Result<FileRange> whole = SharedFile::adopt(std::move(huge)).whole();

  ASSERT_FALSE(whole);
  EXPECT_EQ(whole.error(), std::errc::file_too_large);
}

}  // namespace
}  // namespace weir
