// weir: random operations on buffers that share memory, against plain strings.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/throws.h"
#include "weir/buffer/allocation_plan.h"
#include "weir/buffer/buffer.h"
#include "weir/buffer/line_reader.h"
#include "weir/buffer/pool.h"
#include "weir/buffer/receive_block.h"
#include "weir/buffer/transfer_buffer.h"

namespace weir {
namespace {

using testing_support::throws_bad_alloc;

constexpr std::size_t buffer_count = 4;
constexpr std::size_t most_content = 100'000;  // of one buffer: beyond, it is drained

/// What a buffer should hold. Consumed from the front without moving the rest.
class Model {
 public:
  std::string_view view() const { return std::string_view(text_).substr(consumed_); }
  std::size_t size() const { return text_.size() - consumed_; }
  void append(std::string_view text) {
    if (consumed_ > 2 * size()) *this = Model(std::string(view()));
    text_.append(text);
  }
  void drop(std::size_t count) { consumed_ += count; }
  void truncate(std::size_t count) { text_.resize(consumed_ + count); }
  Model() = default;
  explicit Model(std::string text) : text_(std::move(text)) {}

 private:
  std::string text_;
  std::size_t consumed_ = 0;
};

class CountingHook final : public BufferDrainHook {
 public:
  void drained(Buffer&) noexcept override { ++calls; }
  std::size_t calls = 0;
};

struct Subject {
  explicit Subject(Pool& pool) : buffer(pool) { buffer.set_drain_hook(&hook); }
  CountingHook hook;
  Buffer buffer;
  Model model;
  SearchPosition position;
};

/// A slice kept aside, and what it must go on showing.
struct Pinned {
  Slice slice;
  std::string text;
};

/// One random sequence over buffers that share a pool, slices and foreign memory.
class Sequence {
 public:
  Sequence(std::uint64_t seed, bool fails_allocations)
      : random_(seed),
        fails_allocations_(fails_allocations),
        pool_({.limit = 64 << 20, .cached = seed % 2 == 0}),
        received_(pool_) {
    for (std::size_t i = 0; i < buffer_count; ++i) subjects_.push_back(std::make_unique<Subject>(pool_));
  }

  void run(std::size_t operations) {
    for (std::size_t i = 0; i < operations && !testing::Test::HasFailure(); ++i) {
      step();
      if (i % 64 == 0) check_everything();
    }
    check_everything();
  }

  /// Ends everything; then all must have been given back.
  void finish() {
    pinned_.clear();
    subjects_.clear();
    received_.release();
    EXPECT_EQ(pool_.stats().blocks, 0U);
    EXPECT_EQ(pool_.stats().in_use, 0U);
    for (const std::unique_ptr<Foreign>& memory : foreign_) EXPECT_EQ(memory->released, 1);
  }

 private:
  struct Foreign {
    std::string text;
    int released = 0;
  };

  std::size_t below(std::size_t limit) { return limit == 0 ? 0 : random_() % limit; }

  std::size_t size() {
    constexpr std::array<std::size_t, 20> special{0,   1,   2,   7,   15,  16,   17,   127,   128,   129,
                                                  256, 257, 511, 512, 513, 1024, 1025, 16383, 16384, 16385};
    if (below(50) == 0) return (std::size_t{64} << 10) - 1 + below(3);
    if (below(2) == 0) return special[below(special.size())];
    return below(std::size_t{1} << below(13));
  }

  std::string text(std::size_t length) {
    std::string result(length, '\0');
    std::uint64_t word = random_();
    for (char& letter : result) {
      word = word * 6364136223846793005 + 1442695040888963407;
      letter = static_cast<char>('a' + (word >> 60));
    }
    if (length != 0 && below(4) == 0) result[below(length)] = '\n';
    return result;
  }

  Subject& subject() { return *subjects_[below(subjects_.size())]; }

  /// Runs `call`, with a failing allocation now and then; true if it went through.
  template <class Call>
  bool attempt(Call call) {
    if (!fails_allocations_ || below(4) != 0) {
      call();
      return true;
    }
    const AllocationPlan plan(1 + below(3), below(2) == 0);
    return !throws_bad_alloc(call);
  }

  /// Checks that exactly those hooks are told whose buffers lost bytes.
  template <class Call>
  bool attempt_removing(Subject& from, bool removes, Call call) {
    const std::size_t before = from.hook.calls;
    const bool done = attempt(call);
    EXPECT_EQ(from.hook.calls - before, done && removes ? 1U : 0U);
    return done;
  }

  void step() {
    Subject& to = subject();
    Subject& from = subject();
    if (to.model.size() > most_content) return drop(to, to.model.size() - below(1000));
    switch (below(28)) {
      case 0:
      case 1:
      case 2: return append_copy(to);
      case 3: return append_string(to);
      case 4: return append_vector(to);
      case 5: return append_slice(to);
      case 6: return append_buffer(to, from);
      case 7: return append_block(to);
      case 8: return append_foreign(to);
      case 9: return append_number(to);
      case 10: return prepare_and_commit(to);
      case 11: return reserve(to);
      case 12: return append_reserved(to);
      case 13: return receive(to);
      case 14: return append_own(to);
      case 15:
      case 16: return drop(to, below(to.model.size() + 1));
      case 17: return take(to, from);
      case 18: return split(to, from);
      case 19: return contiguous(to);
      case 20: return copy_out(to);
      case 21: return find(to);
      case 22: return read_line(to);
      case 23: return transfer(to);
      case 24: return pin(to);
      case 25: return below(8) == 0 ? clear(to) : unpin();
      case 26: return move(to, from);
      default: return below(16) == 0 ? replace(to) : compare(to, from);
    }
  }

  // --- adding ---

  void append_copy(Subject& to) {
    const std::string bytes = text(size());
    const bool done = below(2) == 0 ? attempt([&] { to.buffer.append(bytes); }) : try_append(to, bytes);
    if (done) to.model.append(bytes);
  }

  bool try_append(Subject& to, std::string_view bytes) {
    bool appended = false;
    (void)attempt([&] { appended = to.buffer.try_append(as_bytes(bytes)); });
    return appended;
  }

  void append_string(Subject& to) {
    std::string bytes = text(size());
    if (below(4) == 0) bytes.reserve(bytes.size() * 6);
    const std::string copy = bytes;
    const bool done = attempt([&] { to.buffer.append(std::move(bytes)); });
    EXPECT_EQ(bytes, done ? std::string() : copy);  // NOLINT(bugprone-use-after-move): promised
    if (done) to.model.append(copy);
  }

  void append_vector(Subject& to) {
    const std::string copy = text(size());
    std::vector<std::byte> bytes(as_bytes(copy).begin(), as_bytes(copy).end());
    if (attempt([&] { to.buffer.append(std::move(bytes)); })) to.model.append(copy);
  }

  void append_slice(Subject& to) {
    if (pinned_.empty()) return;
    const Pinned& pinned = pinned_[below(pinned_.size())];
    const std::size_t offset = below(pinned.text.size() + 1);
    const std::size_t count = below(pinned.text.size() - offset + 1);
    if (attempt([&] { to.buffer.append(pinned.slice.subslice(offset, count)); })) {
      to.model.append(std::string_view(pinned.text).substr(offset, count));
    }
  }

  void append_buffer(Subject& to, Subject& from) {
    const bool is_same = &to == &from;
    const bool moves = !is_same && from.model.size() != 0;
    if (!attempt_removing(from, moves, [&] { to.buffer.append(std::move(from.buffer)); }) || is_same) return;
    to.model.append(from.model.view());
    from.model = Model();
  }

  void append_block(Subject& to) {
    const std::string bytes = text(size());
    Block block = pool_.allocate(bytes.size() + below(1000));
    block.append(as_bytes(bytes));
    const std::size_t dropped = below(bytes.size() + 1);
    block.drop(dropped);
    const bool done = attempt([&] { to.buffer.append(std::move(block)); });
    EXPECT_EQ(block.size(), done ? 0 : bytes.size() - dropped);  // NOLINT(bugprone-use-after-move): promised
    if (done) to.model.append(std::string_view(bytes).substr(dropped));
  }

  void append_foreign(Subject& to) {
    foreign_.push_back(std::make_unique<Foreign>());
    Foreign& memory = *foreign_.back();
    memory.text = text(size());
    const bool done =
        attempt([&] { to.buffer.append_foreign(as_bytes(memory.text), [&memory] { ++memory.released; }); });
    if (done) {
      to.model.append(memory.text);
    } else {
      EXPECT_EQ(memory.released, 0);
      foreign_.pop_back();
    }
  }

  void append_number(Subject& to) {
    const auto number = static_cast<std::uint32_t>(random_());
    std::array<std::byte, 4> bytes{};
    const bool is_big = below(2) == 0;
    is_big ? store_big_endian(bytes, number) : store_little_endian(bytes, number);
    const bool done =
        attempt([&] { is_big ? to.buffer.append_big_endian(number) : to.buffer.append_little_endian(number); });
    if (done) to.model.append(as_text(bytes));
  }

  void prepare_and_commit(Subject& to) {
    const std::size_t wanted = size();
    MutableBytes room;
    if (!attempt([&] { room = to.buffer.prepare(wanted); })) return;
    ASSERT_GE(room.size(), wanted);
    const std::string bytes = text(wanted);
    std::copy_n(as_bytes(bytes).begin(), wanted, room.begin());
    if (below(4) == 0) return;  // never committed
    const std::size_t count = below(wanted + 1);
    to.buffer.commit(count);
    to.model.append(std::string_view(bytes).substr(0, count));
  }

  void reserve(Subject& to) {
    const std::size_t reserved = size();
    bool is_certain = false;
    (void)attempt([&] { is_certain = static_cast<bool>(to.buffer.reserve(reserved)); });
    if (!is_certain) return;
    const std::string bytes = text(reserved);
    bool appended = true;
    {
      const AllocationPlan plan(1, true);
      for (std::size_t done = 0; done < reserved && appended;) {
        const std::size_t count = std::min(1 + below(reserved), reserved - done);
        appended = to.buffer.try_append(as_bytes(bytes).subspan(done, count));
        done += count;
      }
    }
    EXPECT_TRUE(appended);
    to.model.append(bytes);
  }

  void append_reserved(Subject& to) {
    if (pinned_.empty()) return;
    const Pinned& pinned = pinned_[below(pinned_.size())];
    bool is_certain = false;
    (void)attempt([&] { is_certain = static_cast<bool>(to.buffer.reserve_slice()); });
    if (!is_certain || below(3) == 0) return;
    {
      const AllocationPlan plan(1, true);
      to.buffer.append_reserved(pinned.slice);
    }
    to.model.append(pinned.text);
  }

  void receive(Subject& to) {
    const MutableBytes room = received_.room();
    ASSERT_FALSE(room.empty());
    const std::string bytes = text(std::min(size(), room.size()));
    std::copy(as_bytes(bytes).begin(), as_bytes(bytes).end(), room.begin());
    const Slice slice = received_.take(bytes.size());
    if (attempt([&] { to.buffer.append(slice); })) to.model.append(bytes);
  }

  void append_own(Subject& to) {
    if (to.model.size() == 0) return;
    const std::string front(as_text(to.buffer.front()));
    const bool done = below(2) == 0 ? attempt([&] { to.buffer.append(*to.buffer.slices().begin()); })
                                    : attempt([&] { to.buffer.append(to.buffer.front()); });
    if (done) to.model.append(front);
  }

  // --- removing ---

  void drop(Subject& from, std::size_t count) {
    (void)attempt_removing(from, count != 0, [&] { from.buffer.drop(count); });
    from.model.drop(count);
  }

  void clear(Subject& from) {
    (void)attempt_removing(from, from.model.size() != 0, [&] { from.buffer.clear(); });
    from.model = Model();
  }

  void take(Subject& to, Subject& from) {
    const std::size_t count = below(3) == 0 ? std::min(below(20), from.model.size()) : below(from.model.size() + 1);
    std::optional<Buffer> taken;
    if (!attempt_removing(from, count != 0, [&] { taken.emplace(from.buffer.take(count)); })) return;
    const std::string expected(from.model.view().substr(0, count));
    from.model.drop(count);
    give(to, *std::move(taken), expected);
  }

  void split(Subject& to, Subject& from) {
    const std::size_t count = below(from.model.size() + 1);
    std::optional<Buffer> rest;
    const bool removes = count != from.model.size();
    if (!attempt_removing(from, removes, [&] { rest.emplace(from.buffer.split(count)); })) return;
    const std::string expected(from.model.view().substr(count));
    from.model.truncate(count);
    give(to, *std::move(rest), expected);
  }

  /// Checks what was taken, and appends or drops it.
  void give(Subject& to, Buffer taken, const std::string& expected) {
    EXPECT_EQ(taken, expected);
    check_shape(taken);
    if (below(2) == 0) return;
    to.buffer.append(std::move(taken));
    to.model.append(expected);
  }

  void move(Subject& to, Subject& from) {
    const bool is_same = &to == &from;
    const std::size_t before = to.hook.calls;
    const bool told = to.model.size() != 0;
    (void)attempt_removing(from, !is_same && from.model.size() != 0, [&] { to.buffer = std::move(from.buffer); });
    if (is_same) return;
    EXPECT_EQ(to.hook.calls - before, told ? 1U : 0U);
    to.model = std::exchange(from.model, Model());
  }

  void replace(Subject& from) {
    for (std::unique_ptr<Subject>& place : subjects_) {
      if (place.get() == &from) place = std::make_unique<Subject>(pool_);
    }
  }

  void transfer(Subject& from) {
    TransferBuffer parcel = std::move(from.buffer).detach();
    EXPECT_EQ(parcel.size(), from.model.size());
    from.buffer = std::move(parcel).attach();
  }

  // --- reading ---

  void contiguous(Subject& of) {
    const std::size_t count = below(of.model.size() + 1);
    Bytes joined;
    if (!attempt([&] { joined = of.buffer.contiguous(count); })) return;
    EXPECT_EQ(as_text(joined), of.model.view().substr(0, count));
  }

  void copy_out(Subject& of) {
    const std::size_t offset = below(of.model.size() + 1);
    std::string to(size(), '\0');
    to.resize(of.buffer.copy_to(std::as_writable_bytes(std::span(to)), offset));
    EXPECT_EQ(to, of.model.view().substr(offset, to.size()));
    EXPECT_TRUE(to.size() <= of.model.size() - offset);
  }

  void find(Subject& in) {
    const std::string_view view = in.model.view();
    std::string needle = text(1 + below(4));
    if (view.size() > 10 && below(2) == 0) needle = view.substr(below(view.size() - 10), 1 + below(10));
    const std::size_t within = below(3) == 0 ? below(view.size() + 100) : unlimited;
    const std::size_t at = view.substr(0, within).find(needle);
    const auto expected = at == std::string_view::npos ? std::nullopt : std::optional(at);
    if (below(2) == 0) {
      EXPECT_EQ(in.buffer.find(needle, {.within = within}), expected);
    } else {
      EXPECT_EQ(in.buffer.find(needle, in.position, {.within = within}), expected);
    }
    const std::size_t line = view.find('\n');
    const auto expected_line = line == std::string_view::npos ? std::nullopt : std::optional(line);
    EXPECT_EQ(in.buffer.find("\n", newline_positions_[below(newline_positions_.size())]), expected_line);
  }

  void read_line(Subject& in) {
    LineReader reader(unlimited);
    const std::size_t end = in.model.view().find('\n');
    std::optional<Buffer> line;
    (void)attempt([&] { line = *reader.next(in.buffer); });
    if (!line) return;
    const std::string_view expected = in.model.view().substr(0, end);
    EXPECT_EQ(*line, expected.ends_with('\r') ? expected.substr(0, end - 1) : expected);
    in.model.drop(end + 1);
  }

  void compare(Subject& left, Subject& right) {
    EXPECT_EQ(left.buffer == right.buffer, left.model.view() == right.model.view());
  }

  // --- memory kept aside ---

  void pin(Subject& of) {
    if (pinned_.size() > 20) unpin();
    for (const Slice& slice : of.buffer.slices()) {
      if (below(3) != 0) continue;
      pinned_.push_back({slice, std::string(as_text(slice.bytes()))});
      return;
    }
  }

  void unpin() {
    if (pinned_.empty()) return;
    std::swap(pinned_[below(pinned_.size())], pinned_.back());
    pinned_.pop_back();
  }

  // --- checks ---

  void check_shape(const Buffer& buffer) {
    std::size_t total = 0;
    for (const Slice& slice : buffer.slices()) {
      EXPECT_FALSE(slice.is_empty());
      total += slice.size();
    }
    EXPECT_EQ(total, buffer.size());
    EXPECT_EQ(buffer.is_empty(), total == 0);
  }

  void check_everything() {
    for (const std::unique_ptr<Subject>& each : subjects_) {
      check_shape(each->buffer);
      EXPECT_EQ(each->buffer, each->model.view());
    }
    for (const Pinned& pinned : pinned_) EXPECT_EQ(as_text(pinned.slice.bytes()), pinned.text);
    for (const std::unique_ptr<Foreign>& memory : foreign_) EXPECT_LE(memory->released, 1);
  }

  std::mt19937_64 random_;
  bool fails_allocations_;
  Pool pool_;
  std::vector<std::unique_ptr<Foreign>> foreign_;
  ReceiveBlock received_;
  std::vector<Pinned> pinned_;
  std::vector<std::unique_ptr<Subject>> subjects_;
  std::array<SearchPosition, 2> newline_positions_;
};

void run_sequences(std::uint64_t first_seed, std::size_t sequences, std::size_t operations, bool fails_allocations) {
  for (std::uint64_t seed = first_seed; seed < first_seed + sequences; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Sequence sequence(seed, fails_allocations);
    sequence.run(operations);
    if (testing::Test::HasFailure()) return;
    sequence.finish();
  }
}

TEST(BufferModel, random_operations_do_what_strings_do) { run_sequences(1, 180, 1000, false); }

TEST(BufferModel, failed_allocations_throw_and_change_nothing) { run_sequences(10'001, 20, 1000, true); }

TEST(BufferModel, a_long_sequence_stays_in_step) { run_sequences(20'001, 1, 100'000, false); }

}  // namespace
}  // namespace weir
