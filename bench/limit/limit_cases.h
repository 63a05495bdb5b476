// weir: the parts of the programs that measure the limits and the standard library.
// SPDX-License-Identifier: MIT
#pragma once

#include "bench/measure/cases.h"

namespace bench {

void add_layout_cases(Cases& cases);     ///< M7, M11, M15: slices of 16 and of 24 bytes
void add_search_limits(Cases& cases);    ///< M5, M13, M14
void add_allocator_cases(Cases& cases);  ///< M20
void add_ring_limits(Cases& cases);      ///< M26

}  // namespace bench
