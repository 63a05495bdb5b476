// weir: what a callback throws in a swarm is a violation; a build without exceptions takes swarm_unguarded.cc instead.
// SPDX-License-Identifier: MIT
#include <exception>

#include "weir/sim/swarm.h"

namespace weir::sim {

void Swarm::play_guarded(Trial& run, const Schedule& schedule) {
  try {
    play_world(run, schedule);
  } catch (const std::exception& exception) {
    run.expect(false, std::string("an exception leaves a loop: ") + exception.what());
  }
}

}  // namespace weir::sim
