// weir: which ports of a simulated machine are in use, and by whom.
// SPDX-License-Identifier: MIT
#include "weir/sys/sim_kernel/ports.h"

#include <algorithm>
#include <cerrno>
#include <vector>

namespace weir::sys {
namespace {

using namespace weir::literals;

constexpr Duration time_wait = 60s;
constexpr Duration loopback_reuse = 1s;

/// True when something sent to one could be meant for the other too. An IPv4 wildcard is also in the way of an IPv6 socket
/// that has got its address by connecting, and may do both: Linux looks only at the IPv4 address, which that has not.
bool overlap(const PortUse& used, const PortUse& wanted) {
  const InternetAddress& one = used.name.address;
  const InternetAddress& other = wanted.name.address;
  if (!one.is_v4() && other.is_v4()) return !used.is_v6_only && (one.is_any() || other.is_any());
  if (one.is_v4() && !other.is_v4()) return !wanted.is_v6_only && other.is_any();
  return one.is_any() || other.is_any() || one == other;
}

/// How exactly a bound name fits what something was sent to; 0 when it does not.
int fit(const PortUse& use, const InternetAddress& address) {
  if (use.name.address == address) return use.is_connected ? 4 : 3;
  if (!use.name.address.is_any()) return 0;
  if (use.name.address.is_v4() == address.is_v4()) return 2;
  return address.is_v4() && !use.is_v6_only ? 1 : 0;
}

}  // namespace

int Ports::take(PortUse& use) {
  forget_waiting();
  if (use.name.port != 0) {
    if (conflicts(use)) return EADDRINUSE;
    add(use);
    return 0;
  }
  const std::uint32_t count = std::uint32_t{ephemeral_.last} - ephemeral_.first + 1;
  for (std::uint32_t i = 0; i < count; ++i) {
    use.name.port = static_cast<std::uint16_t>(ephemeral_.first + next_ephemeral_++ % count);
    if (const auto found = uses_.find(use.name.port); found != uses_.end() && !found->second.is_empty()) continue;
    add(use);
    return 0;
  }
  use.name.port = 0;
  return EADDRINUSE;
}

int Ports::take_for(PortUse& use, const InternetName& remote) {
  forget_waiting();
  const std::uint32_t count = std::uint32_t{ephemeral_.last} - ephemeral_.first + 1;
  for (std::uint32_t i = 0; i < count; ++i) {
    use.name.port = static_cast<std::uint16_t>(ephemeral_.first + next_ephemeral_++ % count);
    if (!is_free_for(use, remote)) continue;
    add(use);
    return 0;
  }
  use.name.port = 0;
  return EADDRNOTAVAIL;
}

bool Ports::may_listen(const PortUse& use) {
  bool result = true;
  uses_[use.name.port].for_each([&](const PortUse& other) {
    const bool is_in_the_way = &other != &use && other.is_listening && overlap(other, use);
    if (is_in_the_way && !(other.is_shared && use.is_shared)) result = false;
  });
  return result;
}

bool Ports::connect(const InternetPath& path) {
  const auto [found, is_new] = paths_.try_emplace(path, TimePoint::max());
  if (is_new) return true;
  if (found->second > timeline_.now()) return false;
  found->second = TimePoint::max();
  return true;
}

void Ports::disconnect(const InternetPath& path, std::unique_ptr<PortUse> use, bool waits) {
  if (!waits) {
    paths_.erase(path);
    return;
  }
  const bool is_loopback = path.remote.address.is_loopback();
  paths_[path] = timeline_.now() + (is_loopback ? loopback_reuse : time_wait);
  if (use == nullptr) return;
  use->socket = nullptr;
  waiting_.push_back({timeline_.now() + time_wait, std::move(use)});
}

Socket* Ports::find(const InternetName& name, Callback<bool(const PortUse&)> suits) {
  const auto found = uses_.find(name.port);
  if (found == uses_.end()) return nullptr;
  int best = 0;
  std::vector<Socket*> candidates;
  found->second.bound.for_each([&](const PortUse& use) {
    const int how = use.socket != nullptr ? fit(use, name.address) : 0;
    if (how == 0 || how < best || !suits(use)) return;
    if (how > best || !use.is_shared) candidates.clear();
    best = how;
    candidates.push_back(use.socket);
  });
  if (candidates.empty()) return nullptr;
  return candidates.size() == 1 ? candidates.front() : candidates[random_.below(candidates.size())];
}

void Ports::clear() noexcept {
  uses_.clear();
  paths_.clear();
  waiting_.clear();
}

bool Ports::conflicts(const PortUse& wanted) {
  bool result = false;
  uses_[wanted.name.port].for_each([&](const PortUse& use) {
    if (!overlap(use, wanted)) return;
    if (use.is_shared && wanted.is_shared) return;
    if (use.may_be_reused && wanted.may_be_reused && !use.is_listening) return;
    result = true;
  });
  return result;
}

/// A port that somebody has bound is left alone; those of other connections are fine while the paths differ.
bool Ports::is_free_for(PortUse& use, const InternetName& remote) {
  bool is_bound = false;
  uses_[use.name.port].for_each([&](const PortUse& other) { is_bound = is_bound || other.is_listening; });
  if (is_bound) return false;
  const auto path = paths_.find({use.name, remote});
  return path == paths_.end() || path->second <= timeline_.now();
}

void Ports::forget_waiting() {
  const TimePoint now = timeline_.now();
  while (!waiting_.empty() && waiting_.front().until <= now) waiting_.pop_front();
  if (paths_.size() < tidy_at_) return;
  std::erase_if(paths_, [now](const auto& path) { return path.second <= now; });
  tidy_at_ = std::max<std::size_t>(1024, 2 * paths_.size());
}

}  // namespace weir::sys
