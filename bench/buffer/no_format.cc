// weir: M25 where there is no fmt.
// SPDX-License-Identifier: MIT
#include "bench/buffer/weir_cases.h"

void bench::add_weir_format_cases(Cases&) {}
