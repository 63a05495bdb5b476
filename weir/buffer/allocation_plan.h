// weir: lets a chosen allocation of a test fail.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <functional>

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

/// While it lives, allocations on this thread are neither counted nor do they fail: those of what a test runs on, not those
/// that it tests.
class AllocationPause {
 public:
  AllocationPause() noexcept;
  AllocationPause(const AllocationPause&) = delete;
  AllocationPause& operator=(const AllocationPause&) = delete;
  ~AllocationPause();
};

/// While it lives, each allocation on this thread first calls `function`, which must outlive it and allocate nothing.
class AllocationHook {
 public:
  explicit AllocationHook(const std::function<void()>& function) noexcept;
  AllocationHook(const AllocationHook&) = delete;
  AllocationHook& operator=(const AllocationHook&) = delete;
  ~AllocationHook();
};

/// Allocations by this thread, ever, but for those of a pause.
std::size_t allocations_so_far() noexcept;

}  // namespace weir
