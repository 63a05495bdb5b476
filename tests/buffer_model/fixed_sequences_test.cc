// weir: sequences on which other chained buffers have lost the order of their bytes; and everything done with no bytes.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "weir/buffer/buffer.h"
#include "weir/buffer/draft.h"
#include "weir/buffer/file_range.h"
#include "weir/buffer/pool.h"
#include "weir/buffer/transfer_buffer.h"

namespace weir {
namespace {

/// Writes `text` into room for `wanted` bytes and commits that much.
void prepare_and_commit(Buffer& buffer, std::size_t wanted, std::string_view text) {
  const MutableBytes room = buffer.prepare(wanted);
  std::copy_n(as_bytes(text).begin(), text.size(), room.begin());
  buffer.commit(text.size());
}

// libevent #335: the room that was asked for first was found again by a later append, which came before its predecessor.
TEST(FixedSequences, an_append_after_room_was_asked_for_twice_goes_last) {
  for (const std::size_t first : {0U, 1U, 12U, 500U}) {
    for (const std::size_t second : {1U, 500U, 2048U, 70'000U}) {
      Buffer buffer;
      ASSERT_TRUE(buffer.reserve(first));
      buffer.append("first line\n");
      ASSERT_TRUE(buffer.reserve(second));
      buffer.append("second line\n");
      buffer.append_printf("%s line\n", "last");

      EXPECT_EQ(buffer, "first line\nsecond line\nlast line\n") << first << ", then " << second;
    }
  }
}

// libevent #358: a segment that was left empty in the middle was moved to another buffer, where it broke the next append.
TEST(FixedSequences, room_that_was_never_used_does_not_travel_with_the_bytes_around_it) {
  const std::string data(3000, 'd');
  Buffer output;
  Buffer input;
  Buffer taken;

  for (int round = 0; round < 5; ++round) {
    output.append_static(data);
    (void)output.prepare(4000);  // and nothing committed
    output.append_static("tail");
    input.append(std::move(output));
    while (input.size() > 1000) taken.append(input.take(1000));
    (void)taken.prepare(100);
    taken.commit(0);
    for (const Slice& slice : taken.slices()) EXPECT_FALSE(slice.is_empty());
  }
  taken.append(std::move(input));
  taken.append("!");

  std::string expected;
  for (int round = 0; round < 5; ++round) expected += data + "tail";
  EXPECT_EQ(taken, expected + "!");
}

// libevent #774: after nothing was put before memory by reference, and a byte was moved away, what was appended came first.
TEST(FixedSequences, nothing_prepended_and_a_byte_moved_away_leave_the_end_where_it_is) {
  Buffer buffer;
  Buffer other;
  int released = 0;
  const std::string fragment(2000, 'f');
  buffer.append_foreign(as_bytes(fragment), [&released] { ++released; });

  buffer.prepend("");
  other.append(buffer.take(1));
  buffer.append("bar");

  EXPECT_EQ(buffer, std::string(1999, 'f') + "bar");
  EXPECT_EQ(other, "f");
  buffer.clear();
  other.clear();
  EXPECT_EQ(released, 1);
}

TEST(FixedSequences, an_empty_reference_is_no_place_to_prepend_to) {
  Buffer buffer;
  int released = 0;

  buffer.append(Slice::foreign({}, [&released] { ++released; }));
  buffer.append_foreign({}, [&released] { ++released; });
  buffer.prepend("foo");
  buffer.append("bar");

  EXPECT_EQ(released, 2);
  EXPECT_EQ(buffer, "foobar");
}

// libevent #778: two segments changed places, after room was committed in part and whole buffers went to and fro.
TEST(FixedSequences, buffers_that_go_to_and_fro_keep_their_segments_in_order) {
  for (const std::size_t room : {1U, 971U, 4096U, 70'000U}) {
    Buffer one;
    Buffer other;
    one.append("aaaaaa");
    prepare_and_commit(one, room, "b");
    other.append("cc");
    other.prepend("ddd");

    other.prepend(std::move(one));
    EXPECT_EQ(other, "aaaaaabdddcc");
    one.append(std::move(other));
    other.append(one.take(11));

    EXPECT_EQ(other, "aaaaaabdddc") << room;
    EXPECT_EQ(one, "c");
  }
}

// libevent #806: what was prepended was lost, after nothing was appended, nothing was committed, and an empty buffer that
// owned memory was moved from.
TEST(FixedSequences, what_is_prepended_after_nothing_in_several_forms_is_kept) {
  const std::string fragment(1500, 'e');
  for (const std::size_t room : {1U, 100U, 4096U}) {
    Buffer buffer;
    Buffer other;
    Buffer empty;
    ASSERT_TRUE(empty.reserve(2000));
    buffer.append("");
    (void)buffer.prepare(room);
    buffer.commit(0);
    buffer.append(std::move(empty));
    buffer.append_foreign(as_bytes(fragment), [] {});
    buffer.prepend("bbbbb");
    buffer.prepend("");
    other.append(std::move(buffer));
    other.prepend("a");

    EXPECT_EQ(other, "abbbbb" + fragment) << room;
    EXPECT_EQ(other.take(3), "abb");
    other.append("f");
    EXPECT_EQ(other, "bbb" + fragment + "f");
  }
}

// netpoll #334: a buffer that was published before was spliced into one with bytes staged, and counted as staged too.
TEST(FixedSequences, a_whole_buffer_staged_behind_other_bytes_is_published_with_them_in_order) {
  Buffer whole;
  whole.append(std::string_view(std::string(100, 'w')));
  Buffer target;
  target.append("head ");
  Draft draft(target);
  const MutableBytes staged = draft.allocate(7);

  draft.append(std::move(whole));
  draft.append(" tail");
  std::copy_n(as_bytes("staged ").begin(), 7, staged.begin());
  EXPECT_EQ(draft.size(), 7U + 100 + 5);
  EXPECT_EQ(target, "head ");
  draft.commit();

  EXPECT_EQ(target, "head staged " + std::string(100, 'w') + " tail");
  EXPECT_EQ(draft.size(), 0U);
  EXPECT_TRUE(whole.is_empty());  // NOLINT(bugprone-use-after-move): promised
  whole.append("usable");
  EXPECT_EQ(whole, "usable");
}

// netpoll #393: after an insertion and cutting back, new bytes were written over those that had been kept.
TEST(FixedSequences, bytes_staged_after_an_insertion_and_a_cut_leave_the_kept_ones_alone) {
  const std::string inserted(2000, 'i');
  const std::string staged = "0123456789" + inserted + "abcdefghij";
  for (std::size_t kept = 0; kept <= staged.size(); kept += kept < 20 || kept > 2000 ? 1 : 495) {
    Buffer target;
    target.append("before ");
    Draft draft(target);
    const MutableBytes bytes = draft.allocate(20);
    std::copy_n(as_bytes("0123456789abcdefghij").begin(), 20, bytes.begin());
    ASSERT_TRUE(draft.insert(draft.mark_before_last(10), Slice::from_static(inserted)));

    ASSERT_TRUE(draft.truncate(kept));
    EXPECT_FALSE(draft.truncate(kept + 1));
    const MutableBytes more = draft.allocate(30);
    std::fill(more.begin(), more.end(), std::byte{'m'});
    draft.append("end");
    draft.commit();

    EXPECT_EQ(target, "before " + staged.substr(0, kept) + std::string(30, 'm') + "end") << kept;
  }
}

// --- no bytes ---

struct Nothing {
  const char* name;
  std::function<void(Buffer& buffer)> call;
};

std::vector<Nothing> ways_to_do_nothing() {
  return {
      {"append bytes", [](Buffer& b) { b.append(Bytes{}); }},
      {"append text", [](Buffer& b) { b.append(std::string_view()); }},
      {"append C string", [](Buffer& b) { b.append(""); }},
      {"try_append", [](Buffer& b) { EXPECT_TRUE(b.try_append(Bytes{})); }},
      {"append string", [](Buffer& b) { b.append(std::string()); }},
      {"append vector", [](Buffer& b) { b.append(std::vector<std::byte>()); }},
      {"append slice", [](Buffer& b) { b.append(Slice()); }},
      {"append buffer", [](Buffer& b) { b.append(Buffer()); }},
      {"append block", [](Buffer& b) { b.append(Block()); }},
      {"append_foreign", [](Buffer& b) { b.append_foreign({}, [] {}); }},
      {"append_static", [](Buffer& b) { b.append_static(Bytes{}); }},
      {"append_pieces, none", [](Buffer& b) { b.append_pieces({}); }},
      {"append_pieces, empty ones", [](Buffer& b) { b.append_pieces(std::array<Bytes, 3>{}); }},
      {"append_printf", [](Buffer& b) { EXPECT_TRUE(b.append_printf("%s", "")); }},
      {"append file range", [](Buffer& b) { b.append(FileRange()); }},
      {"append itself", [](Buffer& b) { b.append(std::move(b)); }},
      {"prepare and commit", [](Buffer& b) { (void)b.prepare(0), b.commit(0); }},
      {"prepare, not committed", [](Buffer& b) { (void)b.prepare(0); }},
      {"prepare some and commit none", [](Buffer& b) { (void)b.prepare(100), b.commit(0); }},
      {"reserve", [](Buffer& b) { EXPECT_TRUE(b.reserve(0)); }},
      {"append_reserved", [](Buffer& b) { EXPECT_TRUE(b.reserve_slice()), b.append_reserved({}); }},
      {"prepend bytes", [](Buffer& b) { b.prepend(Bytes{}); }},
      {"prepend text", [](Buffer& b) { b.prepend(""); }},
      {"prepend slice", [](Buffer& b) { b.prepend(Slice()); }},
      {"prepend buffer", [](Buffer& b) { b.prepend(Buffer()); }},
      {"prepend itself", [](Buffer& b) { b.prepend(std::move(b)); }},
      {"take", [](Buffer& b) { EXPECT_TRUE(b.take(0).is_empty()); }},
      {"take_and_drop", [](Buffer& b) { EXPECT_TRUE(b.take_and_drop(0, 0).is_empty()); }},
      {"drop", [](Buffer& b) { b.drop(0); }},
      {"split at the end", [](Buffer& b) { EXPECT_TRUE(b.split(b.size()).is_empty()); }},
      {"truncate to all", [](Buffer& b) { b.truncate(b.size()); }},
      {"share", [](Buffer& b) { EXPECT_TRUE(b.share(b.size(), 0).is_empty()); }},
      {"copy_to", [](Buffer& b) { EXPECT_EQ(b.copy_to({}, b.size()), 0U); }},
      {"contiguous", [](Buffer& b) { EXPECT_TRUE(b.contiguous(0).empty()); }},
      {"writable", [](Buffer& b) { EXPECT_TRUE(b.writable(0).empty()); }},
      {"gather", [](Buffer& b) { EXPECT_EQ(b.gather({}), 0U); }},
      {"gather from the end",
       [](Buffer& b) {
         std::array<iovec, 2> entries;
         EXPECT_EQ(b.gather(entries, b.size()), 0U);
         EXPECT_EQ(b.gather(entries, 0, 0), 0U);
       }},
      {"find", [](Buffer& b) { EXPECT_EQ(b.find(Bytes{}), 0U); }},
      {"find in nothing", [](Buffer& b) { EXPECT_FALSE(b.find("x", {.within = 0})); }},
      {"find none of any", [](Buffer& b) { EXPECT_FALSE(b.find_any(ByteSet())); }},
      {"materialize", [](Buffer& b) { EXPECT_TRUE(b.materialize(0)); }},
      {"compact", [](Buffer& b) { b.compact(); }},
      {"assign itself", [](Buffer& b) { b = std::move(*&b); }},
      {"draft that stages nothing", [](Buffer& b) { b.draft().commit(); }},
      {"draft in all its forms",
       [](Buffer& b) {
         Draft draft(b);
         EXPECT_TRUE(draft.allocate(0).empty());
         EXPECT_TRUE(draft.allocate_up_to(0).empty());
         draft.append(Bytes{});
         draft.append(Slice());
         draft.append(Buffer());
         draft.append(std::move(draft));
         EXPECT_TRUE(draft.insert(draft.mark(), Slice()));
         EXPECT_TRUE(draft.insert(draft.mark_before_last(0), Buffer()));
         EXPECT_TRUE(draft.truncate(0));
         EXPECT_FALSE(draft.truncate(1));
         draft.rollback();
         draft.commit();
       }},
      {"to another thread and back", [](Buffer& b) { b = std::move(b).detach().attach(); }},
  };
}

/// Buffers of each shape, with what they hold.
std::vector<std::pair<std::string, std::function<void(Buffer&)>>> shapes() {
  return {
      {"", [](Buffer&) {}},
      {"", [](Buffer& b) { EXPECT_TRUE(b.reserve(100)); }},
      {"tail", [](Buffer& b) { b.append("tail"); }},
      {"static", [](Buffer& b) { b.append_static("static"); }},
      {"abc", [](Buffer& b) { b.append("a"), b.append_static("b"), b.append("c"); }},
      {std::string(60, 's'),
       [](Buffer& b) {
         for (int i = 0; i < 60; ++i) b.append(Slice::copy_of(as_bytes("s"), b.pool()));
       }},
  };
}

TEST(NoBytes, whatever_is_done_with_them_changes_nothing) {
  for (const auto& [text, fill] : shapes()) {
    for (const Nothing& nothing : ways_to_do_nothing()) {
      Buffer buffer;
      fill(buffer);

      nothing.call(buffer);

      EXPECT_EQ(buffer, text) << nothing.name;
      for (const Slice& slice : buffer.slices()) EXPECT_FALSE(slice.is_empty()) << nothing.name;
      buffer.append("end");
      EXPECT_EQ(buffer, text + "end") << nothing.name;
      buffer.prepend("begin");
      EXPECT_EQ(buffer, "begin" + text + "end") << nothing.name;
    }
  }
}

}  // namespace
}  // namespace weir
