// weir: what a sequence of operations is played on, and how it is played.
// SPDX-License-Identifier: MIT
#include "tests/buffer_model/rig.h"

namespace weir::buffer_model {
namespace {

std::string told(const Rig& rig, const Alphabet& alphabet, std::size_t step, std::size_t operation) {
  if (!rig.has_failed()) return {};
  return "step " + std::to_string(step) + ", " + std::string(alphabet.names[operation]) + ": " + rig.failure();
}

Outcome finished(Rig& rig, std::size_t operations) {
  rig.finish();
  return {rig.has_failed() ? "at the end: " + rig.failure() : std::string(), operations};
}

}  // namespace

Outcome play(const Alphabet& alphabet, Choices& choices, std::size_t operations) {
  const std::unique_ptr<Rig> rig = alphabet.make();
  for (std::size_t i = 0; i <= operations && (i == 0 || !choices.is_exhausted()); ++i) {
    const std::size_t operation = i == 0 ? 0 : rig->pick(choices);
    choices.begin_step(operation);
    rig->run(operation, choices);
    if (rig->has_failed()) return {told(*rig, alphabet, i, operation), i};
  }
  return finished(*rig, operations);
}

Outcome replay(const Alphabet& alphabet, const Sequence& sequence) {
  const std::unique_ptr<Rig> rig = alphabet.make();
  Choices choices = Choices::from_lists();
  if (sequence.empty() || sequence.front().operation != 0) rig->run(0, choices);
  for (std::size_t i = 0; i < sequence.size(); ++i) {
    choices.replay(sequence[i].choices);
    rig->run(sequence[i].operation, choices);
    if (rig->has_failed()) return {told(*rig, alphabet, i, sequence[i].operation), i};
  }
  return finished(*rig, sequence.size());
}

std::string report(const Alphabet& alphabet, const Outcome& outcome, const Sequence& sequence) {
  const auto fails = [&](const Sequence& candidate) { return replay(alphabet, candidate).has_failed(); };
  if (!fails(sequence)) {
    return outcome.failure + "\nIt does not fail again when it is replayed:\n" + to_text(sequence, alphabet.names);
  }
  const Sequence shortest = minimised(sequence, fails);
  return "# " + replay(alphabet, shortest).failure + '\n' + to_text(shortest, alphabet.names);
}

}  // namespace weir::buffer_model
