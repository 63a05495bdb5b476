// weir: buffers beside their model, and what the operations on them share.
// SPDX-License-Identifier: MIT
#include "tests/buffer_model/machine.h"

#include <algorithm>

namespace weir::buffer_model {
namespace {

constexpr std::size_t most_content = 60'000;  ///< of one buffer: beyond, it is dropped
constexpr std::size_t most_runs = 100;        ///< of text and of what is not
constexpr std::size_t steps_between_checks = 64;

/// All operations, the first of which is the beginning.
class Table {
 public:
  Table() {
    add(Operation{"begin", 0, nullptr});
    for (const std::span<const Operation> part :
         {adding_operations(), removing_operations(), reading_operations(), sharing_operations(), draft_operations(),
          front_operations(), observing_operations(), file_operations(), draft_value_operations(), frame_operations(),
          cursor_operations(), memory_operations(), value_operations()}) {
      for (const Operation& operation : part) add(operation);
    }
  }

  std::span<const std::string_view> names() const { return names_; }
  const Operation& operator[](std::size_t number) const { return operations_[number]; }
  /// By their weights.
  std::size_t chosen(Choices& choices) const { return by_weight_[choices.operation_below(by_weight_.size())]; }

 private:
  void add(const Operation& operation) {
    by_weight_.insert(by_weight_.end(), operation.weight, operations_.size());
    operations_.push_back(operation);
    names_.push_back(operation.name);
  }

  std::vector<Operation> operations_;
  std::vector<std::string_view> names_;
  std::vector<std::size_t> by_weight_;
};

const Table& table() {
  static const Table table;
  return table;
}

}  // namespace

const Alphabet& machine_alphabet() {
  static const Alphabet alphabet{table().names(), [] { return std::make_unique<Machine>(); }};
  return alphabet;
}

std::size_t Machine::pick(Choices& choices) {
  for (int trial = 0; trial < 3; ++trial) {
    const std::size_t operation = table().chosen(choices);
    if ((disabled_ >> operation % 64 & 1) == 0) return operation;
  }
  return table().chosen(choices);
}

void Machine::begin() {
  const std::size_t count = 4 - below(3);
  fails_allocations_ = rarely(10);
  is_poor_ = testing_support::can_throw() && rarely(10);
  const bool is_cached = !coin();
  if (coin()) disabled_ = below(~std::uint64_t{0}) & below(~std::uint64_t{0});
  pool_.emplace(PoolOptions{.limit = std::size_t{1} << (is_poor_ ? 18 : 26), .cached = is_cached});
  file_.emplace(SharedFile::borrow(ModelKernel::file, [this] { ++file_returned_; }));
  received_.emplace(*pool_, std::size_t{1} << (16 - 3 * below(3)));
  for (std::size_t i = 0; i < count; ++i) subjects_.push_back(std::make_unique<Subject>(*pool_));
  forget_positions();
}

void Machine::run(std::size_t operation, Choices& choices) {
  choices_ = &choices;
  if (operation == 0) {
    if (subjects_.empty()) begin();
    return;
  }
  bound_content();
  settle();
  forget_positions_beyond_count();
  table()[operation].run(*this);
  settle();
  for (const std::unique_ptr<Subject>& each : subjects_) {
    check(each->buffer.size() == each->content.size() && each->buffer.is_empty() == each->content.is_empty(),
          "the size differs");
    for (const std::unique_ptr<Follower>& follower : each->followers) {
      if (const std::string trouble = follower->trouble(); !trouble.empty()) fail(trouble);
    }
  }
  if (++steps_ % steps_between_checks == 0) check_everything();
}

/// Keeps buffers from growing without end, and sequences from being all about full ones.
void Machine::bound_content() {
  for (const std::unique_ptr<Subject>& each : subjects_) {
    if (each->content.text_size() < most_content && each->content.run_count() < most_runs) continue;
    const std::size_t count = each->content.size() - std::min<std::size_t>(each->content.size(), 500);
    thaw(*each, Need::front);
    if (attempt([&] { each->buffer.drop(count); }, {{.subject = each.get(), .removed = count}}))
      each->content.drop(count);
  }
  while (drafts_.size() > 3 || (!drafts_.empty() && drafts_.front()->content.text_size() > most_content))
    drafts_.erase(drafts_.begin());
}

/// Positions stay right until 2^62 bytes were consumed since. Only what is claimed can be so much.
void Machine::forget_positions_beyond_count() {
  if (std::ranges::all_of(subjects_, [](const auto& each) { return each->content.is_text(); })) return;
  forget_positions();
}

void Machine::forget_positions() noexcept {
  for (const std::unique_ptr<Subject>& each : subjects_) each->position.reset();
  for (SearchPosition& position : newline_positions_) position.reset();
  delimiter_readers_ = {DelimiterReader("\n", unlimited), DelimiterReader("ab", 64), DelimiterReader("\r\n\r\n", 1000)};
  line_readers_.clear();
  for (const LineEnd style : {LineEnd::crlf, LineEnd::crlf_strict, LineEnd::lf, LineEnd::nul, LineEnd::any}) {
    for (const std::size_t limit : {std::size_t{10}, std::size_t{300}, unlimited})
      line_readers_.emplace_back(style, limit);
  }
}

/// Then all must have been given back.
void Machine::finish() {
  if (subjects_.empty()) return;
  check_everything();
  is_over_ = true;
  drafts_.clear();
  pinned_.clear();
  subjects_.clear();
  received_.reset();
  check(file_returned_ == 0, "the file was released while it was in use");
  file_.reset();
  check(file_returned_ == 1, "the file was not released once");
  check(pool_->stats().blocks == 0 && pool_->stats().in_use == 0, "blocks are left");
  for (const std::unique_ptr<Lent>& each : lent_) check(each->returned == 1, "lent memory did not come back once");
}

Pinned* Machine::pinned() {
  const std::size_t chosen = below(pinned_.size());
  return pinned_.empty() ? nullptr : &pinned_[chosen];
}

OpenDraft* Machine::draft() {
  const std::size_t chosen = below(drafts_.size());
  return drafts_.empty() ? nullptr : drafts_[chosen].get();
}

Subject& Machine::subject(Need need) {
  const std::size_t chosen = below(subjects_.size());
  for (std::size_t i = 0; i < subjects_.size(); ++i) {
    Subject& candidate = *subjects_[(chosen + i) % subjects_.size()];
    if (!candidate.is_frozen(need)) return candidate;
  }
  thaw(*subjects_[chosen], need);
  return *subjects_[chosen];
}

void Machine::thaw(Subject& subject, Need need) noexcept {
  if (!subject.is_frozen(need)) return;
  subject.buffer.unfreeze_front();
  subject.buffer.unfreeze_back();
}

Lent& Machine::lend(std::string_view text) {
  lent_.push_back(std::make_unique<Lent>());
  if (rarely(6)) lent_.back()->growing = below(subjects_.size());
  lent_.back()->memory.assign(as_bytes(text).begin(), as_bytes(text).end());
  return *lent_.back();
}

void Machine::take_back(Lent& lent) noexcept {
  ++lent.returned;
  std::ranges::fill(lent.memory, std::byte{0xEE});
  lent.memory = {};
  if (lent.growing == Lent::nobody || is_over_ || subjects_[lent.growing] == nullptr) return;
  subjects_[lent.growing]->react();
}

void Machine::settle() {
  for (const std::unique_ptr<Subject>& each : subjects_) {
    if (each != nullptr) each->settle();
  }
}

void Machine::give(Subject& to, Buffer taken, Content&& expected) {
  check_content(taken, expected);
  const bool keeps = coin();
  const bool overflows = expected.size() > Buffer::max_size - to.content.size();
  if (!keeps || has_failed()) return;
  if (!attempt([&] { to.buffer.append(std::move(taken)); }, {{.subject = &to, .added = expected.size()}}, overflows)) {
    check_content(taken, expected);  // NOLINT(bugprone-use-after-move): promised
    return;
  }
  check(taken.is_empty(), "a buffer that was moved from is not empty");  // NOLINT(bugprone-use-after-move): promised
  to.content.append(std::move(expected));
}

void Machine::check_content(const Buffer& buffer, const Content& content, int line) {
  settle();
  const std::string difference = content.difference(buffer);
  if (!difference.empty()) [[unlikely]]
    check(false, difference, line);
}

void Machine::check_effects(std::initializer_list<Effect> effects, bool done) {
  for (const Effect& effect : effects) {
    Subject& subject = *effect.subject;
    if (done) {
      subject.changes(effect.added, effect.removed);
      const std::size_t expected = subject.content.size() + effect.added - effect.removed + subject.unsettled();
      check(subject.buffer.size() == expected, "another number of bytes");
    } else {
      check_content(subject.buffer, subject.content);
    }
  }
}

void Machine::check_everything() {
  for (const std::unique_ptr<Subject>& each : subjects_) check_content(each->buffer, each->content);
  for (const Pinned& pinned : pinned_)
    check(as_text(pinned.slice.bytes()) == pinned.text, "a slice kept aside has changed");
  for (const std::unique_ptr<Lent>& each : lent_) check(each->returned <= 1, "lent memory came back more than once");
  for (const std::unique_ptr<OpenDraft>& each : drafts_) {
    check(each->draft.size() == each->content.size(), "the draft's size differs");
    for (const OpenDraft::Region& region : each->regions) {
      const Content expected = each->content.part(region.position, region.memory.size());
      check(expected.head() == as_text(region.memory), "memory of a draft has changed");
    }
  }
}

}  // namespace weir::buffer_model
