// weir: a sequence of operations with the choices each of them makes, as text too.
// SPDX-License-Identifier: MIT
#include "tests/buffer_model/sequence.h"

#include <algorithm>
#include <charconv>

namespace weir::buffer_model {
namespace {

/// The next word of `line`, taken off it; empty at its end.
std::string_view take_word(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(" \t\r"), line.size()));
  const std::string_view word = line.substr(0, line.find_first_of(" \t\r"));
  line.remove_prefix(word.size());
  return word;
}

bool parse_step(std::string_view line, std::span<const std::string_view> names, Step& step) {
  const std::string_view name = take_word(line);
  const auto place = std::find(names.begin(), names.end(), name);
  if (place == names.end()) return false;
  step.operation = static_cast<std::size_t>(place - names.begin());
  for (std::string_view word = take_word(line); !word.empty(); word = take_word(line)) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error != std::errc() || end != word.data() + word.size()) return false;
    step.choices.push_back(value);
  }
  return true;
}

/// Counts the trials of a minimisation, and ends it.
class Trials {
 public:
  Trials(const std::function<bool(const Sequence&)>& fails, std::size_t most) : fails_(fails), left_(most) {}

  bool are_over() const { return left_ == 0; }
  /// Takes `candidate` over into `best` if it fails.
  bool improves(Sequence& best, const Sequence& candidate) {
    if (left_ == 0) return false;
    --left_;
    if (!fails_(candidate)) return false;
    best = candidate;
    return true;
  }

 private:
  const std::function<bool(const Sequence&)>& fails_;
  std::size_t left_;
};

/// Leaves out parts of `size` steps; true if any could go.
bool remove_parts(Sequence& best, std::size_t size, Trials& trials) {
  bool has_removed = false;
  for (std::size_t from = best.size(); from > 0 && !trials.are_over();) {
    from -= std::min(from, size);
    if (from >= best.size()) continue;
    Sequence candidate(best.begin(), best.begin() + static_cast<std::ptrdiff_t>(from));
    const std::size_t behind = std::min(from + size, best.size());
    candidate.insert(candidate.end(), best.begin() + static_cast<std::ptrdiff_t>(behind), best.end());
    has_removed |= trials.improves(best, candidate);
  }
  return has_removed;
}

/// Takes as much off a choice as can be, in steps that halve.
bool shrink_choice(Sequence& best, std::size_t step, std::size_t choice, Trials& trials) {
  bool has_shrunk = false;
  for (std::uint64_t less = best[step].choices[choice]; less > 0; less /= 2) {
    while (best[step].choices[choice] >= less) {
      Sequence candidate = best;
      candidate[step].choices[choice] -= less;
      if (!trials.improves(best, candidate)) break;
      has_shrunk = true;
    }
  }
  return has_shrunk;
}

bool shrink_choices(Sequence& best, Trials& trials) {
  bool has_shrunk = false;
  for (std::size_t step = 0; step < best.size(); ++step) {
    for (std::size_t choice = 0; choice < best[step].choices.size() && !trials.are_over(); ++choice)
      has_shrunk |= shrink_choice(best, step, choice, trials);
  }
  return has_shrunk;
}

/// Zeros at the end say nothing.
void trim(Sequence& sequence) {
  for (Step& step : sequence) {
    while (!step.choices.empty() && step.choices.back() == 0) step.choices.pop_back();
  }
}

}  // namespace

Sequence recorded(const Choices& choices) {
  Sequence sequence(choices.step_count());
  for (std::size_t i = 0; i < sequence.size(); ++i) {
    const std::span<const std::uint64_t> values = choices.values_of(i);
    sequence[i].operation = choices.operation_of(i);
    sequence[i].choices.assign(values.begin(), values.end());
  }
  return sequence;
}

Sequence recorded(const Choices::Mirror& mirror) {
  Sequence sequence;
  for (std::size_t i = 0; i < mirror.count; ++i) {
    const Choices::Mirror::Entry& entry = mirror.entries[i];
    if (entry.is_step) {
      sequence.push_back({entry.value, {}});
    } else {
      sequence.back().choices.push_back(entry.value);
    }
  }
  return sequence;
}

std::string to_text(const Sequence& sequence, std::span<const std::string_view> names) {
  std::string text;
  for (const Step& step : sequence) {
    text += names[step.operation];
    for (const std::uint64_t choice : step.choices) text += ' ' + std::to_string(choice);
    text += '\n';
  }
  return text;
}

std::optional<Sequence> parse(std::string_view text, std::span<const std::string_view> names, std::string* error) {
  Sequence sequence;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (line.find_first_not_of(" \t\r") == std::string_view::npos || line.starts_with('#')) continue;
    Step step;
    if (!parse_step(line, names, step)) {
      *error = "no step: " + std::string(line);
      return std::nullopt;
    }
    sequence.push_back(std::move(step));
  }
  return sequence;
}

Sequence minimised(Sequence sequence, const std::function<bool(const Sequence&)>& fails, std::size_t most_trials) {
  Trials trials(fails, most_trials);
  for (std::size_t size = std::max<std::size_t>(sequence.size() / 2, 1); !trials.are_over();) {
    const bool has_removed = remove_parts(sequence, size, trials);
    if (size == 1 && !has_removed) break;
    size = std::max<std::size_t>(size / 2, 1);
  }
  while (shrink_choices(sequence, trials)) {
    while (remove_parts(sequence, 1, trials)) {}
  }
  trim(sequence);
  return sequence;
}

}  // namespace weir::buffer_model
