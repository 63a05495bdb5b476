// weir: how many connections servers may have, together and of one address; internal.
// SPDX-License-Identifier: MIT
#include "weir/server/connection_limits.h"

#include <netinet/in.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <string_view>

#include "weir/base/bytes.h"

namespace weir {
namespace {

/// The address without its port, IPv4 as IPv6 writes it (RFC 4291 section 2.5.5.2); all zeros for what is no internet address.
ConnectionPlace::Host host_of(const Address& peer) noexcept {
  ConnectionPlace::Host host{};
  if (peer.family() == Address::Family::v6) {
    std::memcpy(host.data(), &peer.name().v6.sin6_addr, 16);
  } else if (peer.family() == Address::Family::v4) {
    host[10] = host[11] = 0xFF;
    std::memcpy(host.data() + 12, &peer.name().v4.sin_addr, 4);
  }
  return host;
}

}  // namespace

ConnectionPlace::~ConnectionPlace() {
  if (limits_ != nullptr) limits_->leave(host_);
}

std::size_t ConnectionLimits::HashOfHost::operator()(const ConnectionPlace::Host& host) const noexcept {
  return std::hash<std::string_view>()({reinterpret_cast<const char*>(host.data()), host.size()});
}

ConnectionLimits::Answer ConnectionLimits::enter(const Address& peer, ConnectionPlace& place,
                                                 const PostQueueRef& waiting) {
  const bool counts_hosts = most_of_host_ != unlimited && peer.family() != Address::Family::local;
  const ConnectionPlace::Host host = counts_hosts ? host_of(peer) : ConnectionPlace::Host{};
  const std::lock_guard lock(mutex_);
  if (count_ >= most_) {
    if (!is_waiting(waiting)) waiting_.push_back(waiting);
    return Answer::full;
  }
  if (counts_hosts) {
    if (most_of_host_ == 0) return Answer::too_many_of_host;
    std::size_t& of_host = of_host_[host];
    if (of_host >= most_of_host_) return Answer::too_many_of_host;
    ++of_host;
  }
  ++count_;
  place = ConnectionPlace(shared_from_this(), host);
  return Answer::admitted;
}

bool ConnectionLimits::is_waiting(const PostQueueRef& queue) const noexcept {
  return std::any_of(waiting_.begin(), waiting_.end(),
                     [&](const PostQueueRef& one) { return one.get() == queue.get(); });
}

void ConnectionLimits::forget(const PostQueueRef& waiting) noexcept {
  const std::lock_guard lock(mutex_);
  std::erase_if(waiting_, [&](const PostQueueRef& one) { return one.get() == waiting.get(); });
}

void ConnectionLimits::leave(const ConnectionPlace::Host& host) noexcept {
  std::vector<PostQueueRef> to_wake;
  {
    const std::lock_guard lock(mutex_);
    --count_;
    if (const auto of_host = of_host_.find(host); of_host != of_host_.end() && --of_host->second == 0)
      of_host_.erase(of_host);
    to_wake.swap(waiting_);
  }
  for (const PostQueueRef& waiting : to_wake) waiting->raise(PostQueue::place_freed);
}

}  // namespace weir
