// weir: lets a chosen allocation of a test fail.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

namespace weir {

/// While it lives, the k-th allocation by any form of `operator new` on this thread fails, and with `and_all_later` every
/// one after it. `allocation_plan.cc` in a test program replaces the global operators.
class AllocationPlan {
 public:
  explicit AllocationPlan(std::size_t failing, bool and_all_later = false) noexcept;
  AllocationPlan(const AllocationPlan&) = delete;
  AllocationPlan& operator=(const AllocationPlan&) = delete;
  ~AllocationPlan();

  /// Allocations asked for since the plan began, failed ones included.
  std::size_t count() const noexcept;
};

/// Allocations by this thread, ever.
std::size_t allocations_so_far() noexcept;

}  // namespace weir
