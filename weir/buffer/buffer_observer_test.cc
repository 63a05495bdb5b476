// weir: tests of observers, change scopes and frozen ends.
// SPDX-License-Identifier: MIT
#include "weir/buffer/buffer_observer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "weir/buffer/buffer.h"
#include "weir/buffer/draft.h"
#include "weir/buffer/pool.h"
#include "weir/buffer/transfer_buffer.h"

namespace weir {
namespace {

const std::string foreign_text(5000, 'f');

/// Notes what it is told, then does what the test wants.
class Recorder final : public BufferObserver {
 public:
  void changed(Buffer& buffer, const BufferChange& change) noexcept override {
    EXPECT_FALSE(change.is_empty());
    EXPECT_TRUE(changes.empty() || change.original_size == size);
    size = change.original_size + change.added - change.removed;
    changes.push_back(change);
    if (then) then(buffer);
  }

  std::size_t added() const {
    std::size_t sum = 0;
    for (const BufferChange& change : changes) sum += change.added;
    return sum;
  }
  std::size_t removed() const {
    std::size_t sum = 0;
    for (const BufferChange& change : changes) sum += change.removed;
    return sum;
  }

  std::vector<BufferChange> changes;
  std::size_t size = 0;  ///< of the buffer, by what it was told
  std::function<void(Buffer&)> then;
};

struct Case {
  const char* name;
  std::size_t added;
  std::size_t removed;
  std::function<void(Buffer&)> operate;
};

/// Every way to change a buffer of "0123456789".
std::vector<Case> every_change() {
  const auto other = [] {
    Buffer buffer;
    buffer.append("abcde");
    return buffer;
  };
  return {
      {"append", 3, 0, [](Buffer& b) { b.append("abc"); }},
      {"append much", 300'000, 0, [](Buffer& b) { b.append(std::string_view(std::string(300'000, 'm'))); }},
      {"try_append", 3, 0, [](Buffer& b) { EXPECT_TRUE(b.try_append(as_bytes("abc"))); }},
      {"append pieces", 6, 0,
       [](Buffer& b) {
         b.append_pieces(std::vector<Bytes>{as_bytes("abc"), Bytes(), as_bytes("def")});
       }},
      {"append slice", 4, 0, [](Buffer& b) { b.append(Slice::from_static("abcd")); }},
      {"append string", 5000, 0, [](Buffer& b) { b.append(std::string(5000, 's')); }},
      {"append block", 2, 0,
       [](Buffer& b) {
         Block block = b.pool().allocate(1000);
         block.append(as_bytes("ab"));
         b.append(std::move(block));
       }},
      {"append foreign", 5000, 0, [](Buffer& b) { b.append_foreign(as_bytes(foreign_text), [] {}); }},
      {"append little foreign", 2, 0, [](Buffer& b) { b.append_foreign(as_bytes("ab"), [] {}); }},
      {"append buffer", 5, 0, [other](Buffer& b) { b.append(other()); }},
      {"append integer", 4, 0, [](Buffer& b) { b.append_big_endian(std::uint32_t{1}); }},
      {"append varint", 2, 0, [](Buffer& b) { b.append_varint(300); }},
      {"append printf", 5, 0, [](Buffer& b) { b.append_printf("%05d", 42); }},
      {"append reserved", 200, 0,
       [](Buffer& b) {
         EXPECT_TRUE(b.reserve_slice());
         b.append_reserved(Slice::from_static(std::string_view(foreign_text).substr(0, 200)));
       }},
      {"commit", 7, 0,
       [](Buffer& b) {
         (void)b.prepare(100);
         b.commit(7);
       }},
      {"draft", 9, 0,
       [](Buffer& b) {
         Draft draft = b.draft();
         draft.append("123456789");
         draft.commit();
       }},
      {"prepend to a new block", 3, 0, [](Buffer& b) { b.prepend("abc"); }},
      {"prepend slice", 200, 0,
       [](Buffer& b) { b.prepend(Slice::from_static(std::string_view(foreign_text).substr(0, 200))); }},
      {"prepend buffer", 5, 0, [other](Buffer& b) { b.prepend(other()); }},
      {"drop", 0, 4, [](Buffer& b) { b.drop(4); }},
      {"drop all", 0, 10, [](Buffer& b) { b.drop(10); }},
      {"take", 0, 4, [](Buffer& b) { EXPECT_EQ(b.take(4).size(), 4U); }},
      {"take all", 0, 10, [](Buffer& b) { EXPECT_EQ(b.take_all().size(), 10U); }},
      {"split", 0, 7, [](Buffer& b) { EXPECT_EQ(b.split(3).size(), 7U); }},
      {"split at the front", 0, 10, [](Buffer& b) { EXPECT_EQ(b.split(0).size(), 10U); }},
      {"truncate", 0, 7, [](Buffer& b) { b.truncate(3); }},
      {"clear", 0, 10, [](Buffer& b) { b.clear(); }},
      {"being appended", 0, 10, [other](Buffer& b) { other().append(std::move(b)); }},
      {"being prepended", 0, 10, [other](Buffer& b) { other().prepend(std::move(b)); }},
      {"being moved to", 5, 10, [other](Buffer& b) { b = other(); }},
      {"being moved from", 0, 10, [](Buffer& b) { Buffer().operator=(std::move(b)); }},
      {"detach", 0, 10, [](Buffer& b) { EXPECT_EQ(std::move(b).detach().size(), 10U); }},
  };
}

// hazard: EV1
TEST(BufferObserver, hears_of_exactly_what_each_operation_adds_and_removes) {
  for (const Case& each : every_change()) {
    SCOPED_TRACE(each.name);
    Recorder recorder;
    Buffer buffer;
    buffer.append("0123456789");
    buffer.add_observer(recorder);

    each.operate(buffer);

    EXPECT_EQ(recorder.added(), each.added);
    EXPECT_EQ(recorder.removed(), each.removed);
    EXPECT_EQ(recorder.size, buffer.size());
    ASSERT_FALSE(recorder.changes.empty());
    EXPECT_EQ(recorder.changes.front().original_size, 10U);
  }
}

TEST(BufferObserver, hears_nothing_where_no_byte_comes_or_goes) {
  Recorder recorder;
  Buffer buffer;
  Buffer empty;
  buffer.append("0123456789");
  buffer.add_observer(recorder);

  buffer.append("");
  buffer.append(std::move(empty));
  buffer.prepend("");
  buffer.drop(0);
  (void)buffer.take(0);
  (void)buffer.split(10);
  buffer.truncate(10);
  (void)buffer.contiguous(5);
  (void)buffer.writable(5);
  (void)buffer.share();
  buffer.compact();
  (void)buffer.prepare(5);
  buffer.commit(0);
  (void)buffer.take_all();
  recorder.changes.clear();
  buffer.clear();

  EXPECT_TRUE(recorder.changes.empty());
}

TEST(BufferObserver, stays_with_the_object_and_is_not_told_of_its_end) {
  Recorder recorder;
  {
    Buffer buffer;
    buffer.add_observer(recorder);
    buffer.append("0123456789");
    Buffer moved = std::move(buffer);
    EXPECT_EQ(recorder.changes.size(), 2U);
    moved.drop(1);
    EXPECT_EQ(recorder.changes.size(), 2U);
    buffer.append("again");  // NOLINT(bugprone-use-after-move): reusable is promised
    EXPECT_EQ(recorder.changes.size(), 3U);
    EXPECT_TRUE(recorder.is_observing());
  }
  EXPECT_EQ(recorder.changes.size(), 3U);
  EXPECT_FALSE(recorder.is_observing());
}

TEST(BufferObserver, small_appends_are_fast_again_when_the_last_has_gone) {
  Buffer buffer;
  buffer.append("0123456789");
  {
    Recorder recorder;
    buffer.add_observer(recorder);
    buffer.append("a");
    EXPECT_EQ(recorder.changes.size(), 1U);
  }

  buffer.append("b");

  EXPECT_EQ(buffer, "0123456789ab");
  EXPECT_EQ(buffer.slice_count(), 1U);
}

// hazard: EV5
TEST(BufferObserver, may_destroy_the_buffer_in_every_operation) {
  for (const Case& each : every_change()) {
    if (std::string_view(each.name) == "draft") continue;  // a draft must not outlive its buffer
    SCOPED_TRACE(each.name);
    Recorder recorder, after;
    auto buffer = std::make_unique<Buffer>();
    buffer->append("0123456789");
    buffer->add_observer(after);
    buffer->add_observer(recorder);
    recorder.then = [&](Buffer&) { buffer.reset(); };

    Buffer& alive = *buffer;
    each.operate(alive);

    EXPECT_EQ(buffer, nullptr);
    EXPECT_EQ(recorder.changes.size() + after.changes.size(), 1U) << "nobody is told of a buffer that is gone";
  }
}

// hazard: EV5
TEST(BufferObserver, may_remove_itself_and_others) {
  Recorder first, second, third;
  Buffer buffer;
  for (Recorder* each : {&first, &second, &third}) buffer.add_observer(*each);
  for (Recorder* each : {&first, &second, &third}) {
    each->then = [&](Buffer& b) {
      for (Recorder* other : {&first, &second, &third}) b.remove_observer(*other);
    };
  }

  buffer.append("once");
  buffer.append("twice");

  EXPECT_EQ(first.changes.size() + second.changes.size() + third.changes.size(), 1U);
}

TEST(BufferObserver, may_be_destroyed_while_others_are_told) {
  auto doomed = std::make_unique<Recorder>();
  Recorder killer;
  Buffer buffer;
  buffer.add_observer(*doomed);
  buffer.add_observer(killer);  // whichever is told first, the other is next
  killer.then = [&](Buffer&) { doomed.reset(); };

  buffer.append("a");
  buffer.append("b");

  EXPECT_EQ(killer.changes.size(), 2U);
}

// hazard: EV5
TEST(BufferObserver, what_it_does_itself_is_told_as_one_change_when_all_have_heard_of_the_first) {
  Recorder eager, other;
  Buffer buffer;
  buffer.add_observer(other);
  buffer.add_observer(eager);
  int depth = 0;
  int deepest = 0;
  eager.then = [&](Buffer& b) {
    deepest = std::max(deepest, ++depth);
    if (b.size() < 100) {
      b.append("0123456789");
      b.drop(1);
    }
    --depth;
  };

  buffer.append("start");

  EXPECT_EQ(deepest, 1);
  for (const Recorder* each : {&eager, &other}) {
    EXPECT_EQ(each->added() - each->removed(), buffer.size());
    EXPECT_EQ(each->changes.at(0).original_size, 0U);
    EXPECT_EQ(each->changes.at(0).added, 5U);
    EXPECT_EQ(each->changes.at(1).original_size, 5U);
    EXPECT_EQ(each->changes.at(1).added, 10U);
    EXPECT_EQ(each->changes.at(1).removed, 1U);
  }
}

TEST(BufferObserver, alone_hears_what_it_does_itself_after_the_change_it_was_told_of) {
  Buffer buffer;
  Recorder recorder;
  recorder.then = [&](Buffer& b) {
    if (recorder.changes.size() != 1) return;
    b.append("more");
    b.drop(2);
    EXPECT_EQ(recorder.changes.size(), 1U);
  };
  buffer.add_observer(recorder);

  buffer.append("x");

  ASSERT_EQ(recorder.changes.size(), 2U);
  EXPECT_EQ(recorder.changes[1].original_size, 1U);
  EXPECT_EQ(recorder.changes[1].added, 4U);
  EXPECT_EQ(recorder.changes[1].removed, 2U);
  EXPECT_EQ(buffer, "ore");
}

TEST(BufferObserver, alone_may_hand_over_to_another_which_hears_the_rest) {
  Buffer buffer;
  Recorder first;
  Recorder second;
  first.then = [&](Buffer& b) {
    b.remove_observer(first);
    b.add_observer(second);
    b.append("abc");
  };
  buffer.add_observer(first);

  buffer.append("x");
  buffer.append("y");

  EXPECT_EQ(first.added(), 1U);
  ASSERT_EQ(second.changes.size(), 2U);
  EXPECT_EQ(second.changes[0].original_size, 1U);
  EXPECT_EQ(second.added(), 4U);
}

TEST(BufferObserver, one_that_joins_while_others_are_told_hears_of_later_changes_only) {
  Recorder first, late;
  Buffer buffer;
  buffer.add_observer(first);
  first.then = [&](Buffer& b) {
    if (!late.is_observing()) b.add_observer(late);
  };

  buffer.append("early");
  EXPECT_TRUE(late.changes.empty());
  buffer.append("late");

  EXPECT_EQ(late.added(), 4U);
}

TEST(BufferObserver, follows_one_buffer_at_a_time) {
  Recorder recorder;
  Buffer buffer, other;
  buffer.add_observer(recorder);

  EXPECT_DEATH(other.add_observer(recorder), "add_observer");
  EXPECT_DEATH(other.remove_observer(recorder), "remove_observer");
  buffer.remove_observer(recorder);
  buffer.remove_observer(recorder);
  other.add_observer(recorder);
  EXPECT_TRUE(recorder.is_observing());
}

// hazard: EV5
TEST(BufferObserver, of_one_buffer_may_destroy_the_other_of_a_move) {
  const auto run = [](auto operation, bool destroys_source) {
    auto to = std::make_unique<Buffer>();
    auto from = std::make_unique<Buffer>();
    to->append("to");
    from->append("from");
    Recorder of_to, of_from;
    to->add_observer(of_to);
    from->add_observer(of_from);
    (destroys_source ? of_to : of_from).then = [&](Buffer&) { (destroys_source ? from : to).reset(); };
    operation(*to, *from);
    EXPECT_EQ(of_to.changes.size() + of_from.changes.size(), destroys_source ? 2U : 1U);
  };

  for (const bool destroys_source : {false, true}) {
    run([](Buffer& to, Buffer& from) { to.append(std::move(from)); }, destroys_source);
    run([](Buffer& to, Buffer& from) { to.prepend(std::move(from)); }, destroys_source);
    run([](Buffer& to, Buffer& from) { to = std::move(from); }, destroys_source);
  }
}

TEST(BufferObserver, what_is_done_to_the_other_buffer_of_a_move_is_told_in_order) {
  Buffer to, from;
  from.append("abc");
  Recorder of_to, of_from;
  to.add_observer(of_to);
  from.add_observer(of_from);
  of_to.then = [&](Buffer&) {
    if (from.size() < 5) from.append("12345");
  };
  of_from.then = [&](Buffer&) {
    if (to.size() < 5) to.append("67");
  };

  to.append(std::move(from));

  EXPECT_EQ(of_from.changes.at(0).original_size, 3U);
  EXPECT_EQ(of_from.size, from.size());  // NOLINT(bugprone-use-after-move): filled again
  EXPECT_EQ(of_to.size, to.size());
}

TEST(BufferObserver, may_end_the_draft_that_it_is_told_of_or_stage_more) {
  Recorder recorder;
  Buffer buffer;
  auto draft = std::make_unique<Draft>(buffer);
  draft->append("first");
  buffer.add_observer(recorder);
  recorder.then = [&](Buffer&) { draft->append("second"); };
  draft->commit();
  EXPECT_EQ(draft->size(), 6U);

  recorder.then = [&](Buffer&) { draft.reset(); };
  draft->commit();

  EXPECT_EQ(buffer, "firstsecond");
  EXPECT_EQ(draft, nullptr);
}

TEST(ChangeScope, gathers_for_those_told_at_its_end) {
  Recorder immediate, gathered;
  Buffer buffer;
  buffer.append("0123456789");
  buffer.add_observer(immediate);
  buffer.add_observer(gathered, ObserverTiming::at_scope_end);
  {
    const ChangeScope scope(buffer);
    buffer.append("abc");
    {
      const ChangeScope inner(buffer);
      buffer.drop(5);
    }
    buffer.prepend("x");
    EXPECT_EQ(immediate.changes.size(), 3U);
    EXPECT_TRUE(gathered.changes.empty());
  }

  ASSERT_EQ(gathered.changes.size(), 1U);
  EXPECT_EQ(gathered.changes[0].original_size, 10U);
  EXPECT_EQ(gathered.changes[0].added, 4U);
  EXPECT_EQ(gathered.changes[0].removed, 5U);
  buffer.append("y");
  EXPECT_EQ(gathered.changes.size(), 2U) << "without a scope each operation is one";
}

TEST(ChangeScope, says_nothing_when_nothing_happened_and_outlives_the_buffer) {
  Recorder recorder;
  auto buffer = std::make_unique<Buffer>();
  buffer->add_observer(recorder, ObserverTiming::at_scope_end);
  { const ChangeScope scope(*buffer); }
  {
    const ChangeScope scope(*buffer);
    buffer->append("lost");
    buffer.reset();
  }

  EXPECT_TRUE(recorder.changes.empty());
}

TEST(ChangeScope, opened_by_an_observer_gathers_for_the_next_round) {
  Recorder immediate, gathered;
  Buffer buffer;
  buffer.add_observer(gathered, ObserverTiming::at_scope_end);
  buffer.add_observer(immediate);
  immediate.then = [&](Buffer& b) {
    if (b.size() > 1) return;
    const ChangeScope scope(b);
    b.append("bc");
    b.append("de");
  };

  buffer.append("a");

  EXPECT_EQ(gathered.added(), 5U);
  EXPECT_EQ(immediate.added(), 5U);
}

TEST(BufferFreeze, a_frozen_end_refuses_what_would_change_it) {
  Buffer buffer, other;
  buffer.append("0123456789");
  other.append("other");

  buffer.freeze_front();
  EXPECT_TRUE(buffer.is_front_frozen());
  EXPECT_DEATH(buffer.drop(1), "drop");
  EXPECT_DEATH((void)buffer.take(1), "take");
  EXPECT_DEATH((void)buffer.take_all(), "Buffer");
  EXPECT_DEATH(buffer.clear(), "clear");
  EXPECT_DEATH(buffer.prepend("x"), "prepend");
  EXPECT_DEATH(buffer.prepend(std::move(other)), "prepend");
  EXPECT_DEATH(other.append(std::move(buffer)), "append");
  buffer.unfreeze_front();

  buffer.freeze_back();
  EXPECT_TRUE(buffer.is_back_frozen());
  EXPECT_DEATH(buffer.append("x"), "append");
  EXPECT_DEATH((void)buffer.try_append(as_bytes("x")), "append");
  EXPECT_DEATH(buffer.append(Slice::from_static("x")), "append");
  EXPECT_DEATH(buffer.append(std::move(other)), "append");
  EXPECT_DEATH((void)buffer.prepare(1), "prepare");
  EXPECT_DEATH(buffer.truncate(1), "truncate");
  EXPECT_DEATH((void)buffer.split(1), "split");
  EXPECT_DEATH(buffer = std::move(other), "operator=");
  buffer.unfreeze_back();
  EXPECT_EQ(buffer, "0123456789") << "a refusal comes before any change";
}

TEST(BufferFreeze, leaves_the_other_end_and_reading_alone) {
  Buffer buffer;
  buffer.append("0123456789");

  buffer.freeze_front();
  buffer.append("ab");
  buffer.truncate(11);
  EXPECT_EQ(buffer, "0123456789a");
  EXPECT_EQ(buffer.slice_count(), 1U);
  buffer.freeze_back();
  EXPECT_EQ(as_text(buffer.contiguous(4)), "0123");
  EXPECT_EQ(buffer.share().size(), 11U);
  buffer.unfreeze_front();
  buffer.drop(1);
  buffer.prepend("z");
  buffer.unfreeze_back();
  buffer.append("b");

  EXPECT_EQ(buffer, "z123456789ab");
  EXPECT_EQ(buffer.slice_count(), 1U);
}

TEST(BufferFreeze, what_changes_nothing_is_allowed) {
  Buffer buffer;
  buffer.freeze_front();
  buffer.drop(0);
  buffer.clear();
  EXPECT_TRUE(buffer.append_printf("%s", ""));
  EXPECT_TRUE(buffer.take(0).is_empty());
  buffer.unfreeze_front();
  buffer.append("abc");
  buffer.freeze_back();

  EXPECT_EQ(buffer.take(2), "ab");
  EXPECT_EQ(buffer.take(1), "c") << "all of it may go at the front";
}

TEST(BufferFreeze, ends_a_preparation) {
  Buffer buffer;
  (void)buffer.prepare(10);
  buffer.freeze_back();

  EXPECT_DEATH(buffer.commit(1), "commit");
}

}  // namespace
}  // namespace weir
