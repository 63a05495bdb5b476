// weir: tests of one payload in thousands of buffers that end in any order.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tests/support/numbered_text.h"
#include "weir/buffer/buffer.h"
#include "weir/buffer/pool.h"
#include "weir/buffer/slice.h"

namespace weir {
namespace {

using namespace weir::literals;
using testing_support::numbered;

constexpr std::size_t member_count = 5000;
constexpr std::size_t steps_between_looks = 1000;

/// A buffer that has the payload between a head and a tail of its own.
struct Member {
  explicit Member(Pool& pool) : buffer(pool) {}

  Buffer buffer;
  std::string content;
};

using Members = std::vector<std::unique_ptr<Member>>;

/// Calls `add(buffer)`, which appends the payload, for each of as many buffers.
template <class Add>
Members members_with(Pool& pool, const std::string& payload, Add add) {
  Members members;
  for (std::size_t i = 0; i < member_count; ++i) {
    auto member = std::make_unique<Member>(pool);
    const std::string head = "to " + std::to_string(i) + ": ";
    const std::string tail = i % 3 == 0 ? " and out" : "";
    member->buffer.append(head);
    add(member->buffer);
    member->buffer.append(tail);
    member->content = head;
    member->content += payload;
    member->content += tail;
    members.push_back(std::move(member));
  }
  return members;
}

void shuffle(Members& members, std::uint32_t seed) { std::ranges::shuffle(members, std::mt19937(seed)); }

void expect_content(const Members& members) {
  for (const std::unique_ptr<Member>& member : members) ASSERT_EQ(member->buffer, member->content);
}

/// In one of the ways in which the content of a buffer goes.
void end(Member& member, std::size_t way) {
  Buffer& buffer = member.buffer;
  switch (way % 6) {
    case 0: return buffer.clear();
    case 1: return buffer.drop(buffer.size());
    case 2: return (void)buffer.take(buffer.size() / 2);  // and the destructor does the rest
    case 3: return (void)buffer.split(3);
    case 4: return buffer.truncate(1);
    default: return;
  }
}

/// Ends the last member again and again, and looks at what is left in between. `half_way` is called when half are gone.
template <class Call>
void end_all(Members& members, Call half_way) {
  while (!members.empty()) {
    end(*members.back(), members.size());
    members.pop_back();
    if (members.size() == member_count / 2) half_way();
    if (members.size() % steps_between_looks == 0) expect_content(members);
  }
}

// hazard: B2
TEST(BufferMulticast, a_slice_in_thousands_of_buffers_stays_whole_until_the_last_of_them_ends_in_whatever_order) {
  const std::string payload = numbered(5000);
  for (const std::uint32_t seed : {1U, 2U, 3U}) {
    Pool pool({.limit = 64_MiB});
    Slice slice = Slice::copy_of(as_bytes(payload), pool);
    const std::size_t before = pool.stats().in_use;
    Members members = members_with(pool, payload, [&](Buffer& buffer) { buffer.append(slice); });
    EXPECT_LE(pool.stats().in_use, before + member_count * 2 * 512) << "the payload is there once";
    shuffle(members, seed);

    end_all(members, [&] { slice = Slice(); });

    EXPECT_EQ(pool.stats().in_use, 0U) << "seed " << seed;
    EXPECT_EQ(pool.stats().blocks, 0U) << "seed " << seed;
  }
}

// hazard: B2, B3
TEST(BufferMulticast, a_buffer_shared_with_thousands_comes_back_when_the_last_of_them_ends_and_is_released_once) {
  static constexpr std::string_view fixed =
      " a part that is nobody's, and longer than what is copied: 128 bytes or less. So a "
      "few more words have to follow, and these are they. ";
  const std::string foreign = numbered(3000);
  const std::string copied = numbered(70'000).substr(60'000);
  const std::string payload = foreign + copied + std::string(fixed);
  for (const std::uint32_t seed : {4U, 5U, 6U}) {
    Pool pool({.limit = 64_MiB});
    int released = 0;
    auto source = std::make_unique<Buffer>(pool);
    source->append_foreign(as_bytes(foreign), [&] { ++released; });
    source->append(std::string_view(copied));
    source->append_static(fixed);
    const std::size_t before = pool.stats().in_use;
    Members members = members_with(pool, payload, [&](Buffer& buffer) { buffer.append(source->share()); });
    EXPECT_LE(pool.stats().in_use, before + member_count * 2 * 512) << "the payload is there once";
    shuffle(members, seed);

    end_all(members, [&] {
      EXPECT_EQ(*source, payload);
      source.reset();
      EXPECT_EQ(released, 0) << "there are members left";
    });

    EXPECT_EQ(released, 1);
    EXPECT_EQ(pool.stats().in_use, 0U) << "seed " << seed;
  }
}

TEST(BufferMulticast, what_one_of_thousands_does_to_its_buffer_no_other_sees) {
  const std::string payload = numbered(5000);
  Pool pool({.limit = 256_MiB});
  Buffer source(pool);
  source.append(std::string_view(payload));
  Members members = members_with(pool, payload, [&](Buffer& buffer) { buffer.append(source.share()); });
  shuffle(members, 7);

  for (std::size_t i = 0; i < members.size(); i += 2) {
    Member& member = *members[i];
    const std::size_t head = i % 4 == 0 ? 0 : member.content.find(':') + 2;
    const std::size_t at = 20 + i % 4000;
    member.buffer.drop(head);  // so that the payload begins it, or its own memory
    member.content.erase(0, head);
    member.buffer.writable(at + 1)[at] = std::byte{'#'};
    member.content[at] = '#';
    member.buffer.append("!");
    member.content += '!';
    member.buffer.drop(i % 7);
    member.content.erase(0, i % 7);
    member.buffer.prepend("?");
    member.content.insert(0, "?");
  }

  EXPECT_EQ(source, payload);
  expect_content(members);
  source.clear();
  end_all(members, [] {});
  EXPECT_EQ(pool.stats().in_use, 0U);
}

}  // namespace
}  // namespace weir
