// weir: the stream of choices that a sequence of operations is made of.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "weir/base/bytes.h"
#include "weir/sys/sim_kernel/random.h"

namespace weir::buffer_model {

/// Where every decision of a sequence comes from: chance, a recorded list, or the bytes of a fuzzer. Whatever the source,
/// what was chosen is recorded, so that the sequence can be told, played again and made shorter.
///
///     Choices choices = Choices::from_seed(17);
///     choices.begin_step(operation);
///     const std::size_t count = choices.below(size + 1);
///
/// Every call takes one choice, whatever the limit: what later ones are does not depend on it. 0 is always the simplest
/// choice; a list, or bytes, that have come to their end give nothing but zeros.
class Choices {
 public:
  static Choices from_seed(std::uint64_t seed) { return Choices(Source::chance, seed, {}); }
  /// The bytes must outlive it.
  static Choices from_bytes(Bytes bytes) { return Choices(Source::bytes, 0, bytes); }
  /// Gives what `replay` is told, step by step.
  static Choices from_lists() { return Choices(Source::list, 0, {}); }

  /// From 0 to `limit` - 1; 0 for a limit of 0.
  std::uint64_t below(std::uint64_t limit);
  /// True once in `count` times.
  bool rarely(std::uint64_t count) { return below(count) == count - 1; }
  bool coin() { return rarely(2); }

  /// True when bytes have come to their end. Chance never does.
  bool is_exhausted() const noexcept { return source_ == Source::bytes && bytes_.empty(); }

  /// What is chosen from here on belongs to a step that does `operation`.
  void begin_step(std::size_t operation) {
    steps_.push_back({operation, values_.size()});
    mirror(true, operation);
  }
  /// From a list: what the next choices are. The list must outlive their use.
  void replay(std::span<const std::uint64_t> list) noexcept { list_ = list; }
  /// Which operation to do next, from 0 to `limit` - 1; not recorded, for the step names it.
  std::uint64_t operation_below(std::uint64_t limit) { return limit == 0 ? 0 : draw(limit) % limit; }

  /// Where a copy of the record is kept that outlives the process; null, the default: nowhere.
  struct Mirror {
    struct Entry {
      bool is_step;  ///< its operation; otherwise a choice
      std::uint64_t value;
    };
    static constexpr std::size_t capacity = std::size_t{1} << 20;

    std::size_t count;
    Entry entries[capacity];
  };
  void keep_copy_in(Mirror* mirror) noexcept { mirror_ = mirror; }

  // What was recorded.
  std::size_t step_count() const noexcept { return steps_.size(); }
  std::size_t operation_of(std::size_t step) const { return steps_[step].operation; }
  std::span<const std::uint64_t> values_of(std::size_t step) const;

 private:
  enum class Source : std::uint8_t { chance, list, bytes };
  struct Step {
    std::size_t operation;
    std::size_t first_value;
  };

  Choices(Source source, std::uint64_t seed, Bytes bytes) : source_(source), random_(seed), bytes_(bytes) {}

  void mirror(bool is_step, std::uint64_t value) noexcept {
    if (mirror_ != nullptr && mirror_->count < Mirror::capacity) mirror_->entries[mirror_->count++] = {is_step, value};
  }
  std::uint64_t draw(std::uint64_t limit);
  std::uint64_t draw_from_bytes(std::uint64_t limit);

  Source source_;
  sys::Random random_;
  std::span<const std::uint64_t> list_;
  Bytes bytes_;
  Mirror* mirror_ = nullptr;
  std::vector<Step> steps_;
  std::vector<std::uint64_t> values_;
};

}  // namespace weir::buffer_model
