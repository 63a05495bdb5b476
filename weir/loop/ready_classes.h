// weir: slots to be served, by priority; internal.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>

#include "weir/base/list.h"
#include "weir/loop/io_slot.h"

namespace weir {

/// A queue for each class of priority, and how many of it are served in a turn. None at all where there are no quotas.
class ReadyClasses {
 public:
  explicit ReadyClasses(std::span<const std::size_t> quotas)
      : quotas_(quotas),
        queues_(quotas_.empty() ? nullptr : std::make_unique<Queue[]>(quotas_.size())) {}

  bool are_used() const noexcept { return !quotas_.empty(); }

  bool has_ready() const noexcept {
    return std::any_of(queues_.get(), queues_.get() + quotas_.size(),
                       [](const Queue& queue) { return !queue.is_empty(); });
  }

  /// Requires that the slot stands in no list.
  void push_back(IoSlot& slot) noexcept {
    queues_[std::min<std::size_t>(slot.priority(), quotas_.size() - 1)].push_back(slot);
  }

  /// Takes slots out and calls `serve(slot)`, as many as the quotas allow, the most urgent first, until `must_stop`.
  template <class Serve>
  void serve(Serve serve, const bool& must_stop) {
    bool is_less_urgent = false;  // than one that has something to do in this turn
    for (std::size_t i = 0; i < quotas_.size(); ++i) {
      Queue& queue = queues_[i];
      if (queue.is_empty() || (quotas_[i] == 0 && is_less_urgent)) continue;
      is_less_urgent = true;
      for (std::size_t left = quotas_[i] == 0 ? unlimited : quotas_[i]; left != 0 && !must_stop; --left) {
        IoSlot* slot = queue.pop_front();
        if (slot == nullptr) break;
        serve(*slot);
      }
    }
  }

 private:
  using Queue = List<IoSlot, ReadyTag>;

  std::span<const std::size_t> quotas_;
  std::unique_ptr<Queue[]> queues_;
};

}  // namespace weir
