// weir: tests of formatted text at the end of a buffer.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <string>

#include "tests/support/throws.h"
#include "weir/buffer/allocation_plan.h"
#include "weir/buffer/buffer.h"
#include "weir/buffer/draft.h"
#include "weir/buffer/format.h"
#include "weir/buffer/pool.h"

namespace weir {
namespace {

using testing_support::throws_bad_alloc;

TEST(BufferPrintf, appends_text_of_every_length_without_its_nul) {
  for (const int width : {1, 2, 127, 128, 129, 511, 512, 513, 5000, 100'000}) {
    Buffer buffer;
    buffer.append("> ");

    EXPECT_TRUE(buffer.append_printf("%*d %s", width, 7, "end"));

    const std::string number(static_cast<std::size_t>(width) - 1, ' ');
    EXPECT_EQ(buffer, "> " + number + "7 end") << width;
  }
}

TEST(BufferPrintf, lines_follow_each_other_in_one_block) {
  Buffer buffer;
  std::string expected;
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(buffer.append_printf("%d\n", i));
    expected += std::to_string(i) + "\n";
  }

  EXPECT_EQ(buffer, expected);
  EXPECT_EQ(buffer.slice_count(), 1U);
}

TEST(BufferPrintf, without_memory_throws_and_changes_nothing) {
  Pool pool({.cached = false});
  Buffer buffer(pool);
  buffer.append("before");
  const AllocationPlan plan(1, true);

  EXPECT_TRUE(throws_bad_alloc([&] { buffer.append_printf("%*d", 5000, 1); }));

  EXPECT_EQ(buffer, "before");
}

TEST(BufferPrintf, whichever_allocation_fails_leaves_no_memory_in_an_empty_buffer_and_no_preparation) {
  for (const std::string_view before : {"", "before"}) {
    std::size_t failed = 0;
    for (bool done = false; !done; ++failed) {
      ASSERT_LT(failed, 20U);
      Pool pool({.cached = false});
      Buffer buffer(pool);
      buffer.append(before);
      done = !throws_bad_alloc([&] {
        const AllocationPlan plan(failed + 1, true);
        buffer.append_printf("%*d", 5000, 1);
      });
      if (done) continue;
      EXPECT_EQ(buffer, before);
      EXPECT_EQ(pool.stats().blocks, before.empty() ? 0U : 1U) << "allocation " << failed + 1;
      EXPECT_DEATH(buffer.commit(1), "commit") << "allocation " << failed + 1;
    }
    EXPECT_GT(failed, 1U) << "no allocation was made to fail";
  }
}

TEST(BufferFormat, appends_what_fmt_makes_of_it) {
  Buffer buffer;
  append_format(buffer, "HTTP/1.1 {} {}\r\n", 200, "OK");
  append_format(buffer, "{:>{}}", "far", 3000);
  append_format(buffer, "");

  EXPECT_EQ(buffer, "HTTP/1.1 200 OK\r\n" + std::string(2997, ' ') + "far");
}

TEST(BufferFormat, is_staged_in_a_draft_like_any_other_bytes) {
  Buffer buffer;
  Draft draft(buffer);
  const MutableBytes length = draft.allocate(2);
  append_format(draft, "{}-{}", 12, "ab");
  EXPECT_TRUE(draft.append_printf("/%03d", 7));
  store_big_endian(length, static_cast<std::uint16_t>(draft.size() - 2));
  EXPECT_TRUE(buffer.is_empty());
  draft.commit();

  EXPECT_EQ(buffer, std::string_view("\0\x09"
                                     "12-ab/007",
                                     11));
}

TEST(BufferFormat, whichever_allocation_fails_leaves_no_memory_in_an_empty_buffer) {
  std::size_t failed = 0;
  for (bool done = false; !done; ++failed) {
    ASSERT_LT(failed, 20U);
    Pool pool({.cached = false});
    Buffer buffer(pool);
    done = !throws_bad_alloc([&] {
      const AllocationPlan plan(failed + 1, true);
      append_format(buffer, "{:>{}}", 1, 5000);
    });
    EXPECT_EQ(pool.stats().blocks, done ? 1U : 0U) << "allocation " << failed + 1;
  }
  EXPECT_GT(failed, 2U) << "the second room was never refused";
}

}  // namespace
}  // namespace weir
