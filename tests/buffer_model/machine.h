// weir: buffers beside their model, and what the operations on them share.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/buffer_model/choices.h"
#include "tests/buffer_model/content.h"
#include "tests/buffer_model/material.h"
#include "tests/buffer_model/model_kernel.h"
#include "tests/buffer_model/rig.h"
#include "tests/buffer_model/subject.h"
#include "tests/support/throws.h"
#include "weir/buffer/allocation_plan.h"
#include "weir/buffer/buffer.h"
#include "weir/buffer/draft.h"
#include "weir/buffer/file_range.h"
#include "weir/buffer/frame_reader.h"
#include "weir/buffer/line_reader.h"
#include "weir/buffer/pool.h"
#include "weir/buffer/receive_block.h"

namespace weir::buffer_model {

class Machine;

/// One letter of the alphabet.
struct Operation {
  std::string_view name;
  unsigned weight;  ///< how often it is chosen, relative to the others
  void (*run)(Machine& machine);
};

/// A slice kept aside, and what it must go on showing.
struct Pinned {
  Slice slice;
  std::string text;
};

/// Memory of the program's that was lent to a slice. When it comes back, it is overwritten and freed, and some of it makes
/// a buffer grow at that moment.
struct Lent {
  static constexpr std::size_t nobody = unlimited;

  std::vector<std::byte> memory;
  std::size_t growing = nobody;  ///< which subject
  int returned = 0;
};

/// A draft, and what it should have staged.
struct OpenDraft {
  /// A place that must stay between the same bytes.
  struct Place {
    Draft::Mark mark;
    std::size_t position;
    bool is_gone = false;
  };
  /// Memory that the draft gave out, whose address must stay.
  struct Region {
    MutableBytes memory;
    std::size_t position;
  };

  explicit OpenDraft(Subject& of) : subject(&of), draft(of.buffer) {}

  Subject* subject;
  Draft draft;
  Content content;
  std::vector<Place> places;
  std::vector<Region> regions;
};

/// How an operation changes a buffer, if it succeeds.
struct Effect {
  Subject* subject;
  std::size_t added = 0;
  std::size_t removed = 0;
};

/// Two to four buffers that share a pool, slices, lent memory, a file and drafts.
class Machine final : public Rig {
 public:
  Machine() = default;
  ~Machine() override { is_over_ = true; }

  std::size_t pick(Choices& choices) override;
  void run(std::size_t operation, Choices& choices) override;
  void finish() override;

  // --- choices ---

  Choices& choices() noexcept { return *choices_; }
  std::size_t below(std::size_t limit) { return choices_->below(limit); }
  bool rarely(std::size_t count) { return choices_->rarely(count); }
  bool coin() { return choices_->coin(); }
  std::size_t size() { return some_size(*choices_); }
  std::string_view text(std::size_t length) { return some_text(*choices_, length); }
  /// A size, and a text as long.
  std::string_view text() { return text(size()); }

  /// One to which nothing is done that must not be done while an end is frozen.
  Subject& subject(Need need = Need::nothing);
  /// Sees to it that this one may be used so.
  static void thaw(Subject& subject, Need need) noexcept;
  /// A slice that was kept aside; null when there is none.
  Pinned* pinned();
  /// An open draft; null when there is none.
  OpenDraft* draft();

  // --- doing things ---

  /// Runs `call`, in which an allocation may fail by choice; true if it went through. Then the effects are checked, or
  /// else that nothing has changed. When it `overflows` it must not go through.
  template <class Call>
  bool attempt(Call call, std::initializer_list<Effect> effects, bool overflows = false);

  /// Memory that holds `text`, lent until a release that counts.
  Lent& lend(std::string_view text);
  void take_back(Lent& lent) noexcept;
  /// What to give along with it.
  auto release_of(Lent& lent) {
    return [this, &lent] { take_back(lent); };
  }

  /// Takes over into the model what followers and returned memory have appended meanwhile.
  void settle();

  /// Checks `taken` against what it should hold, and appends it to a buffer or drops it.
  void give(Subject& to, Buffer taken, Content&& expected);

  void check_content(const Buffer& buffer, const Content& content, int line = __builtin_LINE());

  /// All that was remembered of searches.
  void forget_positions() noexcept;

  std::vector<std::unique_ptr<Subject>>& subjects() noexcept { return subjects_; }
  std::vector<std::unique_ptr<OpenDraft>>& drafts() noexcept { return drafts_; }
  std::vector<Pinned>& pins() noexcept { return pinned_; }
  Pool& pool() noexcept { return *pool_; }
  ReceiveBlock& received() noexcept { return *received_; }
  ModelKernel& kernel() noexcept { return kernel_; }
  const SharedFile& file() const { return *file_; }
  /// For what nobody else searches.
  SearchPosition& newline_position() { return newline_positions_[below(newline_positions_.size())]; }
  /// Of "\n", "ab" and "\r\n\r\n", for whatever buffer comes.
  DelimiterReader& delimiter_reader(std::size_t which) noexcept { return delimiter_readers_[which]; }
  /// Of each style, some with a limit.
  LineReader& line_reader() { return line_readers_[below(line_readers_.size())]; }

 private:
  void begin();
  bool may_fail() const noexcept { return is_poor_ || fails_allocations_; }
  void check_effects(std::initializer_list<Effect> effects, bool done);
  void check_everything();
  void bound_content();
  void forget_positions_beyond_count();

  Choices* choices_ = nullptr;
  std::uint64_t disabled_ = 0;  ///< a bit for some operations that this sequence does without
  bool fails_allocations_ = false;
  bool is_poor_ = false;  ///< the pool's budget is small
  std::size_t steps_ = 0;
  bool is_over_ = false;  ///< nobody grows any more
  std::vector<std::unique_ptr<Lent>> lent_;
  ModelKernel kernel_;
  int file_returned_ = 0;
  std::optional<Pool> pool_;
  std::optional<SharedFile> file_;
  std::optional<ReceiveBlock> received_;
  std::vector<Pinned> pinned_;
  std::vector<std::unique_ptr<Subject>> subjects_;
  std::vector<std::unique_ptr<OpenDraft>> drafts_;
  std::array<SearchPosition, 2> newline_positions_;
  std::vector<DelimiterReader> delimiter_readers_;
  std::vector<LineReader> line_readers_;
};

template <class Call>
bool Machine::attempt(Call call, std::initializer_list<Effect> effects, bool overflows) {
  settle();
  bool done = true;
  const std::size_t failing = fails_allocations_ && rarely(4) ? 1 + below(3) : 0;
  if (failing != 0) {
    const AllocationPlan plan(failing, coin());
    done = !testing_support::throws_bad_alloc(call);
  } else if (overflows || is_poor_) {
    done = !testing_support::throws_bad_alloc(call);
    check(done || overflows || is_poor_, "nothing failed, but it threw");
  } else {
    call();
  }
  check(!done || !overflows, "it went through in spite of its size");
  check_effects(effects, done);
  return done;
}

/// The same on a draft; if it does not go through, the draft must be as it was.
template <class Call>
bool attempt(Machine& m, OpenDraft& draft, Call call, bool overflows = false) {
  const bool done = m.attempt(call, {{.subject = draft.subject}}, overflows);
  if (!done) m.check(draft.draft.size() == draft.content.size(), "the draft has changed");
  return done;
}

inline bool overflows(const Subject& to, std::size_t count) { return count > Buffer::max_size - to.content.size(); }
inline bool overflows(const OpenDraft& to, std::size_t count) { return count > Buffer::max_size - to.content.size(); }

/// The alphabet of the model: every operation on Machine, and how to make one.
const Alphabet& machine_alphabet();

// The parts of the alphabet.
std::span<const Operation> adding_operations() noexcept;
std::span<const Operation> removing_operations() noexcept;
std::span<const Operation> reading_operations() noexcept;
std::span<const Operation> sharing_operations() noexcept;
std::span<const Operation> draft_operations() noexcept;
std::span<const Operation> draft_value_operations() noexcept;
std::span<const Operation> frame_operations() noexcept;
std::span<const Operation> front_operations() noexcept;
std::span<const Operation> file_operations() noexcept;
std::span<const Operation> observing_operations() noexcept;
std::span<const Operation> cursor_operations() noexcept;
std::span<const Operation> memory_operations() noexcept;
std::span<const Operation> value_operations() noexcept;

}  // namespace weir::buffer_model
