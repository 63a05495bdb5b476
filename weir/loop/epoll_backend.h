// weir: the loop on epoll(7).
// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string_view>

#include "weir/loop/readiness_backend.h"

namespace weir {

/// Each descriptor is registered once, edge-triggered, for input, output and hang-up: no system call between two reads or
/// writes that have something to move.
class EpollBackend final : public ReadinessBackend {
 public:
  static Result<std::unique_ptr<Backend>> create(EventLoop& loop, Pool& pool, int wake_descriptor);

  std::string_view name() const noexcept override { return "epoll"; }
  int descriptor() const noexcept override { return epoll_.number(); }
  Result<void> after_fork(int wake_descriptor) override;

 private:
  EpollBackend(EventLoop& loop, Pool& pool, sys::Descriptor epoll);

  static Result<sys::Descriptor> open(int wake_descriptor);
  sys::CallResult control(int operation, int descriptor, epoll_event event);

  sys::CallResult add(const IoSlot& slot, int descriptor, std::uint32_t interest) override;
  sys::CallResult change(const IoSlot& slot, int descriptor, std::uint32_t interest) override;
  void remove(const IoSlot& slot, int descriptor) noexcept override;
  sys::CallResult fetch(std::span<epoll_event> events, Duration timeout) override;

  sys::Descriptor epoll_;
  std::uint32_t forks_;  ///< sys::fork_count when the epoll was this process's alone
};

}  // namespace weir
