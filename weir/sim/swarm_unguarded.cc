// weir: a run of a swarm where nothing can be thrown; with exceptions swarm_guard.cc takes its place.
// SPDX-License-Identifier: MIT
#include "weir/sim/swarm.h"

namespace weir::sim {

void Swarm::play_guarded(Trial& run, const Schedule& schedule) { play_world(run, schedule); }

}  // namespace weir::sim
