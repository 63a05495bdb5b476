// weir: the loop on poll(2).
// SPDX-License-Identifier: MIT
#pragma once

#include <poll.h>

#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "weir/loop/readiness_backend.h"

namespace weir {

/// Tells the system anew at each wait what every slot waits for: O(descriptors) a turn. For systems without epoll(7), and
/// to hold the other backends to: it keeps nothing in the kernel that could go stale.
class PollBackend final : public ReadinessBackend {
 public:
  static Result<std::unique_ptr<Backend>> create(EventLoop& loop, Pool& pool, int wake_descriptor);

  std::string_view name() const noexcept override { return "poll"; }
  int descriptor() const noexcept override { return -1; }  // there is none that would stand for all
  Result<void> after_fork(int wake_descriptor) override;

 private:
  struct Entry {
    std::uint64_t id;
    std::uint32_t interest;  ///< 0: used up, or the descriptor is no more
    int descriptor;
  };

  PollBackend(EventLoop& loop, Pool& pool, int wake_descriptor);

  sys::CallResult add(const IoSlot& slot, int descriptor, std::uint32_t interest) override;
  sys::CallResult change(const IoSlot& slot, int descriptor, std::uint32_t interest) override;
  void remove(const IoSlot& slot, int descriptor) noexcept override;
  sys::CallResult fetch(std::span<epoll_event> events, Duration timeout) override;

  Entry* find(const IoSlot& slot, int descriptor) noexcept;
  pollfd question(const Entry& entry) const noexcept;
  std::size_t report(std::span<const pollfd> polled, std::span<epoll_event> events) noexcept;

  std::vector<Entry> entries_;                   ///< the first is the wake descriptor's
  std::vector<pollfd> polled_;                   ///< one for each entry, or more
  std::unordered_map<int, std::size_t> places_;  ///< of each slot's descriptor among the entries
  std::size_t next_ = 0;                         ///< where the next report begins
};

}  // namespace weir
