// weir: what a sequence of operations is played on, and how it is played.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "tests/buffer_model/choices.h"
#include "tests/buffer_model/sequence.h"

namespace weir::buffer_model {

/// The thing under test beside its model. Operation 0 is the beginning, and is done first.
///
/// What goes wrong is kept as text instead of being told at once: the same code serves tests, fuzzers and the search for a
/// shorter sequence.
class Rig {
 public:
  Rig() = default;
  Rig(const Rig&) = delete;
  Rig& operator=(const Rig&) = delete;
  virtual ~Rig() = default;

  /// Chooses what to do next.
  virtual std::size_t pick(Choices& choices) = 0;
  /// Does it.
  virtual void run(std::size_t operation, Choices& choices) = 0;
  /// Ends everything and looks at what is left.
  virtual void finish() = 0;

  /// What went wrong first; empty: nothing.
  const std::string& failure() const noexcept { return failure_; }
  bool has_failed() const noexcept { return !failure_.empty(); }

  void fail(std::string what) {
    if (failure_.empty()) failure_ = std::move(what);
  }
  void check(bool holds, std::string_view what, int line = __builtin_LINE()) {
    if (!holds) [[unlikely]]
      fail(std::string(what) + " (line " + std::to_string(line) + ')');
  }

 private:
  std::string failure_;
};

/// A kind of rig.
struct Alphabet {
  std::span<const std::string_view> names;  ///< of the operations
  std::function<std::unique_ptr<Rig>()> make;
};

/// How a play went.
struct Outcome {
  std::string failure;  ///< empty: none
  std::size_t operations = 0;

  bool has_failed() const noexcept { return !failure.empty(); }
};

/// Plays up to `operations` operations that `choices` chooses; fewer when it is exhausted, or when something goes wrong.
Outcome play(const Alphabet& alphabet, Choices& choices, std::size_t operations);

/// Plays a sequence again, as far as it goes without failing.
Outcome replay(const Alphabet& alphabet, const Sequence& sequence);

/// What to report of a play that failed: why, and the shortest sequence found that fails as well.
std::string report(const Alphabet& alphabet, const Outcome& outcome, const Sequence& sequence);

}  // namespace weir::buffer_model
