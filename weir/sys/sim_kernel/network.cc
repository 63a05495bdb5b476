// weir: what carries segments and datagrams between simulated machines.
// SPDX-License-Identifier: MIT
#include "weir/sys/sim_kernel/network.h"

#include <algorithm>

#include "weir/sys/sim_kernel/machine.h"
#include "weir/sys/sim_kernel/tcp_connection.h"

namespace weir::sys {
namespace {

using namespace weir::literals;

constexpr Duration first_repetition = 200ms;
constexpr int most_repetitions = 8;

}  // namespace

Machine* Network::find(Machine& from, const InternetAddress& address) const {
  if (address.is_loopback() || address.is_any()) return &from;
  const auto found = owners_.find(address);
  return found != owners_.end() ? found->second : nullptr;
}

void Network::add(const std::shared_ptr<TcpConnection>& connection) {
  if (connections_.size() >= tidy_at_) {
    std::erase_if(connections_, [](const auto& old) { return old.expired(); });
    tidy_at_ = std::max<std::size_t>(64, connections_.size() * 2);
  }
  connections_.push_back(connection);
}

void Network::reset_connections(const Machine& a, const Machine& b) {
  for (const auto& known : std::vector(connections_)) {
    const auto connection = known.lock();
    if (connection != nullptr && connection->is_between(a, b)) connection->reset_both();
  }
}

Network::Way& Network::way(const Machine& from, const Machine& to) {
  const auto [found, is_new] = ways_.try_emplace({from.number(), to.number()});
  if (is_new && &from != &to) found->second.link = default_link_;
  return found->second;
}

Link& Network::link(const Machine& from, const Machine& to) { return way(from, to).link; }

bool Network::is_up(const Machine& from, const Machine& to) {
  const Link& link = this->link(from, to);
  return from.is_on() && to.is_on() && !link.is_down && link.loss < 1;
}

/// When something arrives that leaves as soon as the link has sent what waits before it.
TimePoint Network::travel(Way& way, std::size_t bytes) {
  const TimePoint now = timeline_.now();
  TimePoint sent = now;
  if (way.link.bytes_per_second != unlimited) {
    const double seconds = static_cast<double>(bytes) / static_cast<double>(way.link.bytes_per_second);
    sent =
        add_saturated(std::max(now, way.free_at), Duration(static_cast<Duration::rep>(std::min(seconds * 1e9, 9e18))));
    way.free_at = sent;
  }
  return add_saturated(add_saturated(sent, way.link.latency), random_.up_to(way.link.jitter));
}

std::optional<TimePoint> Network::arrival_of_segment(const Machine& from, const Machine& to, std::size_t bytes) {
  if (!is_up(from, to)) return std::nullopt;
  Way& way = this->way(from, to);
  Duration repeated_after{};
  for (int i = 0; i < most_repetitions && random_.chance(way.link.loss); ++i) {
    repeated_after = repeated_after * 2 + first_repetition;
  }
  return add_saturated(travel(way, bytes), repeated_after);
}

std::optional<TimePoint> Network::arrival_of_reply(const Machine& from, const Machine& to) {
  if (!is_up(from, to)) return std::nullopt;
  return add_saturated(timeline_.now(), link(from, to).latency);
}

Network::Arrivals Network::arrivals_of_datagram(const Machine& from, const Machine& to, std::size_t bytes) {
  if (!is_up(from, to)) return {};
  Way& way = this->way(from, to);
  const auto arrival = [&]() -> std::optional<TimePoint> {
    if (random_.chance(way.link.loss)) return std::nullopt;
    const TimePoint plain = travel(way, bytes);
    if (!random_.chance(way.link.reordering)) return plain;
    return add_saturated(plain, random_.up_to(std::min<Duration>(way.link.latency, 1h) * 2 + 1ms));
  };
  Arrivals arrivals{.first = arrival(), .second = {}};
  if (random_.chance(way.link.duplication)) arrivals.second = arrival();
  return arrivals;
}

std::size_t Network::segment_size(const Machine& from, const Machine& to, std::size_t bytes) {
  const Link& link = this->link(from, to);
  const std::size_t most = std::min(bytes, link.chunk);
  return link.has_random_chunks && most > 1 ? random_.between(1, most) : most;
}

}  // namespace weir::sys
