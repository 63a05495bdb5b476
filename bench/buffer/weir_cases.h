// weir: the parts of the program that measures weir.
// SPDX-License-Identifier: MIT
#pragma once

#include "bench/measure/cases.h"

namespace bench {

void add_weir_pool_cases(Cases& cases);   ///< M20, M26
void add_weir_sweep_cases(Cases& cases);  ///< M12: to copy or to share

void add_weir_format_cases(Cases& cases);  ///< M25 with fmt, if that is there

}  // namespace bench
