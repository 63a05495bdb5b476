// weir: lets a fuzzer's bytes choose the operations of a model test.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "fuzz/fuzz.h"
#include "tests/buffer_model/choices.h"
#include "tests/buffer_model/rig.h"
#include "tests/buffer_model/sequence.h"

namespace weir::fuzz {

/// Plays until the bytes are used up. What fails is told with its sequence, as the model's own program reads it.
inline void play_bytes(const buffer_model::Alphabet& alphabet, const std::uint8_t* data, std::size_t size) {
  using buffer_model::Choices;
  Choices choices = Choices::from_bytes(std::as_bytes(std::span(data, size)));
  const buffer_model::Outcome outcome = buffer_model::play(alphabet, choices, size);  // each takes a byte at least
  if (outcome.has_failed()) give_up(outcome.failure + '\n' + to_text(recorded(choices), alphabet.names));
}

}  // namespace weir::fuzz
