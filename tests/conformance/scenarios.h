// weir: all that the simulated kernel has to do as Linux does it, by subject.
// SPDX-License-Identifier: MIT
#pragma once

#include <span>
#include <vector>

#include "tests/conformance/script.h"

namespace weir::conformance {

/// One of the tables of scenarios.
struct Subject {
  const char* name;
  std::span<const Scenario> scenarios;
};

Subject tcp_connect_scenarios();
Subject tcp_accept_scenarios();
Subject tcp_bind_scenarios();
Subject tcp_data_scenarios();
Subject tcp_end_scenarios();
Subject option_scenarios();
Subject unix_scenarios();
Subject unix_end_scenarios();
Subject passing_scenarios();
Subject udp_scenarios();
Subject epoll_scenarios();
Subject epoll_control_scenarios();
Subject pipe_scenarios();
Subject counter_scenarios();
Subject file_scenarios();
Subject descriptor_scenarios();

std::vector<Subject> all_scenarios();

}  // namespace weir::conformance
