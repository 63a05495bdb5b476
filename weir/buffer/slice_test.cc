// weir: tests of slices.
// SPDX-License-Identifier: MIT
#include "weir/buffer/slice.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/support/throws.h"
#include "weir/base/bytes.h"
#include "weir/buffer/allocation_plan.h"
#include "weir/buffer/pool.h"

namespace weir {
namespace {

using testing_support::throws_bad_alloc;

TEST(Slice, copies_and_parts_view_the_same_memory) {
  const std::string text = "hello world" + std::string(100, '.');
  const Slice whole = Slice::copy_of(as_bytes(text), Pool::default_pool());

  const Slice copy = whole;
  const Slice part = whole.subslice(6, 5);

  EXPECT_EQ(copy.data(), whole.data());
  EXPECT_EQ(part.data(), whole.data() + 6);
  EXPECT_EQ(as_text(part.bytes()), "world");
  EXPECT_EQ(Pool::default_pool().stats().blocks, 1U);
}

TEST(Slice, a_copy_of_few_bytes_lies_beside_its_header) {
  for (const std::size_t size : {1U, 63U, 64U, 65U}) {
    const std::string text(size, 't');

    const Slice slice = Slice::copy_of(as_bytes(text), Pool::default_pool());

    EXPECT_EQ(as_text(slice.bytes()), text);
    EXPECT_EQ(Pool::default_pool().stats().blocks, size <= 64 ? 0U : 1U);
  }
}

TEST(Slice, a_part_keeps_the_memory_alive) {
  Slice part;
  {
    const Slice whole = Slice::copy_of(as_bytes("hello world"), Pool::default_pool());
    part = whole.subslice(0, 5);
  }

  EXPECT_EQ(as_text(part.bytes()), "hello");
}

TEST(Slice, adopts_a_string_without_copying_it) {
  std::string text(4000, 'x');
  const void* memory = text.data();

  const Slice slice = Slice::adopt(std::move(text));

  EXPECT_EQ(slice.data(), memory);
  EXPECT_EQ(slice.size(), 4000U);
  EXPECT_TRUE(text.empty());  // NOLINT(bugprone-use-after-move): that it is empty is promised
}

TEST(Slice, adopts_a_string_that_lives_inside_its_object) {
  Slice slice;
  {
    std::string text = "short";
    slice = Slice::adopt(std::move(text));
  }

  EXPECT_EQ(as_text(slice.bytes()), "short");
}

TEST(Slice, adopts_a_vector_without_copying_it) {
  std::vector<std::byte> bytes(4000);
  const void* memory = bytes.data();

  const Slice slice = Slice::adopt(std::move(bytes));

  EXPECT_EQ(slice.data(), memory);
  EXPECT_EQ(slice.size(), 4000U);
}

TEST(Slice, releases_foreign_memory_once_when_the_last_slice_goes) {
  int released = 0;
  {
    Slice part;
    {
      const Slice whole = Slice::foreign(as_bytes("foreign"), [&] { ++released; });
      part = whole.subslice(1, 2);
    }
    EXPECT_EQ(released, 0);
    const Slice moved = std::move(part);
    part = {};
    EXPECT_EQ(released, 0);
  }
  EXPECT_EQ(released, 1);
}

TEST(Slice, releases_foreign_memory_without_bytes_at_once) {
  int released = 0;

  const Slice slice = Slice::foreign({}, [&] { ++released; });

  EXPECT_TRUE(slice.is_empty());
  EXPECT_EQ(released, 1);
}

TEST(Slice, empty_parts_and_copies_hold_nothing) {
  int released = 0;
  Slice whole = Slice::foreign(as_bytes("foreign"), [&] { ++released; });
  const Slice nothing = whole.subslice(7, 0);

  whole = {};

  EXPECT_EQ(released, 1);
  EXPECT_TRUE(nothing.is_empty());
  EXPECT_TRUE(Slice::copy_of({}, Pool::default_pool()).is_empty());
}

TEST(Slice, assigning_it_to_itself_changes_nothing) {
  Slice slice = Slice::copy_of(as_bytes("hello"), Pool::default_pool());
  Slice& same = slice;

  slice = same;
  slice = std::move(same);

  EXPECT_EQ(as_text(slice.bytes()), "hello");
}

TEST(Slice, assigning_in_a_release_callback_finds_the_slice_in_order) {
  Slice slice;
  std::string seen;
  slice = Slice::foreign(as_bytes("old"), [&] { seen = as_text(slice.bytes()); });

  slice = Slice::from_static("new");

  EXPECT_EQ(seen, "new");
}

TEST(Slice, throws_and_leaves_the_argument_alone_when_there_is_no_memory) {
  std::vector<Slice> held;  // uses up the headers that the thread keeps for reuse
  for (int i = 0; i < 100; ++i) held.push_back(Slice::foreign(as_bytes("x"), [] {}));
  std::string text(4000, 'x');
  int released = 0;
  Callback<void()> release = [&] { ++released; };

  {
    const AllocationPlan plan(1, true);
    EXPECT_TRUE(throws_bad_alloc([&] { (void)Slice::adopt(std::move(text)); }));
    EXPECT_TRUE(throws_bad_alloc([&] { (void)Slice::foreign(as_bytes("x"), std::move(release)); }));
  }

  EXPECT_EQ(text.size(), 4000U);  // NOLINT(bugprone-use-after-move): that it stays is promised
  EXPECT_EQ(released, 0);
  EXPECT_TRUE(release);  // NOLINT(bugprone-use-after-move)
}

TEST(SliceDeathTest, a_part_beyond_the_end_is_a_programmer_error) {
  const Slice slice = Slice::from_static("hello");

  EXPECT_DEATH((void)slice.subslice(6, 0), "slice.h");
  EXPECT_DEATH((void)slice.subslice(1, 5), "slice.h");
  EXPECT_DEATH((void)slice.subslice(1, static_cast<std::size_t>(-1)), "slice.h");
}

}  // namespace
}  // namespace weir
