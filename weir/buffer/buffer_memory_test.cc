// weir: tests of how much memory buffers keep alive, and of making it less.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/support/throws.h"
#include "weir/buffer/allocation_plan.h"
#include "weir/buffer/buffer.h"
#include "weir/buffer/pool.h"
#include "weir/buffer/receive_block.h"

namespace weir {
namespace {

using namespace weir::literals;

using testing_support::throws_bad_alloc;

constexpr std::size_t most_waste = 4;
constexpr std::size_t fixed_waste = 1024;

TEST(BufferMemory, fair_shares_add_up_however_many_references_a_block_has) {
  Buffer source;
  source.append(std::string(512, 'x'));
  const std::size_t whole = source.memory().pinned;
  Buffer half;
  for (std::size_t i = 0; i < 5000; ++i) half.append(source.slices().begin()->subslice(i % 2 * 300, 200));
  Buffer rest;
  for (std::size_t i = 0; i < 4998; ++i) rest.append(source.slices().begin()->subslice(i % 2 * 300, 200));
  ASSERT_GT(half.count_entries(), 4000U) << "shared, and not merged";

  const std::size_t sum = source.memory().fair_share + half.memory().fair_share + rest.memory().fair_share;

  EXPECT_NEAR(static_cast<double>(sum), static_cast<double>(whole), 2);
  EXPECT_GT(half.memory().fair_share, whole / 3);
}

TEST(BufferMemory, counts_whole_blocks_once_where_they_meet) {
  Pool pool;
  Buffer buffer(pool);
  EXPECT_EQ(buffer.memory().pinned, 0U);
  buffer.append(std::string_view("0123456789"));

  EXPECT_EQ(buffer.memory().pinned, 512U);
  EXPECT_EQ(buffer.memory().fair_share, 512U);
  const Buffer shared = buffer.share(2, 3);
  EXPECT_EQ(buffer.memory().pinned, 512U);
  EXPECT_EQ(buffer.memory().fair_share, 341U);  // two references of three
  EXPECT_EQ(shared.memory().fair_share, 171U);
}

TEST(BufferMemory, static_memory_is_nobodys) {
  Buffer buffer;
  buffer.append_static("0123456789");

  EXPECT_EQ(buffer.memory().pinned, 0U);
}

// hazard: B8
TEST(BufferMemory, a_million_single_bytes_hold_little_more_than_a_million) {
  Pool pool;
  Buffer buffer(pool);
  for (int i = 0; i < 1'000'000; ++i) buffer.append("x");

  EXPECT_LE(buffer.memory().pinned, buffer.size() * 5 / 4 + fixed_waste);
  Buffer front(pool);
  for (int i = 0; i < 1'000'000; ++i) front.prepend("x");
  EXPECT_LE(front.memory().pinned, front.size() * 2 + fixed_waste);
}

// hazard: B8
TEST(BufferCompact, ten_thousand_single_bytes_of_large_receives_hold_little) {
  Pool pool({.limit = std::size_t{2} << 30});
  std::vector<Buffer> kept;
  for (int i = 0; i < 10'000; ++i) {
    Block block = pool.allocate(16 << 10);
    block.commit(16 << 10);
    Buffer received(pool);
    received.append(std::move(block));
    Buffer one = received.share(5000, 1);
    kept.push_back(std::move(one));
  }
  ASSERT_GE(pool.stats().in_use, std::size_t{160'000'000});

  for (Buffer& buffer : kept) buffer.compact();

  EXPECT_LE(pool.stats().in_use, 1U << 20);
  for (const Buffer& buffer : kept) EXPECT_LE(buffer.memory().pinned, most_waste * buffer.size() + 128);
}

TEST(BufferCompact, keeps_the_bytes_and_pins_at_most_four_times_as_many) {
  for (const std::size_t step : {1U, 7U, 63U, 64U, 65U, 500U, 4000U, 20'000U}) {
    Pool pool;
    Buffer source(pool);
    std::string text;
    for (int i = 0; i < 50'000; ++i) text += static_cast<char>('a' + i % 26);
    source.append(text);
    Buffer scattered(pool);
    std::string expected;
    for (std::size_t at = 0; at + step <= text.size(); at += 5000) {
      scattered.append(source.share(at, std::min<std::size_t>(step, 4999)));
      expected += text.substr(at, std::min<std::size_t>(step, 4999));
    }
    source.clear();

    scattered.compact();

    EXPECT_EQ(scattered, expected) << step;
    EXPECT_LE(scattered.memory().pinned, most_waste * scattered.size() + fixed_waste) << step;
    scattered.append("tail");
    EXPECT_EQ(scattered, expected + "tail");
  }
}

TEST(BufferCompact, leaves_memory_that_is_used_where_it_is) {
  Buffer buffer;
  const std::string text(3000, 'f');
  buffer.append_foreign(as_bytes(text), [] {});
  buffer.append(std::string_view(text));
  const std::byte* front = buffer.front().data();
  const std::size_t before = allocations_so_far();

  buffer.compact();

  EXPECT_EQ(buffer.front().data(), front);
  EXPECT_EQ(allocations_so_far(), before);
}

TEST(BufferCompact, gives_up_room_that_nothing_is_written_in) {
  Pool pool;
  Buffer buffer(pool);
  (void)buffer.reserve(100'000);
  ASSERT_GE(pool.stats().in_use, 100'000U);

  buffer.compact();

  EXPECT_EQ(pool.stats().in_use, 0U);
  buffer.append("x");
  (void)buffer.reserve(100'000);
  buffer.compact();
  EXPECT_LE(pool.stats().in_use, 512U);
  EXPECT_EQ(buffer, "x");
}

TEST(BufferCompact, packs_many_copies_of_few_bytes) {
  Buffer buffer;
  for (int i = 0; i < 1000; ++i) {
    buffer.append(Slice::copy_of(as_bytes("x"), Pool::default_pool()));
    buffer.append_static(
        std::string_view("a static piece between, which is too long to be copied: more than a hundred "
                         "and twenty-eight bytes, that is, so that it stays where it is"));
  }
  ASSERT_GE(buffer.memory().pinned, 1000U * 128U);

  buffer.compact();

  EXPECT_LE(buffer.memory().pinned, 1000U * 600U);
  EXPECT_LE(buffer.memory().fair_share, 4096U);
}

TEST(BufferCompact, a_second_time_moves_nothing) {
  for (const std::size_t size : {1U, 64U, 65U, 127U, 128U, 300U}) {
    Buffer source, kept;
    source.append(std::string_view(std::string(20'000, 's')));
    kept.append(source.share(100, size));
    source.clear();
    kept.compact();
    const std::byte* data = kept.front().data();

    kept.compact();

    EXPECT_EQ(kept.front().data(), data) << size;
  }
}

TEST(BufferCompact, without_memory_throws_and_changes_nothing) {
  for (std::size_t failing = 1; failing <= 6; ++failing) {
    Pool pool({.cached = false});
    Buffer source(pool);
    source.append(std::string_view(std::string(20'000, 's')));
    Buffer scattered(pool);
    for (std::size_t i = 0; i < 8; ++i) scattered.append(source.share(i * 2000, 150));
    source.clear();
    const std::size_t held = scattered.memory().pinned;
    const bool threw = throws_bad_alloc([&] {
      const AllocationPlan plan(failing);
      scattered.compact();
    });
    EXPECT_EQ(scattered, std::string(8 * 150, 's'));
    EXPECT_TRUE(!threw || scattered.memory().pinned == held);
  }
}

// hazard: B8
TEST(SliceCompact, a_kept_byte_of_a_large_block_lets_the_block_go) {
  Pool pool;
  ReceiveBlock receive(pool);
  std::vector<Slice> kept;
  for (int i = 0; i < 1000; ++i) {
    const MutableBytes room = receive.room();
    room[0] = static_cast<std::byte>(i);
    const Slice received = receive.take(room.size());
    kept.push_back(received.subslice(0, 1));
  }
  receive.release();
  ASSERT_GE(pool.stats().in_use, std::size_t{60'000'000});

  for (Slice& slice : kept) slice.compact(pool);

  EXPECT_EQ(pool.stats().in_use, 0U) << "a few bytes lie beside their header";
  for (std::size_t i = 0; i < kept.size(); ++i) EXPECT_EQ(kept[i].data()[0], static_cast<std::byte>(i));
}

/// One byte kept of each of ten thousand receives of 64 KiB; the memory is not touched, only asked for.
constexpr std::size_t receives = 10'000;
constexpr std::size_t received_bytes = receives * 64_KiB;

template <class Keep>
void keep_a_byte_of_each_receive(Pool& pool, Keep keep) {
  ReceiveBlock receive(pool);
  for (std::size_t i = 0; i < receives; ++i) {
    const MutableBytes room = receive.room();
    const std::size_t at = i % room.size();
    room[at] = static_cast<std::byte>(i);
    keep(receive.take(room.size()).subslice(at, 1));
  }
}

// hazard: B8
TEST(SliceCompact, ten_thousand_bytes_kept_of_as_many_receives_of_64_KiB_let_all_640_MiB_go) {
  Pool pool({.limit = 1_GiB});
  std::vector<Slice> kept;
  keep_a_byte_of_each_receive(pool, [&](Slice&& byte) { kept.push_back(std::move(byte)); });
  ASSERT_GE(pool.stats().in_use, received_bytes);

  for (Slice& slice : kept) slice.compact(pool);

  EXPECT_EQ(pool.stats().in_use, 0U) << "a few bytes lie beside their header";
  for (std::size_t i = 0; i < receives; ++i) ASSERT_EQ(kept[i].data()[0], static_cast<std::byte>(i));
}

// hazard: B8
TEST(BufferCompact, a_byte_of_each_of_ten_thousand_receives_of_64_KiB_in_one_buffer_pins_640_MiB_until_then) {
  Pool pool({.limit = 1_GiB});
  Buffer kept(pool);
  std::string expected;
  keep_a_byte_of_each_receive(pool, [&](Slice&& byte) {
    expected += static_cast<char>(byte.data()[0]);
    kept.append(std::move(byte));
  });
  ASSERT_EQ(kept.memory().pinned, received_bytes);
  ASSERT_EQ(kept.memory().fair_share, received_bytes) << "nobody else has any of it";
  ASSERT_GE(pool.stats().in_use, received_bytes);

  kept.compact();

  EXPECT_EQ(kept, expected);
  EXPECT_LE(kept.memory().pinned, most_waste * receives + fixed_waste);
  EXPECT_LE(pool.stats().in_use, most_waste * receives + fixed_waste);
  EXPECT_EQ(kept.slice_count(), 1U);
}

// hazard: B8
TEST(BufferCompact, ten_thousand_buffers_with_a_byte_each_of_a_receive_of_64_KiB_hold_little) {
  Pool pool({.limit = 1_GiB});
  std::vector<Buffer> kept;
  keep_a_byte_of_each_receive(pool, [&](Slice&& byte) {
    kept.emplace_back(pool);
    kept.back().append(std::move(byte));
  });
  ASSERT_GE(pool.stats().in_use, received_bytes);

  for (Buffer& buffer : kept) buffer.compact();

  EXPECT_EQ(pool.stats().in_use, 0U) << "a few bytes lie beside their header";
  for (std::size_t i = 0; i < receives; ++i) {
    ASSERT_EQ(kept[i].front()[0], static_cast<std::byte>(i));
    ASSERT_LE(kept[i].memory().pinned, most_waste + 128);
  }
}

TEST(SliceCompact, a_slice_of_most_of_its_block_stays_as_it_is) {
  Pool pool;
  Block block = pool.allocate(4096);
  block.commit(1024);
  Slice slice = std::move(block).freeze();
  const std::byte* data = slice.data();

  slice.compact(pool);
  EXPECT_EQ(slice.data(), data);
  slice = slice.subslice(0, 1023);
  slice.compact(pool);
  EXPECT_NE(slice.data(), data);
}

// hazard: B8
TEST(SliceCompact, lets_go_of_what_an_adopted_container_has_to_spare) {
  Pool pool;
  std::string text(1000, 's');
  text.reserve(100'000);
  std::vector<std::byte> bytes(1000);
  bytes.reserve(100'000);
  std::vector<Slice> adopted;
  adopted.push_back(Slice::adopt(std::move(text)));
  adopted.push_back(Slice::adopt(std::move(bytes)));
  for (Slice& slice : adopted) {
    Buffer buffer(pool);
    buffer.append(slice);
    EXPECT_GE(buffer.memory().pinned, 100'000U) << "the capacity is kept alive, whatever is in it";
    buffer.clear();
    const std::byte* const before = slice.data();

    slice.compact(pool);

    EXPECT_NE(slice.data(), before);
    EXPECT_EQ(slice.size(), 1000U);
    buffer.append(slice);
    EXPECT_LE(buffer.memory().pinned, most_waste * 1000 + fixed_waste);
  }
}

TEST(SliceIntoBlock, takes_the_memory_over_when_it_is_the_only_view) {
  Pool pool;
  Block block = pool.allocate(1000);
  block.append(as_bytes("0123456789"));
  const std::byte* data = block.data();
  Slice slice = std::move(block).freeze();
  slice = slice.subslice(2, 5);

  Block again = std::move(slice).into_block(pool);

  EXPECT_EQ(again.bytes().data(), data + 2);
  EXPECT_EQ(as_text(again.bytes()), "23456");
  EXPECT_TRUE(slice.is_empty());  // NOLINT(bugprone-use-after-move): promised
  again.append(as_bytes("more"));
  EXPECT_EQ(as_text(again.bytes()), "23456more");
}

TEST(SliceIntoBlock, copies_what_others_view_and_what_is_not_the_pools) {
  Pool pool;
  Block block = pool.allocate(1000);
  block.append(as_bytes("0123456789"));
  const Slice kept = std::move(block).freeze();

  Block copy = Slice(kept).into_block(pool);
  copy.room()[0] = std::byte{'!'};
  copy.commit(1);
  EXPECT_EQ(as_text(kept.bytes()), "0123456789");
  EXPECT_EQ(as_text(copy.bytes()), "0123456789!");
  EXPECT_EQ(as_text(Slice::from_static("static").into_block(pool).bytes()), "static");
  EXPECT_EQ(as_text(Slice::copy_of(as_bytes("tiny"), pool).into_block(pool).bytes()), "tiny");
  EXPECT_FALSE(static_cast<bool>(Slice().into_block(pool)));
}

TEST(BufferWritable, changes_bytes_in_place_and_nobody_elses) {
  Buffer buffer;
  buffer.append("0123456789");
  const std::byte* front = buffer.front().data();
  buffer.writable(4)[0] = std::byte{'X'};
  EXPECT_EQ(buffer, "X123456789");
  EXPECT_EQ(buffer.front().data(), front);

  const Buffer shared = buffer.share();
  buffer.writable(4)[1] = std::byte{'Y'};
  EXPECT_EQ(buffer, "XY23456789");
  EXPECT_EQ(shared, "X123456789");
  EXPECT_EQ(buffer.slice_count(), 2U);
  buffer.append(Slice::from_static("static"));
  buffer.writable(buffer.size())[12] = std::byte{'Z'};
  EXPECT_EQ(buffer, "XY23456789stZtic");
  EXPECT_EQ(buffer.slice_count(), 1U);
  EXPECT_TRUE(buffer.writable(0).empty());
  EXPECT_DEATH((void)buffer.writable(17), "writable");
}

TEST(BufferCompact, packs_once_what_lies_between_memory_that_stays) {
  static const std::string between(1000, 's');
  Pool pool({.limit = 64_MiB});
  Buffer buffer(pool);
  for (int i = 0; i < 50; ++i) {
    Block block = pool.allocate(64_KiB);
    block.append(as_bytes(std::string_view(between).substr(0, 300)));
    buffer.append(std::move(block).freeze());
    buffer.append_static(between);
  }

  buffer.compact();
  const std::byte* const packed = buffer.front().data();
  buffer.compact();

  EXPECT_EQ(buffer.front().data(), packed) << "copied again";
  EXPECT_LE(pool.stats().in_use, 64_KiB);
}

TEST(BufferMemory, many_blocks_that_are_each_a_little_beyond_the_bound_are_compacted) {
  constexpr std::size_t count = 4096;
  static std::byte memory[7 * count];
  Buffer buffer;
  for (std::size_t i = 0; i < count; ++i) {
    buffer.append(Slice::foreign(Bytes(memory + 7 * i, 7), [] {}).subslice(0, 1));
  }

  buffer.compact();

  EXPECT_LE(buffer.memory().pinned, most_waste * count + fixed_waste);
}

}  // namespace
}  // namespace weir
