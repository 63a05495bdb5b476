// weir: tests of a buffer at the limits of sizes and memory.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>
#include <pthread.h>

#include <array>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/throws.h"
#include "weir/buffer/allocation_plan.h"
#include "weir/buffer/buffer.h"
#include "weir/buffer/draft.h"
#include "weir/buffer/frame_writer.h"
#include "weir/buffer/pool.h"

namespace weir {
namespace {

using namespace weir::literals;
using testing_support::throws_bad_alloc;

constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
constexpr std::size_t signed_most = most / 2;

std::array<std::byte, 1> anywhere{};

/// Memory of any claimed length, never to be looked at.
Slice claimed(std::size_t size) { return Slice::from_static(Bytes(anywhere.data(), size)); }

// hazard: B1, EV3
TEST(BufferLimits, huge_sizes_throw_and_change_nothing) {
  Pool pool({.limit = 64_MiB});
  Buffer buffer(pool);
  buffer.append("0123456789");
  const std::size_t blocks = pool.stats().blocks;
  const std::size_t length = buffer.size();
  (void)weir_category();  // allocates when first used
  for (const std::size_t size : {most, most - length, most - length + 1, signed_most - 1, signed_most, signed_most + 1,
                                 2_GiB - 1, 2_GiB, 2_GiB + 1, 4_GiB - 1, 4_GiB, 4_GiB + 1}) {
    const std::size_t before = allocations_so_far();
    EXPECT_FALSE(buffer.reserve(size)) << size;
    EXPECT_FALSE(buffer.try_append(Bytes(anywhere.data(), size))) << size;
    EXPECT_EQ(allocations_so_far(), before) << size;
    EXPECT_TRUE(throws_bad_alloc([&] { (void)buffer.prepare(size); })) << size;
    EXPECT_TRUE(throws_bad_alloc([&] { buffer.append(Bytes(anywhere.data(), size)); })) << size;
    EXPECT_TRUE(throws_bad_alloc([&] { buffer.prepend(Bytes(anywhere.data(), size)); })) << size;
    const std::array pieces{Bytes(anywhere), Bytes(anywhere.data(), size)};
    EXPECT_TRUE(throws_bad_alloc([&] { buffer.append_pieces(pieces); })) << size;
    EXPECT_EQ(buffer, "0123456789");
    EXPECT_EQ(pool.stats().blocks, blocks);
  }
}

// hazard: B1, CH9
TEST(BufferLimits, the_total_of_claimed_sizes_cannot_wrap_and_throws) {
  Pool pool({.limit = 1_MiB});
  Buffer buffer(pool);
  buffer.append("x");
  buffer.append(claimed(Buffer::max_size - 1));
  EXPECT_EQ(buffer.size(), Buffer::max_size);

  EXPECT_FALSE(buffer.try_append(as_bytes("y")));
  EXPECT_FALSE(buffer.reserve(1));
  EXPECT_TRUE(throws_bad_alloc([&] { buffer.append("y"); }));
  EXPECT_TRUE(throws_bad_alloc([&] { buffer.append(claimed(1)); }));
  EXPECT_TRUE(throws_bad_alloc([&] { buffer.append(claimed(most)); }));
  EXPECT_TRUE(throws_bad_alloc([&] { (void)buffer.prepare(1); }));
  EXPECT_TRUE(throws_bad_alloc([&] { buffer.append(std::string(5000, 'x')); }));
  int released = 0;
  EXPECT_TRUE(throws_bad_alloc([&] { buffer.append_foreign(Bytes(anywhere.data(), 5000), [&] { ++released; }); }));
  EXPECT_EQ(released, 0);
  Block block = pool.allocate(512);
  block.commit(1);
  EXPECT_TRUE(throws_bad_alloc([&] { buffer.append(std::move(block)); }));
  EXPECT_EQ(block.size(), 1U);  // NOLINT(bugprone-use-after-move): untouched is promised
  Buffer other(pool);
  other.append(claimed(2));
  EXPECT_TRUE(throws_bad_alloc([&] { buffer.append(std::move(other)); }));
  EXPECT_EQ(other.size(), 2U);  // NOLINT(bugprone-use-after-move): untouched is promised

  EXPECT_EQ(buffer.size(), Buffer::max_size);
  buffer.drop(1);
  buffer.append("z");
  EXPECT_EQ(buffer.size(), Buffer::max_size);
  Buffer rest = buffer.split(Buffer::max_size - 1);
  EXPECT_EQ(rest, "z");
}

TEST(BufferLimits, small_appends_stop_exactly_at_the_maximum) {
  Buffer buffer;
  buffer.append(claimed(Buffer::max_size - 3));

  EXPECT_TRUE(buffer.try_append(as_bytes("a")));
  EXPECT_TRUE(buffer.try_append(as_bytes("b")));
  EXPECT_FALSE(buffer.try_append(as_bytes("cd")));
  EXPECT_TRUE(buffer.try_append(as_bytes("c")));
  EXPECT_FALSE(buffer.try_append(as_bytes("d")));
  EXPECT_EQ(buffer.size(), Buffer::max_size);
}

TEST(BufferLimits, a_spent_budget_throws_and_changes_nothing) {
  Pool pool({.limit = 64_KiB});
  Buffer buffer(pool);
  const std::string content(60'000, 'x');
  buffer.append(content);

  EXPECT_TRUE(throws_bad_alloc([&] { buffer.append(std::string_view(std::string(100'000, 'y'))); }));
  EXPECT_EQ(buffer, content);
  const Result<void> refused = buffer.reserve(10'000);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), errc::budget);

  EXPECT_TRUE(buffer.try_append(as_bytes(std::string_view("still"))));
  buffer.drop(60'000);
  EXPECT_EQ(buffer, "still");
}

/// A buffer of a pool whose every block is an allocation: `slices` slices that do not merge, then its own tail.
Buffer example(Pool& pool, std::size_t slices) {
  Buffer buffer(pool);
  for (std::size_t i = 0; i < slices; ++i) buffer.append(Slice::copy_of(as_bytes("0123456789"), pool));
  buffer.append("tail");
  return buffer;
}

/// Runs `operation` on fresh examples with each of its allocations failing in turn: the example must be as before.
template <class Operation>
void survives_every_failing_allocation(Operation operation) {
  Pool pool({.limit = 64_MiB, .cached = false});
  for (const std::size_t slices : {0U, 1U, 2U, 3U, 18U, 19U, 20U, 40U}) {
    for (std::size_t failing = 1;; ++failing) {
      Buffer buffer = example(pool, slices);
      const Buffer untouched = example(pool, slices);
      const std::size_t blocks = pool.stats().blocks;
      const bool done = operation(buffer, pool, failing);
      if (done) break;
      ASSERT_EQ(buffer, untouched) << slices << " slices, allocation " << failing;
      std::size_t total = 0;
      for (const Slice& slice : buffer.slices()) total += slice.size();
      ASSERT_EQ(total, buffer.size());
      ASSERT_EQ(pool.stats().blocks, blocks);
      ASSERT_LT(failing, 100U);
    }
  }
  EXPECT_EQ(pool.stats().blocks, 0U);
}

/// True if `call` got through, false if it threw bad_alloc.
template <class Call>
bool succeeds(std::size_t failing, Call call) {
  const AllocationPlan plan(failing, true);
  return !throws_bad_alloc(call);
}

TEST(BufferLimits, a_failed_copy_throws_and_changes_nothing) {
  const std::string large(300'000, 'x');
  survives_every_failing_allocation([&](Buffer& buffer, Pool&, std::size_t failing) {
    return succeeds(failing, [&] { buffer.append(std::string_view(large)); });
  });
  survives_every_failing_allocation([&](Buffer& buffer, Pool&, std::size_t failing) {
    return succeeds(failing, [&] { buffer.append(std::string_view(large).substr(0, 3000)); });
  });
}

TEST(BufferLimits, a_failed_slice_throws_and_leaves_it_to_the_caller) {
  survives_every_failing_allocation([&](Buffer& buffer, Pool& pool, std::size_t failing) {
    Slice slice = Slice::copy_of(as_bytes(std::string(200, 'x')), pool);
    const bool done = succeeds(failing, [&] { buffer.append(std::move(slice)); });
    EXPECT_EQ(slice.is_empty(), done);  // NOLINT(bugprone-use-after-move): untouched is promised
    return done;
  });
}

TEST(BufferLimits, failed_foreign_memory_throws_and_is_not_released) {
  const std::string memory(5000, 'x');
  survives_every_failing_allocation([&](Buffer& buffer, Pool&, std::size_t failing) {
    int released = 0;
    const bool done = succeeds(failing, [&] { buffer.append_foreign(as_bytes(memory), [&] { ++released; }); });
    EXPECT_EQ(released, 0);
    buffer.drop(buffer.size() - (done ? 5000 : 0));
    buffer.clear();
    EXPECT_EQ(released, done ? 1 : 0);
    if (!done) buffer = example(buffer.pool(), 0);
    return true;
  });
}

TEST(BufferLimits, a_failed_splice_throws_and_leaves_both) {
  for (const std::size_t others : {1U, 4U, 8U, 9U, 30U}) {
    survives_every_failing_allocation([&](Buffer& buffer, Pool& pool, std::size_t failing) {
      Buffer other = example(pool, others);
      const bool done = succeeds(failing, [&] { buffer.append(std::move(other)); });
      EXPECT_EQ(other.size(), done ? 0 : others * 10 + 4);  // NOLINT(bugprone-use-after-move): untouched is promised
      return done;
    });
  }
}

// hazard: CH11
TEST(BufferLimits, a_failed_join_take_or_split_throws_and_leaves_the_buffer_readable) {
  for (const std::size_t part : {1U, 5U, 15U, 35U, 45U, 205U}) {
    survives_every_failing_allocation([&](Buffer& buffer, Pool&, std::size_t failing) {
      return buffer.size() < part || succeeds(failing, [&] { (void)buffer.contiguous(part); });
    });
    survives_every_failing_allocation([&](Buffer& buffer, Pool&, std::size_t failing) {
      return buffer.size() < part || succeeds(failing, [&] { (void)buffer.writable(part); });
    });
    survives_every_failing_allocation([&](Buffer& buffer, Pool&, std::size_t failing) {
      return buffer.size() < part || succeeds(failing, [&] { (void)buffer.take(part); });
    });
    survives_every_failing_allocation([&](Buffer& buffer, Pool&, std::size_t failing) {
      return buffer.size() < part || succeeds(failing, [&] { (void)buffer.split(part); });
    });
  }
}

TEST(BufferLimits, a_failed_preparation_or_reservation_changes_nothing_though_it_throws) {
  survives_every_failing_allocation([&](Buffer& buffer, Pool&, std::size_t failing) {
    return succeeds(failing, [&] { (void)buffer.prepare(5000); });
  });
  survives_every_failing_allocation([&](Buffer& buffer, Pool&, std::size_t failing) {
    const AllocationPlan plan(failing, true);
    return static_cast<bool>(buffer.reserve(5000));
  });
  survives_every_failing_allocation([&](Buffer& buffer, Pool&, std::size_t failing) {
    const AllocationPlan plan(failing, true);
    return static_cast<bool>(buffer.reserve_slice());
  });
}

// The first half of B8: one-byte appends must not pin a block each.
TEST(BufferLimits, a_million_one_byte_appends_hold_little_more_than_their_bytes) {
  Pool pool({.limit = 64_MiB});
  Buffer buffer(pool);
  for (int i = 0; i < 1'000'000; ++i) buffer.append("x");

  EXPECT_LE(pool.stats().in_use, 1'000'000 + 68_KiB);
}

/// One way to add to a buffer, with what it needs of others made before.
struct Addition {
  const char* name;
  std::function<void(Buffer&, Pool&)> run;
};

const std::vector<Addition>& additions() {
  static const std::string memory(100'000, 'x');
  static const std::string_view text = memory;
  static const std::vector<Bytes> pieces(1000, as_bytes(text.substr(0, 100)));
  static const std::vector<Addition> all{
      {"append", [](Buffer& b, Pool&) { b.append(text.substr(0, 100)); }},
      {"append much", [](Buffer& b, Pool&) { b.append(text); }},
      {"append_pieces", [](Buffer& b, Pool&) { b.append_pieces(std::span(pieces).first(20)); }},
      {"append_pieces, many", [](Buffer& b, Pool&) { b.append_pieces(pieces); }},
      {"append_printf", [](Buffer& b, Pool&) { b.append_printf("%s", memory.c_str()); }},
      {"append_frame", [](Buffer& b, Pool&) { (void)append_frame(b, as_bytes(text)); }},
      {"append_frame of a buffer",
       [](Buffer& b, Pool& pool) {
         Buffer payload(pool);
         payload.append(text);
         (void)append_frame(b, std::move(payload));
       }},
      {"prepend", [](Buffer& b, Pool&) { b.prepend(text); }},
      {"prepare", [](Buffer& b, Pool&) { (void)b.prepare(5000); }},
      {"reserve", [](Buffer& b, Pool&) { (void)(b.reserve(5000) || (throw_bad_alloc(), false)); }},
      {"a draft",
       [](Buffer& b, Pool&) {
         Draft draft = b.draft();
         (void)draft.allocate(100);
         const Draft::Mark mark = draft.mark();
         draft.append_printf("%s", memory.c_str());
         (void)draft.insert(mark, text);
         (void)draft.allocate_up_to(100'000);
         draft.commit();
       }},
  };
  return all;
}

TEST(BufferLimits, whatever_fails_to_add_to_an_empty_buffer_leaves_it_without_memory) {
  (void)weir_category();  // allocates when first used
  for (const Addition& addition : additions()) {
    std::size_t failed = 0;
    for (bool done = false; !done; ++failed) {
      ASSERT_LT(failed, 100U);
      Pool pool({.limit = 64_MiB, .cached = false});
      Buffer buffer(pool);
      done = succeeds(failed + 1, [&] { addition.run(buffer, pool); });
      if (done) continue;
      EXPECT_TRUE(buffer.is_empty()) << addition.name;
      EXPECT_EQ(pool.stats().blocks, 0U) << addition.name << ", allocation " << failed + 1;
    }
    EXPECT_GT(failed, 1U) << addition.name << ": no allocation was made to fail";
  }
}

constexpr std::size_t many = 10'000'000;

void* build_and_destroy(void*) {
  static std::array<std::byte, 1> memory{};
  Buffer buffer;
  for (std::size_t i = 0; i < many; ++i) buffer.append(Slice::from_static(Bytes(memory.data(), 1)));
  EXPECT_EQ(buffer.size(), many);
  return nullptr;
}

// hazard: B9
TEST(BufferLimits, ten_million_slices_are_destroyed_on_a_small_stack) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 256_KiB);
  pthread_t thread{};
  ASSERT_EQ(pthread_create(&thread, &attributes, build_and_destroy, nullptr), 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
}

TEST(BufferLimits, an_empty_buffer_is_small) { EXPECT_LE(sizeof(Buffer), 136U); }

// hazard: B6
TEST(BufferPreparationDeathTest, ends_with_any_operation_that_takes_bytes_out_or_moves_slices) {
  static constexpr std::string_view text = "aaaabbbbccccddddeeeeffff";
  const auto prepared = [](std::size_t slices) {
    Buffer buffer;
    for (std::size_t i = 0; i < slices; ++i) buffer.append(Slice::from_static(as_bytes(text.substr(23 - 4 * i, 1))));
    (void)buffer.prepare(100);
    return buffer;
  };
  Buffer taken_from = prepared(5);
  (void)taken_from.take(3);
  EXPECT_DEATH(taken_from.commit(10), "");
  Buffer dropped_from = prepared(2);
  dropped_from.drop(1);
  EXPECT_DEATH(dropped_from.commit(10), "");
  Buffer joined = prepared(2);
  (void)joined.contiguous(2);
  EXPECT_DEATH(joined.commit(10), "");
  Buffer prepended = prepared(2);
  prepended.prepend("x");
  EXPECT_DEATH(prepended.commit(10), "");
}

}  // namespace
}  // namespace weir
