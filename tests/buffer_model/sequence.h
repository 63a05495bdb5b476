// weir: a sequence of operations with the choices each of them makes, as text too.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tests/buffer_model/choices.h"

namespace weir::buffer_model {

/// One operation and what it chooses; what is missing at the end is 0.
struct Step {
  std::size_t operation = 0;
  std::vector<std::uint64_t> choices;

  bool operator==(const Step&) const = default;
};

using Sequence = std::vector<Step>;

/// What was recorded, the last step included, however far that came.
Sequence recorded(const Choices& choices);
Sequence recorded(const Choices::Mirror& mirror);

/// A line for each step: the operation's name and its choices. Lines that begin with '#' say what the text is about.
std::string to_text(const Sequence& sequence, std::span<const std::string_view> names);
/// Nothing, and `error` says why, when the text has a line that is no step.
std::optional<Sequence> parse(std::string_view text, std::span<const std::string_view> names, std::string* error);

/// A shorter sequence that `fails` too, which `sequence` does: steps are left out as long as that is so (Zeller,
/// Hildebrandt 2002), then choices are made smaller. Calls `fails` at most `most_trials` times.
Sequence minimised(Sequence sequence, const std::function<bool(const Sequence&)>& fails,
                   std::size_t most_trials = 20'000);

}  // namespace weir::buffer_model
