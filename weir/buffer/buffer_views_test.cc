// weir: tests of how long views last, what publishing costs, and of limits that are told.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/throws.h"
#include "weir/buffer/allocation_plan.h"
#include "weir/buffer/buffer.h"
#include "weir/buffer/draft.h"
#include "weir/buffer/pool.h"

namespace weir {
namespace {

using testing_support::throws_bad_alloc;

const std::string memory(5000, 'm');

/// Everything that leaves the first ten bytes of a buffer unconsumed.
std::vector<void (*)(Buffer&)> operations_that_keep_the_front() {
  return {
      [](Buffer& b) { b.append("small"); },
      [](Buffer& b) { b.append(std::string_view(memory)); },
      [](Buffer& b) { b.append(std::string(200'000, 'l')); },
      [](Buffer& b) { b.append_static(memory); },
      [](Buffer& b) {
        Buffer other;
        other.append("other");
        b.append(std::move(other));
      },
      [](Buffer& b) { EXPECT_TRUE(b.reserve(100'000)); },
      [](Buffer& b) {
        (void)b.prepare(3000);
        b.commit(3000);
      },
      [](Buffer& b) {
        Draft draft = b.draft();
        draft.append(std::string_view(memory));
        draft.commit();
      },
      [](Buffer& b) { b.prepend("in front"); },
      [](Buffer& b) { b.prepend(Slice::from_static(memory)); },
      [](Buffer& b) { b.truncate(b.size() - 1); },
      [](Buffer& b) { (void)b.split(b.size() - 1); },
      [](Buffer& b) { (void)b.share(); },
      [](Buffer& b) { (void)b.contiguous(10); },
      [](Buffer& b) { (void)b.writable(10); },
      [](Buffer& b) {
        Buffer other(std::move(b));
        b = std::move(other);
      },
  };
}

// hazard: LB6
TEST(BufferViews, a_view_stays_valid_until_its_bytes_are_consumed) {
  for (const auto operate : operations_that_keep_the_front()) {
    Buffer buffer;
    buffer.append("0123456789 and more");
    const Bytes contiguous = buffer.contiguous(10);
    const Bytes front = buffer.front();

    for (int i = 0; i < 3 && !buffer.is_empty(); ++i) operate(buffer);

    EXPECT_EQ(as_text(contiguous), "0123456789");
    EXPECT_EQ(as_text(front.first(10)), "0123456789");
  }
}

// hazard: LB6
TEST(BufferViews, what_is_freed_when_consumed_is_freed_then_and_not_before) {
  Pool pool;
  Buffer buffer(pool);
  buffer.append(std::string_view(std::string(100'000, 'a')));
  const std::size_t held = pool.stats().blocks;
  ASSERT_GE(held, 2U);

  buffer.drop(buffer.front().size() - 1);
  EXPECT_EQ(pool.stats().blocks, held);
  buffer.drop(1);
  EXPECT_EQ(pool.stats().blocks, held - 1);
}

/// The time that one commit of so many staged slices takes, the least of many.
std::chrono::nanoseconds commit_time(std::size_t slices) {
  auto least = std::chrono::nanoseconds::max();
  for (int round = 0; round < 5; ++round) {
    Buffer buffer;
    buffer.append(Slice::from_static(
        "earlier content that is not copied, for it is too long for that: so many bytes, and so many more"
        " that nobody would think of copying them"));
    Draft draft = buffer.draft();
    for (std::size_t i = 0; i < slices; ++i)
      draft.append(Slice::from_static(std::string_view(memory).substr(i % 2, 200)));
    const std::size_t allocations = allocations_so_far();
    const auto begin = std::chrono::steady_clock::now();
    draft.commit();
    const auto end = std::chrono::steady_clock::now();
    EXPECT_LE(allocations_so_far() - allocations, 1U);
    EXPECT_EQ(buffer.slice_count(), slices + 1);
    least = std::min(least, std::chrono::nanoseconds(end - begin));
  }
  return least;
}

// hazard: LB5
TEST(BufferViews, publishing_costs_the_same_however_much_is_staged) {
  // A walk over a hundred thousand slices takes 50 microseconds at the very least; a commit, well under one.
  EXPECT_LT(commit_time(100'000), std::chrono::microseconds(20));
}

// hazard: LB5
TEST(BufferViews, looking_again_and_again_at_a_growing_buffer_copies_little) {
  Pool pool;
  Buffer buffer(pool);
  for (int i = 0; i < 1000; ++i) {
    buffer.append(Slice::from_static(std::string_view(memory).substr(0, 200)));
    EXPECT_EQ(buffer.contiguous(100).size(), 100U);
    EXPECT_EQ(buffer.contiguous(150).size(), 150U);
  }
  EXPECT_LE(pool.stats().blocks, 1U);
  buffer.append("x");
  EXPECT_EQ(buffer.contiguous(250).size(), 250U);
  const std::byte* const joined = buffer.front().data();
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(buffer.contiguous(250).data(), joined) << "copied again";
  EXPECT_LE(pool.stats().blocks, 2U);
}

// hazard: CH7
TEST(BufferEnd, gives_back_the_object_and_all_that_it_held) {
  const std::size_t before = Pool::default_pool().stats().blocks;
  int released = 0;
  {
    const auto buffer = std::make_unique<Buffer>();
    for (int i = 0; i < 100; ++i) {
      buffer->append(std::string_view(memory));
      buffer->append_foreign(as_bytes(memory), [&] { ++released; });
      buffer->append(std::string(2000, 's'));
    }
    ASSERT_GT(Pool::default_pool().stats().blocks, before);
  }

  EXPECT_EQ(Pool::default_pool().stats().blocks, before);
  EXPECT_EQ(released, 100);
}

// hazard: CH8
TEST(BufferLimits, a_spent_budget_is_told_by_every_way_to_add_and_nothing_is_lost) {
  Pool pool({.limit = 64 << 10});
  Buffer buffer(pool);
  const std::string piece(8 << 10, 'p');
  std::size_t appended = 0;
  while (buffer.try_append(as_bytes(piece))) appended += piece.size();
  ASSERT_GE(appended, std::size_t{32} << 10);
  ASSERT_LE(appended, std::size_t{64} << 10);

  EXPECT_TRUE(throws_bad_alloc([&] { buffer.append(std::string_view(piece)); }));
  EXPECT_TRUE(throws_bad_alloc([&] { buffer.prepend(std::string_view(piece)); }));
  EXPECT_TRUE(throws_bad_alloc([&] { (void)buffer.prepare(piece.size()); }));
  EXPECT_TRUE(throws_bad_alloc([&] { (void)buffer.contiguous(buffer.size()); }));
  EXPECT_EQ(buffer.reserve(piece.size()).error(), errc::budget);
  EXPECT_TRUE(pool.is_pressed()) << "which makes loops stop reading";
  EXPECT_EQ(buffer, std::string(appended, 'p'));

  buffer.drop(appended / 2);
  EXPECT_TRUE(buffer.try_append(as_bytes(piece)));
}

}  // namespace
}  // namespace weir
