// weir: tests of appending many pieces at once, or none.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "tests/support/numbered_text.h"
#include "tests/support/throws.h"
#include "weir/buffer/allocation_plan.h"
#include "weir/buffer/buffer.h"
#include "weir/buffer/buffer_observer.h"
#include "weir/buffer/draft.h"
#include "weir/buffer/pool.h"

namespace weir {
namespace {

using namespace weir::literals;
using testing_support::numbered;
using testing_support::throws_bad_alloc;

/// `text` in pieces of `size` bytes, with an empty one in front and behind every third.
std::vector<Bytes> in_pieces(std::string_view text, std::size_t size) {
  std::vector<Bytes> pieces(1);
  for (std::size_t at = 0; at < text.size(); at += size) {
    pieces.push_back(as_bytes(text.substr(at, size)));
    if (pieces.size() % 4 == 0) pieces.emplace_back();
  }
  return pieces;
}

struct Listener final : BufferObserver {
  void changed(Buffer&, const BufferChange& change) noexcept override {
    ++told;
    added += change.added;
  }
  int told = 0;
  std::size_t added = 0;
};

/// Buffers to append to: empty, with room in the tail block, with none, and with memory of others behind it.
std::vector<Buffer> beginnings(Pool& pool) {
  static constexpr std::string_view fixed = "memory of nobody's";
  std::vector<Buffer> buffers;
  buffers.reserve(4);
  for (int i = 0; i < 4; ++i) buffers.emplace_back(pool);
  buffers[1].append("with room");
  buffers[2].append(std::string_view(std::string(512, 'f')));
  buffers[3].append("with room, and ");
  buffers[3].append_static(fixed);
  return buffers;
}

TEST(AppendPieces, of_an_empty_list_or_of_empty_pieces_only_does_nothing) {
  Pool pool;
  const std::vector<Bytes> empty_pieces(5);
  for (const std::span<const Bytes> pieces : {std::span<const Bytes>(), std::span(empty_pieces)}) {
    for (Buffer& buffer : beginnings(pool)) {
      const std::size_t blocks = pool.stats().blocks;
      const std::size_t allocations = allocations_so_far();
      const Buffer before = buffer.share();
      const std::size_t slices = buffer.slice_count();
      Listener listener;
      buffer.add_observer(listener);

      buffer.append_pieces(pieces);

      EXPECT_EQ(buffer, before);
      EXPECT_EQ(buffer.slice_count(), slices);
      EXPECT_EQ(listener.told, 0);
      EXPECT_EQ(pool.stats().blocks, blocks);
      EXPECT_EQ(allocations_so_far(), allocations);
    }
  }
}

TEST(AppendPieces, puts_them_in_order_whatever_their_sizes_and_leaves_the_empty_ones_out) {
  Pool pool;
  const std::string all = numbered(200'000);
  for (const std::size_t total : {1U, 100U, 511U, 512U, 513U, 3000U, 65'535U, 65'536U, 65'537U, 200'000U}) {
    const std::string_view text = std::string_view(all).substr(0, total);
    for (const std::size_t size : {1U, 7U, 600U, 70'000U}) {
      const std::vector<Bytes> pieces = in_pieces(text, size);
      for (Buffer& buffer : beginnings(pool)) {
        const std::string before(as_text(buffer.contiguous(buffer.size())));

        buffer.append_pieces(pieces);

        ASSERT_EQ(buffer, before + std::string(text)) << total << " bytes in pieces of " << size;
        for (const Slice& slice : buffer.slices()) ASSERT_FALSE(slice.is_empty());
        EXPECT_LE(buffer.slice_count(), 3 + total / 4096) << "small pieces share a block";
        buffer.append("!");
        ASSERT_EQ(buffer, before + std::string(text) + '!');
      }
    }
  }
}

TEST(AppendPieces, copies_what_may_change_afterwards) {
  for (const std::size_t total : {1000U, 100'000U}) {
    std::string text = numbered(total);
    const std::string expected = text;
    Buffer buffer;
    buffer.append_pieces(in_pieces(text, 300));

    text.assign(total, '!');

    EXPECT_EQ(buffer, expected);
  }
}

TEST(AppendPieces, may_be_of_the_buffer_itself) {
  for (const std::size_t size : {10U, 512U, 5000U, 50'000U}) {
    const std::string text = numbered(size);
    Buffer buffer;
    buffer.append(std::string_view(text));
    const Bytes own = buffer.contiguous(size);

    buffer.append_pieces(std::vector<Bytes>{own.subspan(size / 2), Bytes(), own, as_bytes("other"), own.first(1)});

    std::string expected = text;
    expected += text.substr(size / 2);
    expected += text;
    expected += "other";
    expected += text[0];
    EXPECT_EQ(buffer, expected);
  }
}

TEST(AppendPieces, is_one_change_to_those_who_follow) {
  for (const std::size_t total : {1000U, 100'000U}) {
    const std::string text = numbered(total);
    Buffer buffer;
    Listener listener;
    buffer.add_observer(listener);

    buffer.append_pieces(in_pieces(text, 100));

    EXPECT_EQ(listener.told, 1);
    EXPECT_EQ(listener.added, total);
    EXPECT_EQ(buffer, text);
  }
}

TEST(AppendPieces, whichever_allocation_fails_adds_none_of_them) {
  const std::string all = numbered(200'000);
  for (const std::size_t total : {1000U, 3000U, 65'536U, 65'537U, 200'000U}) {
    const std::string_view text = std::string_view(all).substr(0, total);
    const std::vector<Bytes> pieces = in_pieces(text, 90);
    for (std::size_t which = 0; which < 4; ++which) {
      std::size_t failed = 0;
      for (bool done = false; !done; ++failed) {
        ASSERT_LT(failed, 100U);
        Pool pool({.limit = 64_MiB, .cached = false});
        Buffer buffer = std::move(beginnings(pool)[which]);
        const Buffer before = buffer.share();
        const std::size_t slices = buffer.slice_count();
        const std::size_t blocks = pool.stats().blocks;
        Listener listener;
        if (failed % 2 == 1) buffer.add_observer(listener);
        done = !throws_bad_alloc([&] {
          const AllocationPlan plan(failed + 1, true);
          buffer.append_pieces(pieces);
        });
        if (done) continue;
        ASSERT_EQ(buffer, before) << total << " bytes, allocation " << failed + 1;
        EXPECT_EQ(buffer.slice_count(), slices);
        EXPECT_EQ(pool.stats().blocks, blocks);
        EXPECT_EQ(listener.told, 0);
        buffer.append_pieces(pieces);
        EXPECT_EQ(buffer.size(), before.size() + total);
      }
      EXPECT_GT(failed, 1U) << "no allocation was made to fail";
    }
  }
}

TEST(AppendPieces, beyond_the_budget_adds_none_of_them) {
  Pool pool({.limit = 128_KiB});
  Buffer buffer(pool);
  buffer.append("before");
  const std::string text = numbered(200'000);

  EXPECT_TRUE(throws_bad_alloc([&] { buffer.append_pieces(in_pieces(text, 1000)); }));

  EXPECT_EQ(buffer, "before");
  EXPECT_EQ(pool.stats().in_use, 512U);
}

TEST(AppendPieces, in_a_draft_are_staged_and_committed_as_one) {
  const std::string text = numbered(1000);
  Buffer buffer;
  buffer.append("before ");
  Draft draft = buffer.draft();

  draft.append_pieces(in_pieces(text, 90));
  EXPECT_EQ(buffer, "before ");
  EXPECT_EQ(draft.size(), text.size());
  draft.commit();

  EXPECT_EQ(buffer, "before " + text);
}

}  // namespace
}  // namespace weir
