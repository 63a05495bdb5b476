// weir: libevent's loop as the loop's workloads use it, for comparison.
// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include <event2/event.h>

#include "bench/echo_program.h"

namespace bench {

struct FreeBase {
  void operator()(event_base* base) const noexcept { event_base_free(base); }
};
using Base = std::unique_ptr<event_base, FreeBase>;

/// The best reasonable settings: no locks, and changes of interest collected before each wait.
inline Base make_base() {
  event_config* config = event_config_new();
  event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
  event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
  Base base(event_base_new_with_config(config));
  event_config_free(config);
  if (base == nullptr) fail("event_base_new_with_config");
  return base;
}

}  // namespace bench
