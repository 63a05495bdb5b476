// weir: tests of two-phase writes.
// SPDX-License-Identifier: MIT
#include "weir/buffer/draft.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "tests/support/test_file.h"
#include "tests/support/throws.h"
#include "weir/buffer/allocation_plan.h"
#include "weir/buffer/pool.h"

namespace weir {
namespace {

using namespace weir::literals;
using testing_support::TestFile;
using testing_support::throws_bad_alloc;

std::string text_of(const Buffer& buffer) {
  std::string text(buffer.size(), '\0');
  buffer.copy_to(std::as_writable_bytes(std::span(text.data(), text.size())));
  return text;
}

std::size_t slice_count(const Buffer& buffer) {
  std::size_t count = 0;
  for (auto slice = buffer.slices().begin(); slice != buffer.slices().end(); ++slice) ++count;
  return count;
}

void fill(MutableBytes room, char letter) { std::fill(room.begin(), room.end(), static_cast<std::byte>(letter)); }

Buffer buffer_of(std::string_view text) {
  Buffer buffer;
  buffer.append(text);
  return buffer;
}

TEST(Draft, a_block_of_the_program_and_static_memory_are_staged_as_they_are) {
  static constexpr std::array<std::byte, 5000> constant{};
  Buffer buffer;
  Draft draft(buffer);
  Block block = Pool::default_pool().allocate(64_KiB);
  fill(block.room().first(50'000), 'b');
  block.commit(50'000);
  const std::byte* memory = block.data();

  draft.append(std::move(block));
  draft.append_static(Bytes(constant));
  draft.commit();

  EXPECT_EQ(buffer.front().data(), memory);
  ASSERT_EQ(slice_count(buffer), 2U);
  EXPECT_EQ((*++buffer.slices().begin()).bytes().data(), constant.data());
  EXPECT_EQ(text_of(buffer), std::string(50'000, 'b') + std::string(5000, '\0'));
}

TEST(Draft, a_header_is_filled_in_when_the_body_is_known) {
  Buffer buffer;
  buffer.append("before ");
  Draft draft(buffer);

  const MutableBytes header = draft.allocate(4);
  draft.append("hello, ");
  draft.append(std::string(3000, 'x'));
  store_big_endian(header, checked_u32(draft.size() - 4));
  EXPECT_EQ(text_of(buffer), "before ") << "nothing staged is readable";
  draft.commit();

  EXPECT_EQ(text_of(buffer), "before " + std::string("\0\0\x0B\xBF", 4) + "hello, " + std::string(3000, 'x'));
  EXPECT_TRUE(draft.is_empty());
}

TEST(Draft, a_small_message_is_written_in_place_and_needs_no_new_slice) {
  Buffer buffer;
  buffer.append("before ");
  {
    Draft draft(buffer);
    fill(draft.allocate(4), 'h');
    draft.append("body");
    draft.commit();
  }
  buffer.append(" after");

  EXPECT_EQ(text_of(buffer), "before hhhhbody after");
  EXPECT_EQ(slice_count(buffer), 1U);
}

TEST(Draft, allocated_bytes_stay_where_they_are_until_commit_however_many_there_are) {
  Buffer buffer;
  Draft draft(buffer);
  std::vector<MutableBytes> rooms;
  std::string expected;
  for (std::size_t i = 0; i < 200; ++i) {
    const std::size_t size = 1 + i * 37 % 5000;
    rooms.push_back(draft.allocate(size));
    ASSERT_EQ(rooms.back().size(), size);
    expected += std::string(size, static_cast<char>('a' + i % 26));
  }
  for (std::size_t i = 0; i < rooms.size(); ++i) fill(rooms[i], static_cast<char>('a' + i % 26));
  draft.commit();

  EXPECT_EQ(text_of(buffer), expected);
  EXPECT_TRUE(draft.allocate(0).empty());
}

// hazard: LB1
TEST(Draft, everything_keeps_the_order_in_which_it_was_staged) {
  Buffer buffer;
  Draft draft(buffer);
  bool is_released = false;
  const std::string foreign(5000, 'f');

  fill(draft.allocate(3), '1');
  draft.append(buffer_of("-buffer-"));
  fill(draft.allocate(3), '2');
  draft.append_foreign(as_bytes(foreign), [&] { is_released = true; });
  draft.append(Slice::from_static("-slice-"));
  draft.append(std::string(4000, 's'));
  fill(draft.allocate(3), '3');
  draft.append_big_endian<std::uint16_t>(0x4142);
  Buffer slices;
  for (int i = 0; i < 2; ++i) slices.append_static("-static-");
  draft.append(std::move(slices));
  draft.append("end");
  draft.commit();

  EXPECT_EQ(text_of(buffer),
            "111-buffer-222" + foreign + "-slice-" + std::string(4000, 's') + "333AB-static--static-end");
  EXPECT_FALSE(is_released);
  buffer.clear();
  EXPECT_TRUE(is_released);
}

TEST(Draft, what_is_appended_to_the_buffer_meanwhile_goes_before_it) {
  Buffer buffer;
  buffer.append("1 ");
  Draft draft(buffer);
  draft.append("4 ");
  buffer.append("2 ");
  Draft second(buffer);
  second.append("3 ");

  second.commit();
  draft.commit();
  buffer.append("5");

  EXPECT_EQ(text_of(buffer), "1 2 3 4 5");
}

TEST(Draft, drops_all_when_it_is_destroyed_and_gives_the_room_back) {
  Buffer buffer;
  buffer.append("before");
  bool is_released = false;
  const std::string foreign(5000, 'f');
  {
    Draft draft(buffer);
    draft.append("dropped");
    draft.append_foreign(as_bytes(foreign), [&] { is_released = true; });
    fill(draft.allocate(10'000), 'x');
  }
  EXPECT_TRUE(is_released);
  EXPECT_EQ(text_of(buffer), "before");
  buffer.append(" after");

  EXPECT_EQ(text_of(buffer), "before after");
  EXPECT_EQ(slice_count(buffer), 1U) << "written where the draft had been";
}

// hazard: LB2
TEST(Draft, keeps_what_truncate_leaves_and_refuses_to_keep_more_than_there_is) {
  Buffer buffer;
  buffer.append("before ");
  Draft draft(buffer);
  const MutableBytes room = draft.allocate(400);
  fill(room, 'x');
  std::memcpy(room.data(), "hello", 5);

  EXPECT_FALSE(draft.truncate(401));
  EXPECT_EQ(draft.size(), 400U);
  EXPECT_TRUE(draft.truncate(5));
  const MutableBytes more = draft.allocate(3);
  EXPECT_EQ(more.data(), room.data() + 5) << "the room is there again";
  std::memcpy(more.data(), "...", 3);
  draft.append(Slice::from_static(std::string_view("a slice that is cut off again")));
  EXPECT_TRUE(draft.truncate(8));
  EXPECT_TRUE(draft.truncate(8));
  draft.append("!");
  draft.commit();
  EXPECT_EQ(text_of(buffer), "before hello...!");

  draft.append("dropped");
  EXPECT_TRUE(draft.truncate(0));
  EXPECT_TRUE(draft.is_empty());
  draft.commit();
  EXPECT_EQ(text_of(buffer), "before hello...!");
  EXPECT_EQ(slice_count(buffer), 1U);
}

// hazard: LB3
TEST(Draft, pieces_are_inserted_at_marks_anywhere_and_in_order) {
  Buffer buffer;
  Draft draft(buffer);
  const Draft::Mark start = draft.mark();
  draft.append("header ");
  const Draft::Mark border = draft.mark();
  draft.append(Slice::from_static("trailer"));
  const Draft::Mark inside = draft.mark_before_last(4);
  const Draft::Mark end = draft.mark();

  EXPECT_TRUE(draft.insert(border, buffer_of("body1 ")));
  EXPECT_TRUE(draft.insert(border, buffer_of("body2 ")));
  EXPECT_TRUE(draft.insert(inside, Slice::from_static("|")));
  EXPECT_TRUE(draft.insert(start, buffer_of(">")));
  EXPECT_TRUE(draft.insert(end, buffer_of("<")));
  EXPECT_TRUE(draft.insert(border, Buffer()));
  fill(draft.allocate(2), '.');
  EXPECT_TRUE(draft.insert(inside, Slice::from_static("|")));
  EXPECT_TRUE(draft.insert(start, buffer_of(">")));
  draft.commit();

  EXPECT_EQ(text_of(buffer), ">>header body1 body2 tra||iler<..");
}

TEST(Draft, a_mark_that_truncate_has_dropped_is_refused) {
  Buffer buffer;
  Draft draft(buffer);
  draft.append("0123456789");
  const Draft::Mark early = draft.mark_before_last(8);
  const Draft::Mark border = draft.mark_before_last(5);
  const Draft::Mark late = draft.mark();
  ASSERT_TRUE(draft.truncate(5));
  draft.append("abcdefgh");

  Buffer more = buffer_of("never");
  EXPECT_FALSE(draft.insert(late, std::move(more)));
  EXPECT_EQ(text_of(more), "never");  // NOLINT(bugprone-use-after-move): refused, so untouched
  EXPECT_TRUE(draft.insert(border, buffer_of("-")));
  EXPECT_TRUE(draft.insert(early, buffer_of("+")));
  draft.commit();

  EXPECT_EQ(text_of(buffer), "01+234-abcdefgh");
}

TEST(Draft, marks_from_before_everything_was_dropped_or_committed_are_refused) {
  Buffer buffer;
  Buffer other_buffer;
  Draft draft(buffer);
  Draft other(other_buffer);
  const auto is_refused_after = [&](auto end) {
    draft.append("0123456789");
    ASSERT_TRUE(draft.insert(draft.mark_before_last(10), buffer_of("-")));
    const Draft::Mark mark = draft.mark_before_last(4);
    end();
    draft.append("abcdefghijkl");
    EXPECT_FALSE(draft.insert(mark, buffer_of("never")));
    EXPECT_TRUE(draft.insert(draft.mark_before_last(1), buffer_of("now")));
    draft.rollback();
  };

  is_refused_after([&] { EXPECT_TRUE(draft.truncate(0)); });
  is_refused_after([&] { draft.rollback(); });
  is_refused_after([&] { draft.commit(); });
  is_refused_after([&] { other.append(std::move(draft)); });
}

// hazard: LB3
TEST(Draft, a_mark_of_another_draft_or_of_none_is_refused_and_what_was_to_be_inserted_stays_as_it_was) {
  Buffer buffer;
  Buffer other_buffer;
  std::optional<Draft> other(std::in_place, other_buffer);
  other->append("0123456789");
  const Draft::Mark elsewhere = other->mark_before_last(5);
  Draft draft(buffer);
  draft.append("0123456789");
  (void)draft.mark();
  const auto expects_refusal = [](Draft& target, const Draft::Mark& mark) {
    Buffer piece = buffer_of("never");
    Slice slice = Slice::from_static("never");
    EXPECT_FALSE(target.insert(mark, std::move(piece)));
    EXPECT_FALSE(target.insert(mark, std::move(slice)));
    EXPECT_FALSE(target.insert(mark, slice));  // NOLINT(bugprone-use-after-move): refused, so untouched
    EXPECT_FALSE(target.insert(mark, "never"));
    EXPECT_FALSE(target.insert(mark, as_bytes(std::string_view("never"))));
    EXPECT_EQ(text_of(piece), "never");  // NOLINT(bugprone-use-after-move)
    EXPECT_EQ(slice.size(), 5U);
  };

  expects_refusal(draft, elsewhere);
  expects_refusal(draft, Draft::Mark());
  other.emplace(other_buffer);  // at the same place, with as much in it
  other->append("0123456789");
  expects_refusal(*other, elsewhere);
  (void)other->mark();
  expects_refusal(*other, elsewhere);
  draft.commit();

  EXPECT_EQ(text_of(buffer), "0123456789");
}

TEST(Draft, copies_slices_and_parts_of_files_are_inserted_where_a_mark_stands) {
  Buffer buffer;
  Draft draft(buffer);
  const Draft::Mark start = draft.mark();
  draft.append("[]");
  const Draft::Mark middle = draft.mark_before_last(1);
  const std::string text = "copied ";
  Slice slice = Slice::from_static("shared ");

  EXPECT_TRUE(draft.insert(middle, text));
  EXPECT_TRUE(draft.insert(middle, as_bytes(std::string_view("bytes "))));
  EXPECT_TRUE(draft.insert(middle, slice));
  EXPECT_TRUE(draft.insert(middle, std::move(slice)));
  EXPECT_TRUE(slice.is_empty());  // NOLINT(bugprone-use-after-move): taken
  EXPECT_TRUE(draft.insert(middle, std::string_view()));
  EXPECT_TRUE(draft.insert(start, "of a file: "));
  EXPECT_TRUE(draft.insert(draft.mark(), TestFile("0123456789").share().range(2, 3)));
  draft.commit();
  ASSERT_TRUE(buffer.materialize(buffer.size()));

  EXPECT_EQ(text_of(buffer), "of a file: [copied bytes shared shared ]234");
}

// hazard: LB4
TEST(Draft, memory_that_came_by_reference_goes_back_to_whom_it_came_from) {
  const std::string foreign(5000, 'f');
  int released = 0;
  for (const bool commits : {true, false}) {
    Buffer buffer;
    {
      Draft draft(buffer);
      draft.append("head");
      const Draft::Mark middle = draft.mark();
      draft.append("tail");
      Buffer body;
      body.append_foreign(as_bytes(foreign), [&] { ++released; });
      EXPECT_TRUE(draft.insert(middle, std::move(body)));
      EXPECT_TRUE(draft.truncate(draft.size() - 4 - 1));  // cuts the foreign piece
      draft.append("!");
      if (commits) draft.commit();
    }
    EXPECT_EQ(text_of(buffer), commits ? "head" + std::string(4999, 'f') + "!" : "");
    EXPECT_EQ(foreign, std::string(5000, 'f')) << "nothing is written there";
    buffer.clear();
    EXPECT_EQ(released, commits ? 1 : 2);
  }
}

TEST(Draft, a_draft_in_a_draft_stays_staged) {
  Buffer buffer;
  buffer.append("start ");
  Buffer elsewhere;
  elsewhere.append("elsewhere");
  Draft outer(buffer);
  outer.append("[");
  {
    Draft inner(elsewhere);
    inner.append("inner");
    fill(inner.allocate(2), '!');
    outer.append(std::move(inner));
    EXPECT_TRUE(inner.is_empty());  // NOLINT(bugprone-use-after-move): says so
  }
  elsewhere.append(" is untouched");
  outer.append("]");
  EXPECT_EQ(text_of(buffer), "start ");
  outer.commit();

  EXPECT_EQ(text_of(buffer), "start [inner!!]");
  EXPECT_EQ(text_of(elsewhere), "elsewhere is untouched");
}

// hazard: LB7
TEST(Draft, what_was_spliced_from_is_empty_and_usable) {
  Buffer buffer;
  Draft draft(buffer);
  for (int i = 0; i < 2; ++i) {  // to a draft that is empty, and to one that is not
    Buffer source = buffer_of("source ");
    draft.append(std::move(source));
    EXPECT_TRUE(source.is_empty());  // NOLINT(bugprone-use-after-move): documented
    source.append("again");
    EXPECT_EQ(text_of(source), "again");
  }
  draft.commit();
  draft.append("more");
  draft.commit();

  EXPECT_EQ(text_of(buffer), "source source more");
}

TEST(Draft, random_programs_agree_with_a_string) {
  for (unsigned seed = 1; seed <= 300; ++seed) {
    std::mt19937 random(seed);
    Buffer buffer;
    std::string model;
    for (int round = 0; round < 4; ++round) {
      Draft draft(buffer);
      std::string staged;
      std::vector<std::pair<MutableBytes, std::size_t>> rooms;
      for (int i = 0; i < 12; ++i) {
        const std::string text(random() % 600, static_cast<char>('a' + random() % 26));
        switch (random() % 7) {
          case 0:
          case 1: {
            fill(draft.allocate(text.size()), text.empty() ? ' ' : text[0]);
            staged += text;
            break;
          }
          case 2:
            draft.append(text);
            staged += text;
            break;
          case 3: {
            Buffer piece = buffer_of(text);
            draft.append(std::move(piece));
            staged += text;
            break;
          }
          case 4: {
            const std::size_t before_last = random() % (staged.size() + 1);
            ASSERT_TRUE(draft.insert(draft.mark_before_last(before_last), buffer_of(text)));
            staged.insert(staged.size() - before_last, text);
            break;
          }
          case 5: {
            const std::size_t kept = random() % (staged.size() + 1);
            ASSERT_TRUE(draft.truncate(kept));
            staged.resize(kept);
            break;
          }
          case 6:
            buffer.append(text);
            model += text;
            break;
        }
        ASSERT_EQ(draft.size(), staged.size()) << "seed " << seed;
      }
      if (random() % 3 != 0) {
        draft.commit();
        model += staged;
      }
      const std::size_t dropped = random() % (buffer.size() + 1);
      buffer.drop(dropped);
      model.erase(0, dropped);
      ASSERT_EQ(text_of(buffer), model) << "seed " << seed;
    }
  }
}

TEST(Draft, an_allocation_that_fails_changes_nothing) {
  (void)Pool::default_pool();  // is made at its first use
  const std::string text(2000, 'x');
  for (std::size_t k = 1; k <= 30; ++k) {
    Buffer buffer = buffer_of("before ");
    Draft draft(buffer);
    std::string staged;
    staged.reserve(20'000);  // so that only what is tested allocates
    (void)throws_bad_alloc([&] {
      const AllocationPlan failing(k, true);
      for (int i = 0; i < 40; ++i) {
        draft.append(Slice::from_static(std::string_view(text).substr(0, 200 + static_cast<std::size_t>(i))));
        staged.append(200 + static_cast<std::size_t>(i), 'x');
        const Draft::Mark middle = draft.mark_before_last(100);
        Buffer piece;
        piece.append(Slice::from_static("-----"));
        if (!draft.insert(middle, std::move(piece))) ADD_FAILURE();
        staged.insert(staged.size() - 100, "-----");
      }
    });
    EXPECT_EQ(text_of(buffer), "before ");
    draft.commit();
    ASSERT_TRUE(text_of(buffer) == "before " + staged) << "allocation " << k;
  }
}

// --- what drafts stand on ---

TEST(Buffer, shared_parts_outlive_it_and_see_nothing_of_what_follows) {
  Buffer part;
  {
    Buffer buffer = buffer_of("hello, ");
    buffer.append(Slice::from_static("world"));
    part = buffer.share(3, 6);
    const Buffer whole = buffer.share();
    buffer.append(" and more");
    EXPECT_EQ(text_of(whole), "hello, world");
    EXPECT_EQ(whole.front().data(), buffer.front().data());
  }
  EXPECT_EQ(text_of(part), "lo, wo");
  part.append("!");
  EXPECT_EQ(text_of(part), "lo, wo!");
}

/// Notes that it was told, and looks at the buffer, which must still be there.
class Listener final : public BufferObserver {
 public:
  void changed(Buffer& buffer, const BufferChange&) noexcept override { size = buffer.size(); }
  std::size_t size = 0;
};

TEST(Buffer, what_truncate_releases_may_destroy_the_buffer) {
  const std::string foreign(5000, 'f');
  Listener listener;
  auto buffer = std::make_unique<Buffer>();
  buffer->append("kept");
  buffer->append_foreign(as_bytes(foreign), [&] { buffer.reset(); });
  buffer->add_observer(listener);

  buffer->truncate(4);

  EXPECT_EQ(buffer, nullptr);
  EXPECT_EQ(listener.size, 4U);
}

TEST(Buffer, what_truncate_cut_off_is_written_to_again_unless_somebody_still_views_it) {
  Buffer buffer = buffer_of("0123456789");
  const std::byte* begin = buffer.front().data();
  buffer.truncate(4);
  buffer.append("abc");
  EXPECT_EQ(text_of(buffer), "0123abc");
  EXPECT_EQ(buffer.front().data(), begin);
  EXPECT_EQ(slice_count(buffer), 1U);

  const Buffer view = buffer.share();
  buffer.truncate(4);
  buffer.append("XYZ");
  EXPECT_EQ(text_of(buffer), "0123XYZ");
  EXPECT_EQ(text_of(view), "0123abc") << "what is viewed does not change";
  buffer.truncate(0);
  EXPECT_TRUE(buffer.is_empty());
}

TEST(Draft, cut_back_to_bytes_that_lie_just_before_its_own_overwrites_nothing) {
  Buffer buffer;
  buffer.append(std::string_view(std::string(100, 'a')));
  Draft draft = buffer.draft();
  const MutableBytes header = draft.allocate(4);
  store_big_endian(header, std::uint32_t{0x68656164});
  draft.append(buffer.take(100));  // ends where the draft began to write
  draft.append_static("dropped");

  ASSERT_TRUE(draft.truncate(104));
  draft.append("tail");
  draft.commit();

  EXPECT_EQ(buffer, "head" + std::string(100, 'a') + "tail");
}

TEST(Draft, may_be_ended_by_whoever_is_told_of_what_is_inserted) {
  struct Ender final : BufferObserver {
    void changed(Buffer&, const BufferChange&) noexcept override { draft->reset(); }
    std::optional<Draft>* draft = nullptr;
  };
  for (const bool at_the_end : {false, true}) {
    Buffer buffer;
    std::optional<Draft> draft;
    draft.emplace(buffer);
    const Draft::Mark begin = draft->mark();
    if (!at_the_end) draft->append("staged");
    Buffer inserted;
    inserted.append("inserted");
    Ender ender;
    ender.draft = &draft;
    inserted.add_observer(ender);

    EXPECT_TRUE(draft->insert(begin, std::move(inserted)));

    EXPECT_FALSE(draft);
    EXPECT_TRUE(buffer.is_empty());
  }
}

TEST(Draft, that_is_given_up_leaves_an_empty_buffer_without_memory) {
  Pool pool({.limit = 16_MiB, .cached = false});
  Buffer buffer(pool);
  buffer.append("x");
  {
    Draft draft = buffer.draft();
    draft.append("y");
    buffer.clear();
  }
  EXPECT_EQ(pool.stats().in_use, 0U);
}

TEST(Draft, whose_end_releases_memory_that_stages_and_commits_more_leaves_nothing_behind) {
  Pool pool({.limit = 16_MiB, .cached = false});
  const std::string text(600, 'f');
  {
    Buffer buffer(pool);
    buffer.append("x");
    {
      Draft draft = buffer.draft();
      draft.append_foreign(as_bytes(text), [&] {
        draft.append("late");
        draft.commit();
      });
    }
    EXPECT_EQ(buffer, "xlate");
  }
  EXPECT_EQ(pool.stats().in_use, 0U);
}

TEST(Draft, one_that_is_dropped_when_the_buffer_has_run_empty_leaves_no_memory) {
  Pool pool;
  Buffer buffer(pool);
  buffer.append("abc");
  Draft draft(buffer);
  draft.append("def");
  buffer.drop(3);

  draft.rollback();

  EXPECT_EQ(pool.stats().blocks, 0U);
}

}  // namespace
}  // namespace weir
