// weir: which thread counts a block.
// SPDX-License-Identifier: MIT
#include "weir/buffer/block_guard.h"

namespace weir {

// Not inline: programs and library must agree on the address.
void check_block_owner(BlockHeader& header) noexcept {
  thread_local const char this_thread = 0;
  no_use_by_two_threads(header, &this_thread);
}

}  // namespace weir
