// weir: all that the simulated kernel has to do as Linux does it, by subject.
// SPDX-License-Identifier: MIT
#include "tests/conformance/scenarios.h"

namespace weir::conformance {

std::vector<Subject> all_scenarios() {
  return {tcp_connect_scenarios(), tcp_accept_scenarios(), tcp_bind_scenarios(), tcp_data_scenarios(),
          tcp_end_scenarios(),     option_scenarios(),     unix_scenarios(),     unix_end_scenarios(),
          passing_scenarios(),     udp_scenarios(),        epoll_scenarios(),    epoll_control_scenarios(),
          pipe_scenarios(),        counter_scenarios(),    file_scenarios(),     descriptor_scenarios()};
}

}  // namespace weir::conformance
