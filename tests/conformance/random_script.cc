// weir: scripts drawn by chance: playing, printing and shortening them.
// SPDX-License-Identifier: MIT
#include "tests/conformance/random_script.h"

#include <algorithm>
#include <cstddef>
#include <stdexcept>
#include <utility>

namespace weir::conformance {

std::optional<Trace> play(const Program& program, Places places, Duration settling_time) {
  Script script(std::move(places));
  for (const Operation& operation : program) {
    try {
      operation.play(script);
    } catch (const std::out_of_range&) {  // the address book knows no such port
      continue;
    }
    script.pause(settling_time);
  }
  if (script.is_disturbed()) return std::nullopt;
  return script.trace();
}

std::string lines_of(const Program& program) {
  std::string text;
  for (const Operation& operation : program) text += "       s." + operation.line + ";\n";
  return text;
}

Program shortened(Program program, const std::function<bool(const Program&)>& wanted) {
  std::size_t width = std::max<std::size_t>(program.size() / 2, 1);
  for (;;) {
    bool is_shorter = false;
    for (std::size_t left = program.size(); left > 0; left -= std::min(left, width)) {  // the last first
      const auto last = program.begin() + static_cast<std::ptrdiff_t>(left);
      Program candidate(program.begin(), last - static_cast<std::ptrdiff_t>(std::min(left, width)));
      candidate.insert(candidate.end(), last, program.end());
      if (!wanted(candidate)) continue;
      program = std::move(candidate);
      is_shorter = true;
    }
    if (width == 1 && !is_shorter) return program;
    width = std::max<std::size_t>(width / 2, 1);
  }
}

}  // namespace weir::conformance
