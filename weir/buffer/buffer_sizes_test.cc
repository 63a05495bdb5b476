// weir: tests of sizes that no memory has, given to whatever takes a size.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/test_file.h"
#include "tests/support/throws.h"
#include "weir/buffer/buffer.h"
#include "weir/buffer/draft.h"
#include "weir/buffer/file_range.h"
#include "weir/buffer/pool.h"

namespace weir {
namespace {

using namespace weir::literals;
using testing_support::TestFile;
using testing_support::throws_bad_alloc;

constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
constexpr std::size_t length = 10;

/// All that is beyond what any pool has, borders of every sum there is included.
constexpr std::array huge_sizes{most,
                                most - 1,
                                most - length,
                                most - length + 1,
                                most - 256,
                                most / 2,
                                most / 2 + 1,
                                Buffer::max_size - 1,
                                Buffer::max_size,
                                Buffer::max_size + 1,
                                Buffer::max_size - length,
                                Buffer::max_size - length + 1,
                                4_GiB - 1,
                                4_GiB,
                                4_GiB + 1};

std::array<std::byte, 1> anywhere{};

/// Memory of any claimed length, never to be looked at.
Bytes claimed(std::size_t size) { return {anywhere.data(), size}; }

class BufferSizes : public testing::Test {
 protected:
  BufferSizes() {
    buffer_.append("01234");
    buffer_.append_static("56789");
    blocks_ = pool_.stats().blocks;
  }

  void expect_unchanged(std::size_t size) {
    ASSERT_EQ(buffer_, "0123456789") << size;
    ASSERT_EQ(pool_.stats().blocks, blocks_) << size;
  }

  /// `size` bytes that are claimed, at the end of an otherwise empty buffer.
  Buffer filled_to(std::size_t size) {
    Buffer filled(pool_);
    filled.append(Slice::from_static(claimed(size)));
    return filled;
  }

  Pool pool_{PoolOptions{.limit = 16_MiB}};
  Buffer buffer_{pool_};
  std::size_t blocks_ = 0;
};

// hazard: B1
TEST_F(BufferSizes, that_no_memory_has_are_not_prepended) {
  for (const std::size_t size : huge_sizes) {
    EXPECT_TRUE(throws_bad_alloc([&] { buffer_.prepend(claimed(size)); })) << size;
    expect_unchanged(size);
    Buffer empty(pool_);
    EXPECT_TRUE(throws_bad_alloc([&] { empty.prepend(claimed(size)); })) << size;
    EXPECT_TRUE(empty.is_empty());
  }
}

// hazard: B1
TEST_F(BufferSizes, of_slices_and_buffers_put_in_front_stop_at_the_maximum) {
  for (const std::size_t size : huge_sizes) {
    const bool fits = size <= Buffer::max_size - length;
    Buffer with_slice = buffer_.share();
    Slice slice = Slice::from_static(claimed(size));
    EXPECT_EQ(throws_bad_alloc([&] { with_slice.prepend(std::move(slice)); }), !fits) << size;
    EXPECT_EQ(with_slice.size(), fits ? length + size : length);
    EXPECT_EQ(slice.size(), fits ? 0 : size);  // NOLINT(bugprone-use-after-move): promised
    if (size > Buffer::max_size) continue;
    Buffer with_buffer = buffer_.share();
    Buffer other = filled_to(size);
    EXPECT_EQ(throws_bad_alloc([&] { with_buffer.prepend(std::move(other)); }), !fits) << size;
    EXPECT_EQ(with_buffer.size(), fits ? length + size : length);
    EXPECT_EQ(other.size(), fits ? 0 : size);  // NOLINT(bugprone-use-after-move): promised
  }
  Buffer full = filled_to(Buffer::max_size);
  EXPECT_TRUE(throws_bad_alloc([&] { full.prepend("x"); }));
  EXPECT_TRUE(throws_bad_alloc([&] { full.prepend_big_endian(std::uint8_t{1}); }));
  EXPECT_EQ(full.size(), Buffer::max_size);
}

// hazard: B1
TEST_F(BufferSizes, that_no_memory_has_are_neither_prepared_nor_reserved_and_commit_nothing) {
  for (const std::size_t size : huge_sizes) {
    EXPECT_TRUE(throws_bad_alloc([&] { (void)buffer_.prepare(size); })) << size;
    EXPECT_FALSE(buffer_.reserve(size)) << size;
    expect_unchanged(size);
    Buffer empty(pool_);
    EXPECT_TRUE(throws_bad_alloc([&] { (void)empty.prepare(size); })) << size;
    EXPECT_FALSE(empty.reserve(size)) << size;
    EXPECT_EQ(empty.memory().pinned, 0U);
  }
}

// hazard: B1
TEST_F(BufferSizes, just_below_the_maximum_prepare_gives_no_more_than_may_be_committed) {
  for (const std::size_t left : {std::size_t{0}, std::size_t{1}, std::size_t{100}, std::size_t{600}}) {
    Buffer nearly = filled_to(Buffer::max_size - left);

    EXPECT_EQ(nearly.prepare(left).size(), left);
    EXPECT_TRUE(throws_bad_alloc([&] { (void)nearly.prepare(left + 1); }));
    EXPECT_FALSE(nearly.reserve(left + 1));
    ASSERT_TRUE(nearly.reserve(left));

    nearly.append(std::string_view(std::string(left, 'x')));
    EXPECT_EQ(nearly.size(), Buffer::max_size);
  }
}

// hazard: B1
TEST_F(BufferSizes, that_no_memory_has_are_not_allocated_in_a_draft) {
  Draft draft = buffer_.draft();
  draft.append("staged");
  for (const std::size_t size : huge_sizes) {
    EXPECT_TRUE(throws_bad_alloc([&] { (void)draft.allocate(size); })) << size;
    EXPECT_EQ(draft.size(), 6U);
    EXPECT_EQ(buffer_, "0123456789");
  }
  draft.commit();
  EXPECT_EQ(buffer_, "0123456789staged");
}

// hazard: B1
TEST_F(BufferSizes, that_no_memory_has_are_an_upper_bound_only_for_allocate_up_to) {
  for (const std::size_t size : huge_sizes) {
    Buffer target(pool_);
    Draft draft = target.draft();
    for (int i = 0; i < 3; ++i) {
      const MutableBytes part = draft.allocate_up_to(size);
      EXPECT_GE(part.size(), 1U) << size;
      EXPECT_LE(part.size(), 128_KiB) << size;
      std::ranges::fill(part, std::byte{'.'});
    }
    const std::size_t staged = draft.size();
    draft.commit();
    EXPECT_EQ(target, std::string(staged, '.'));
  }
}

// hazard: B1
TEST_F(BufferSizes, of_a_draft_and_its_buffer_together_stop_at_the_maximum_when_committed) {
  Buffer nearly = filled_to(Buffer::max_size - 3);
  Draft draft = nearly.draft();
  draft.append("four");

  EXPECT_TRUE(throws_bad_alloc([&] { draft.commit(); }));
  EXPECT_EQ(draft.size(), 4U) << "still staged";
  EXPECT_EQ(nearly.size(), Buffer::max_size - 3);

  ASSERT_TRUE(draft.truncate(3));
  draft.commit();
  EXPECT_EQ(nearly.size(), Buffer::max_size);
}

// hazard: B1
TEST_F(BufferSizes, of_pieces_cannot_add_up_to_something_small) {
  const std::string text(20, 'p');
  for (const std::size_t size : huge_sizes) {
    for (const std::vector<Bytes>& pieces : {
             std::vector<Bytes>{claimed(size)},
             std::vector<Bytes>{as_bytes(text), claimed(size)},
             std::vector<Bytes>{claimed(size), as_bytes(text)},
             std::vector<Bytes>{as_bytes(text), claimed(size), claimed(most - size), claimed(1)},
             std::vector<Bytes>{as_bytes(text), claimed(size), claimed(most - size + 1)},
             std::vector<Bytes>{claimed(size), claimed(size), claimed(size), claimed(size)},
         }) {
      EXPECT_TRUE(throws_bad_alloc([&] { buffer_.append_pieces(pieces); })) << size;
      expect_unchanged(size);
    }
  }
  Buffer nearly = filled_to(Buffer::max_size - 3);
  EXPECT_TRUE(throws_bad_alloc([&] { nearly.append_pieces(std::vector<Bytes>{as_bytes("ab"), as_bytes("cd")}); }));
  EXPECT_EQ(nearly.size(), Buffer::max_size - 3);
  nearly.append_pieces(std::vector<Bytes>{as_bytes("ab"), as_bytes("c")});
  EXPECT_EQ(nearly.size(), Buffer::max_size);
}

// hazard: B1
TEST_F(BufferSizes, of_huge_files_are_shared_cut_and_added_up_exactly) {
  constexpr auto half = static_cast<std::size_t>(FileRange::max_end);
  const TestFile file("");
  const FileRange huge = file.share().range(0, half);
  Buffer files(pool_);
  for (int i = 0; i < 3; ++i) files.append(huge);
  ASSERT_EQ(files.size(), 3 * half);

  Buffer all = files.share();
  Buffer part = files.share(half - 1, half + 2);
  EXPECT_EQ(part.size(), half + 2);
  EXPECT_EQ(part.front_file()->offset(), half - 1);
  part.drop(1);
  EXPECT_EQ(*part.front_file(), huge);
  Buffer line = all.take_and_drop(2 * half - 1, half);
  EXPECT_EQ(line.size(), 2 * half - 1);
  EXPECT_EQ(all.size(), 1U);
  EXPECT_EQ(all.front_file()->offset(), half - 1);

  EXPECT_TRUE(throws_bad_alloc([&] { files.append(files.share()); }));
  EXPECT_TRUE(throws_bad_alloc([&] { files.prepend(files.share()); }));
  EXPECT_TRUE(throws_bad_alloc([&] { files.append(huge); })) << "one byte too many";
  EXPECT_EQ(files.size(), 3 * half);
  files.append(huge.subrange(0, half - 1));
  EXPECT_EQ(files.size(), Buffer::max_size);
  EXPECT_TRUE(throws_bad_alloc([&] { files.append("x"); }));
  EXPECT_EQ(files.materialize(files.size()).error(), errc::file_too_short);
  EXPECT_EQ(files.size(), Buffer::max_size);
}

using BufferSizesDeathTest = BufferSizes;

// hazard: B1
TEST_F(BufferSizesDeathTest, that_wrap_around_are_programmer_errors_where_so_much_must_be_there) {
  for (const std::size_t size : {most, most - length + 1, most / 2, Buffer::max_size + 1}) {
    EXPECT_DEATH((void)buffer_.take_and_drop(1, size), "take_and_drop");
    EXPECT_DEATH((void)buffer_.take_and_drop(size, 1), "take_and_drop");
    EXPECT_DEATH((void)buffer_.share(1, size), "share");
    EXPECT_DEATH((void)buffer_.share(size, 1), "share");
  }
  EXPECT_DEATH((void)buffer_.take_and_drop(length, 1), "take_and_drop");
  EXPECT_DEATH((void)buffer_.share(length, 1), "share");
  EXPECT_DEATH((void)buffer_.take(most), "take");
  EXPECT_DEATH((void)buffer_.split(most), "split");
  EXPECT_DEATH(buffer_.drop(most), "drop");
  EXPECT_DEATH(buffer_.truncate(most), "truncate");
  EXPECT_DEATH((void)buffer_.contiguous(most), "contiguous");
  EXPECT_DEATH((void)buffer_.writable(most), "writable");
  EXPECT_DEATH((void)buffer_.materialize(most), "materialize");
  EXPECT_DEATH((void)buffer_.gather({}, most), "gather");
  EXPECT_DEATH((void)buffer_.copy_to({}, most), "copy_to");
}

}  // namespace
}  // namespace weir
