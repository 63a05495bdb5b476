// weir: tests of what a buffer does with its bytes.
// SPDX-License-Identifier: MIT
#include "weir/buffer/buffer.h"

#include <gtest/gtest.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "weir/buffer/allocation_plan.h"
#include "weir/buffer/file_range.h"
#include "weir/buffer/pool.h"

namespace weir {
namespace {

std::string text_of(const Buffer& buffer) {
  std::string text(buffer.size(), '\0');
  EXPECT_EQ(buffer.copy_to(std::as_writable_bytes(std::span(text))), text.size());
  return text;
}

std::size_t slice_count(const Buffer& buffer) {
  std::size_t count = 0;
  for (const Slice& slice : buffer.slices()) {
    EXPECT_FALSE(slice.is_empty());
    ++count;
  }
  return count;
}

Slice pooled(std::string_view text) { return Slice::copy_of(as_bytes(text), Pool::default_pool()); }

/// A buffer of `count` slices that do not merge, each "0123456789".
Buffer sliced(std::size_t count) {
  Buffer buffer;
  for (std::size_t i = 0; i < count; ++i) buffer.append(pooled("0123456789"));
  return buffer;
}

std::string digits(std::size_t count) {
  std::string text;
  while (text.size() < count) text += "0123456789";
  return text.substr(0, count);
}

TEST(Buffer, small_appends_lengthen_one_slice) {
  Buffer buffer;
  buffer.append("hello");
  buffer.append(" ");
  buffer.append(std::string_view("world"));

  EXPECT_EQ(text_of(buffer), "hello world");
  EXPECT_EQ(slice_count(buffer), 1U);
}

TEST(Buffer, every_length_of_append_arrives_whole) {
  for (std::size_t length = 0; length <= 200; ++length) {
    const std::string text = digits(length);
    Buffer buffer;
    buffer.append("<");
    buffer.append(text);
    buffer.append(">");
    EXPECT_EQ(buffer, "<" + text + ">");
  }
}

TEST(Buffer, appends_that_cross_blocks_arrive_whole) {
  for (const std::size_t length : {511U, 512U, 513U, 16383U, 16384U, 16385U, 65535U, 65536U, 65537U, 200'000U}) {
    for (const std::size_t before : {0U, 1U, 511U, 512U}) {
      Buffer buffer;
      buffer.append(digits(before));
      buffer.append(digits(length));
      EXPECT_EQ(buffer, digits(before) + digits(length)) << before << " then " << length;
    }
  }
}

// hazard: CH10
TEST(Buffer, appending_nothing_allocates_nothing) {
  const std::size_t before = allocations_so_far();
  Buffer buffer;

  buffer.append(Bytes{});
  buffer.append("");
  buffer.append(std::string());
  buffer.append(Slice());
  buffer.append(Block());
  buffer.append(Buffer());
  EXPECT_TRUE(buffer.try_append({}));
  buffer.drop(0);
  EXPECT_TRUE(buffer.take(0).is_empty());
  EXPECT_TRUE(buffer.split(0).is_empty());

  EXPECT_EQ(allocations_so_far(), before);
  EXPECT_EQ(Pool::default_pool().stats().blocks, 0U);
}

TEST(Buffer, an_emptied_buffer_holds_no_memory) {
  Buffer buffer;
  buffer.append("hello");

  buffer.drop(5);

  EXPECT_EQ(Pool::default_pool().stats().blocks, 0U);
  EXPECT_TRUE(buffer.is_empty());
  EXPECT_TRUE(buffer.front().empty());
  EXPECT_EQ(slice_count(buffer), 0U);
}

TEST(Buffer, integers_are_appended_in_either_order) {
  Buffer buffer;
  buffer.append_big_endian<std::uint32_t>(0x01020304);
  buffer.append_little_endian<std::uint16_t>(0x0506);
  buffer.append_big_endian<std::uint8_t>(7);

  EXPECT_EQ(buffer, std::string_view("\1\2\3\4\6\5\7"));
}

TEST(Buffer, slices_are_shared_and_short_ones_copied_into_the_tail) {
  const Slice large = pooled(digits(1000));
  const Slice small = pooled("small");
  Buffer buffer;
  buffer.append("x");
  buffer.append(small);
  EXPECT_EQ(slice_count(buffer), 1U);

  buffer.append(large);

  EXPECT_EQ(slice_count(buffer), 2U);
  EXPECT_EQ((++buffer.slices().begin())->data(), large.data());
  EXPECT_EQ(buffer, "xsmall" + digits(1000));
}

// hazard: LB8
TEST(Buffer, an_rvalue_string_is_adopted_and_an_lvalue_copied) {
  std::string kept(5000, 'k');
  std::string given(5000, 'g');
  const void* memory = given.data();
  Buffer buffer;

  buffer.append(kept);
  kept[0] = '!';
  buffer.append(std::move(given));

  EXPECT_EQ(buffer, std::string(5000, 'k') + std::string(5000, 'g'));
  const bool is_adopted = std::any_of(buffer.slices().begin(), buffer.slices().end(),
                                      [&](const Slice& slice) { return slice.data() == memory; });
  EXPECT_TRUE(is_adopted);
  EXPECT_TRUE(given.empty());  // NOLINT(bugprone-use-after-move): promised
}

TEST(Buffer, a_string_that_hardly_uses_its_memory_is_copied) {
  std::string text(2000, 'x');
  text.reserve(100'000);
  const void* memory = text.data();
  Buffer buffer;

  buffer.append(std::move(text));

  EXPECT_NE(static_cast<const void*>(buffer.front().data()), memory);
  EXPECT_EQ(buffer, std::string(2000, 'x'));
}

TEST(Buffer, a_block_brings_its_bytes_and_its_room) {
  Block block = Pool::default_pool().allocate(1000);
  block.append(as_bytes("in a block"));
  const std::byte* memory = block.data();
  Buffer buffer;

  buffer.append(std::move(block));
  buffer.append(", and on");

  EXPECT_EQ(buffer.front().data(), memory);
  EXPECT_EQ(slice_count(buffer), 1U);
  EXPECT_EQ(buffer, "in a block, and on");
  EXPECT_EQ(Pool::default_pool().stats().blocks, 1U);
}

TEST(Buffer, what_is_prepared_and_committed_is_readable) {
  Buffer buffer;
  buffer.append("head ");
  MutableBytes room = buffer.prepare(2000);
  ASSERT_GE(room.size(), 2000U);
  std::fill_n(room.begin(), 2000, std::byte{'x'});

  buffer.commit(1500);

  EXPECT_EQ(buffer, "head " + std::string(1500, 'x'));
  buffer.append("tail");
  EXPECT_EQ(buffer, "head " + std::string(1500, 'x') + "tail");
}

TEST(Buffer, an_uncommitted_preparation_leaves_no_trace) {
  Buffer buffer;
  buffer.append("head");
  const MutableBytes room = buffer.prepare(100);
  room[0] = std::byte{'!'};

  buffer.append(" tail");

  EXPECT_EQ(buffer, "head tail");
  EXPECT_EQ(slice_count(buffer), 1U);
}

TEST(Buffer, committing_nothing_into_an_empty_buffer_gives_the_memory_back) {
  Buffer buffer;
  (void)buffer.prepare(100);
  EXPECT_EQ(Pool::default_pool().stats().blocks, 1U);

  buffer.commit(0);

  EXPECT_EQ(Pool::default_pool().stats().blocks, 0U);
}

// hazard: B6
TEST(BufferDeathTest, a_commit_without_its_prepare_is_a_programmer_error) {
  Buffer buffer;
  buffer.append("text");
  EXPECT_DEATH(buffer.commit(1), "buffer_append.cc");

  const std::size_t room = buffer.prepare(10).size();
  EXPECT_DEATH(buffer.commit(room + 1), "buffer_append.cc");
  buffer.commit(1);
  EXPECT_DEATH(buffer.commit(1), "buffer_append.cc");

  (void)buffer.prepare(10);
  buffer.append("more");
  EXPECT_DEATH(buffer.commit(1), "buffer_append.cc");
  EXPECT_EQ(buffer.size(), 9U);
}

TEST(Buffer, reserved_bytes_are_certain) {
  Buffer buffer;
  buffer.append("x");
  buffer.append(pooled(digits(1000)));
  ASSERT_TRUE(buffer.reserve(3000));
  {
    const AllocationPlan plan(1, true);
    for (int i = 0; i < 300; ++i) ASSERT_TRUE(buffer.try_append(as_bytes("0123456789")));
  }

  EXPECT_EQ(buffer, "x" + digits(4000));
}

TEST(Buffer, appends_into_the_room_of_a_block_that_it_was_given) {
  using namespace weir::literals;
  Pool pool({.limit = 64_KiB});
  Buffer buffer(pool);
  buffer.append("abc");
  Block room = pool.allocate(8_KiB);
  const std::byte* place = room.data();
  Block rest = pool.allocate(40_KiB);

  buffer.reserve(std::move(room));
  ASSERT_TRUE(buffer.reserve(8_KiB)) << "the pool has no more";
  EXPECT_TRUE(buffer.try_append(as_bytes(std::string(8_KiB, 'x'))));
  EXPECT_EQ(buffer, "abc" + std::string(8_KiB, 'x'));
  EXPECT_EQ(buffer.slices().begin()->data(), buffer.front().data());
  EXPECT_EQ((++buffer.slices().begin())->data(), place);

  buffer.reserve(Block());  // nothing
  EXPECT_EQ(buffer.size(), 3 + 8_KiB);
  buffer.clear();
  rest = {};
}

TEST(Buffer, a_reserved_slice_is_certain_at_every_count_of_slices) {
  Buffer buffer;
  for (std::size_t count = 0; count < 100; ++count) {
    Slice next = pooled(digits(200));
    ASSERT_TRUE(buffer.reserve_slice());
    const AllocationPlan plan(1, true);
    buffer.append_reserved(std::move(next));
    ASSERT_EQ(slice_count(buffer), count + 1);
  }
  EXPECT_EQ(buffer.size(), 20'000U);
}

TEST(Buffer, neighbouring_slices_of_one_block_merge) {
  const Slice whole = pooled(digits(1000));
  Buffer buffer;
  buffer.append(whole.subslice(0, 300));
  buffer.append(whole.subslice(300, 300));
  Buffer tail;
  tail.append(whole.subslice(600, 400));
  buffer.append(std::move(tail));

  EXPECT_EQ(slice_count(buffer), 1U);
  EXPECT_EQ(buffer, digits(1000));
}

TEST(Buffer, taking_across_slices_shares_memory) {
  Buffer buffer = sliced(50);
  std::vector<const std::byte*> before;
  for (const Slice& slice : buffer.slices()) before.push_back(slice.data());

  const Buffer taken = buffer.take(305);

  std::vector<const std::byte*> after;
  for (const Slice& slice : taken.slices()) after.push_back(slice.data());
  EXPECT_EQ(after, std::vector(before.begin(), before.begin() + 31));
  EXPECT_EQ(taken, digits(305));
  EXPECT_EQ(buffer.size(), 195U);
  EXPECT_EQ(buffer.front().size(), 5U);
}

TEST(Buffer, take_split_and_drop_agree_at_every_border) {
  for (const std::size_t slices : {1U, 2U, 3U, 4U, 5U, 19U, 20U, 21U, 23U, 24U, 40U, 41U, 43U, 61U}) {
    const std::size_t size = slices * 10;
    for (std::size_t at = 0; at <= size; at += (at % 10 == 0 || at % 10 == 9) ? 1 : 8) {
      Buffer taken_from = sliced(slices);
      Buffer split = sliced(slices);
      Buffer dropped = sliced(slices);

      const Buffer head = taken_from.take(at);
      const Buffer tail = split.split(at);
      dropped.drop(at);

      ASSERT_EQ(head, digits(at));
      ASSERT_EQ(split, head);
      ASSERT_EQ(tail, taken_from);
      ASSERT_EQ(dropped, tail);
      ASSERT_EQ(slice_count(head) + slice_count(tail), slices + (at % 10 == 0 ? 0 : 1));
      taken_from.append("+");
      split.append("+");
      ASSERT_EQ(taken_from.size(), size - at + 1);
      ASSERT_EQ(split, digits(at) + "+");
    }
  }
}

TEST(Buffer, a_short_piece_of_a_large_block_does_not_hold_it) {
  Buffer head;
  {
    Buffer buffer;
    buffer.append(Slice::copy_of(Bytes(std::vector<std::byte>(64 << 10)), Pool::default_pool()));
    head = buffer.take(100);
    EXPECT_GE(Pool::default_pool().stats().in_use, std::size_t{64} << 10);
  }

  EXPECT_EQ(head.size(), 100U);
  EXPECT_EQ(Pool::default_pool().stats().in_use, 512U);
}

TEST(Buffer, splicing_keeps_order_whatever_the_shapes) {
  for (const std::size_t left : {0U, 1U, 3U, 4U, 20U, 25U}) {
    for (const std::size_t right : {0U, 1U, 2U, 3U, 8U, 9U, 20U, 45U}) {
      Buffer first = sliced(left);
      Buffer second = sliced(right);
      second.append("tail");

      first.append(std::move(second));
      first.append("more");

      ASSERT_EQ(first, digits(left * 10) + digits(right * 10) + "tailmore") << left << " and " << right;
      ASSERT_TRUE(second.is_empty());  // NOLINT(bugprone-use-after-move): promised
      second.append("reused");
      ASSERT_EQ(second, "reused");
    }
  }
}

// hazard: LB7
TEST(Buffer, a_moved_from_buffer_is_empty_and_reusable) {
  for (const std::size_t slices : {1U, 3U, 4U, 30U}) {
    Buffer source = sliced(slices);
    source.append("tail");
    const Buffer moved = std::move(source);
    EXPECT_TRUE(source.is_empty());  // NOLINT(bugprone-use-after-move): promised
    source.append("again");

    EXPECT_EQ(source, "again");
    EXPECT_EQ(moved, digits(slices * 10) + "tail");
  }
}

// hazard: B7
TEST(Buffer, operations_on_itself_have_a_defined_result) {
  for (const std::size_t slices : {1U, 3U, 20U}) {
    Buffer buffer = sliced(slices);
    Buffer& same = buffer;

    buffer.append(std::move(same));
    EXPECT_EQ(buffer, digits(slices * 10));
    buffer = std::move(same);
    EXPECT_EQ(buffer, digits(slices * 10));

    buffer.append(*buffer.slices().begin());
    EXPECT_EQ(buffer, digits(slices * 10 + 10));
    buffer.append(buffer.front());
    EXPECT_EQ(buffer, digits(slices * 10 + 20));
    EXPECT_EQ(buffer, buffer);
  }
}

TEST(Buffer, contiguous_joins_exactly_what_is_needed) {
  for (const std::size_t slices : {1U, 2U, 3U, 4U, 20U, 21U, 45U}) {
    for (std::size_t count = 0; count <= slices * 10; count += 1 + count / 3) {
      Buffer buffer = sliced(slices);

      const Bytes joined = buffer.contiguous(count);

      ASSERT_EQ(as_text(joined), digits(count));
      ASSERT_EQ(buffer, digits(slices * 10));
      if (count != 0) {
        ASSERT_EQ(joined.data(), buffer.front().data());
      }
      buffer.append("tail");
      ASSERT_EQ(buffer, digits(slices * 10) + "tail");
    }
  }
}

// hazard: CH6
TEST(Buffer, joining_an_empty_buffer_gives_an_empty_span) {
  Buffer buffer;

  EXPECT_TRUE(buffer.contiguous(0).empty());
}

TEST(Buffer, copying_out_begins_anywhere) {
  const Buffer buffer = sliced(25);
  for (std::size_t offset = 0; offset <= 250; ++offset) {
    std::array<std::byte, 17> to{};
    const std::size_t count = buffer.copy_to(to, offset);
    ASSERT_EQ(count, std::min<std::size_t>(17, 250 - offset));
    ASSERT_EQ(as_text(Bytes(to).first(count)), digits(250).substr(offset, 17));
  }
}

TEST(Buffer, gathers_the_first_slices_for_a_system_call) {
  const Buffer buffer = sliced(25);
  std::array<iovec, 30> entries{};

  EXPECT_EQ(buffer.gather(std::span(entries).first(7)), 7U);
  EXPECT_EQ(buffer.gather(entries), 25U);

  std::string text;
  for (const iovec& entry : std::span(entries).first(25))
    text.append(static_cast<char*>(entry.iov_base), entry.iov_len);
  EXPECT_EQ(text, digits(250));
}

TEST(Buffer, tells_how_many_entries_it_would_take_to_describe_it) {
  Buffer buffer;
  EXPECT_EQ(buffer.count_entries(), 0U);
  for (int i = 0; i < 30; ++i) buffer.append(Slice::from_static(std::string_view("0123456789").substr(i % 2, 5)));
  std::array<iovec, 30> entries;

  EXPECT_EQ(buffer.count_entries(), 30U);
  EXPECT_EQ(buffer.count_entries(), buffer.gather(entries));
  EXPECT_EQ(buffer.count_entries(4), 30U);
  EXPECT_EQ(buffer.count_entries(5), 29U);
  EXPECT_EQ(buffer.count_entries(4, 2), 2U);
  EXPECT_EQ(buffer.count_entries(4, 1), 1U);
  EXPECT_EQ(buffer.count_entries(150), 0U);
  EXPECT_EQ(buffer.count_entries(0, 0), 0U);
  EXPECT_EQ(buffer.gather({}), 0U);
  buffer.append(SharedFile::borrow(0).range(0, 100));
  EXPECT_EQ(buffer.count_entries(), 30U) << "what is in a file has no address";
}

TEST(Buffer, equality_looks_at_bytes_and_not_at_slices) {
  const Buffer many = sliced(25);
  Buffer one;
  one.append(digits(250));

  EXPECT_EQ(many, one);
  EXPECT_EQ(one, many);
  one.drop(1);
  EXPECT_NE(many, one);
  one.append("x");
  EXPECT_NE(many, one);
  EXPECT_EQ(Buffer(), Buffer());
  EXPECT_EQ(Buffer(), "");
}

// The sequences of libevent #774, #778 and #806: the tail is drained away, then appended to.
// hazard: CH12
TEST(Buffer, appending_goes_on_after_the_tail_was_removed) {
  Buffer buffer;
  buffer.append("first");
  buffer.append(pooled(digits(1000)));
  buffer.append("tail");
  buffer.drop(1005);
  EXPECT_EQ(buffer, "tail");
  buffer.drop(4);
  buffer.append("again");
  EXPECT_EQ(buffer, "again");

  Buffer rest = buffer.split(2);
  buffer.append("+");
  rest.append("-");
  EXPECT_EQ(buffer, "ag+");
  EXPECT_EQ(rest, "ain-");

  ASSERT_TRUE(buffer.reserve(5000));
  buffer.drop(3);
  buffer.append("x");
  EXPECT_EQ(buffer, "x");
}

// hazard: EV2
TEST(Buffer, an_append_after_a_reservation_keeps_order) {
  Buffer buffer;
  buffer.append(digits(500));
  ASSERT_TRUE(buffer.reserve(2000));
  buffer.append(digits(30));
  buffer.append(pooled(digits(700)));
  buffer.append("end");

  EXPECT_EQ(buffer, digits(500) + digits(30) + digits(700) + "end");
}

// hazard: CH5
TEST(Buffer, empty_pieces_never_become_slices) {
  Buffer buffer;
  buffer.append("a");
  buffer.append(Slice::from_static(""));
  buffer.append(Buffer());
  buffer.append_foreign({}, [] {});
  (void)buffer.prepare(1000);  // a new block: what is committed of it begins a slice
  buffer.commit(0);
  buffer.append(std::string());
  ASSERT_TRUE(buffer.reserve(0));
  buffer.append_reserved(Slice());
  buffer.append(pooled(digits(300)));
  buffer.append(buffer.take(0));
  buffer.append(buffer.split(buffer.size()));

  EXPECT_EQ(slice_count(buffer), 2U);
  EXPECT_EQ(buffer.find("9"), 10U);
  EXPECT_EQ(as_text(buffer.contiguous(5)), "a0123");
  buffer.drop(301);
  EXPECT_TRUE(buffer.is_empty());
}

TEST(BufferDeathTest, consuming_more_than_there_is_is_a_programmer_error) {
  Buffer buffer;
  buffer.append("abc");

  EXPECT_DEATH(buffer.drop(4), "buffer.cc");
  EXPECT_DEATH((void)buffer.take(4), "buffer.h");
  EXPECT_DEATH((void)buffer.split(4), "buffer.h");
  EXPECT_DEATH((void)buffer.contiguous(4), "buffer.cc");
  EXPECT_DEATH((void)buffer.copy_to({}, 4), "buffer.cc");
}

TEST(Buffer, what_is_cut_off_a_buffer_has_its_pool) {
  Pool pool;
  Buffer buffer(pool);
  for (int i = 0; i < 30; ++i) buffer.append_static("abc");

  EXPECT_EQ(&buffer.share().pool(), &pool);
  EXPECT_EQ(&buffer.share(0, 0).pool(), &pool);
  EXPECT_EQ(&buffer.take(0).pool(), &pool);
  EXPECT_EQ(&buffer.take(1).pool(), &pool);
  EXPECT_EQ(&buffer.take_and_drop(10, 1).pool(), &pool);
  EXPECT_EQ(&buffer.split(buffer.size()).pool(), &pool);
  EXPECT_EQ(&buffer.split(buffer.size() - 1).pool(), &pool);
  EXPECT_EQ(&buffer.split(0).pool(), &pool);
}

TEST(Buffer, keeps_its_room_when_a_block_with_less_is_appended) {
  Pool pool;
  Buffer buffer(pool);
  ASSERT_TRUE(buffer.reserve(60'000));
  buffer.append("a");
  Block block = pool.allocate(1024);
  block.append(as_bytes("b"));
  buffer.append(std::move(block));
  const std::size_t blocks = pool.stats().blocks;

  buffer.append(std::string(50'000, 'c').c_str());

  EXPECT_EQ(pool.stats().blocks, blocks) << "there was room";
  EXPECT_EQ(buffer, "ab" + std::string(50'000, 'c'));
}

TEST(Buffer, nothing_can_be_split_off_an_empty_one_though_its_back_is_frozen) {
  Buffer buffer;
  buffer.freeze_back();

  EXPECT_TRUE(buffer.split(0).is_empty());
  buffer.unfreeze_back();
}

}  // namespace
}  // namespace weir
