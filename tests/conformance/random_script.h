// weir: scripts drawn by chance, most of them sensible and some of it nonsense, and how to make a long one short.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tests/conformance/script.h"

namespace weir::conformance {

/// One call on a script, and its line as a scenario has it.
struct Operation {
  std::string line;
  std::function<void(Script&)> play;
};

using Program = std::vector<Operation>;

struct DrawOptions {
  std::uint64_t seed = 0;
  bool has_ipv6 = true;
};

/// The program of this seed: a few descriptors of kinds that go together, and what is done to them.
Program draw_program(DrawOptions options);

/// Plays it on the kernel of this thread, and after each call gives the network the time to carry what was sent.
/// Calls that name a port which nobody has had are left out: shortened programs have such.
/// Nothing when a stranger disturbed it.
std::optional<Trace> play(const Program& program, Places places, Duration settling_time);

/// The lines of the program, to be pasted into a scenario.
std::string lines_of(const Program& program);

/// A short program that is still `wanted`, made from one that is: it is not, once any of its calls is left out.
Program shortened(Program program, const std::function<bool(const Program&)>& wanted);

}  // namespace weir::conformance
