// weir: what carries segments and datagrams between simulated machines.
// SPDX-License-Identifier: MIT
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "weir/sys/sim_kernel/internet_name.h"
#include "weir/sys/sim_kernel/link.h"
#include "weir/sys/sim_kernel/random.h"
#include "weir/sys/sim_kernel/timeline.h"
#include "weir/sys/sim_kernel/trace.h"

namespace weir::sys {

class Machine;
class TcpConnection;

/// Knows who has which address, and how long what takes between whom.
class Network {
 public:
  Network(Timeline& timeline, Random& random, Trace& trace) noexcept
      : timeline_(timeline),
        random_(random),
        trace_(trace) {}

  Timeline& timeline() noexcept { return timeline_; }
  Random& random() noexcept { return random_; }
  Trace& trace() noexcept { return trace_; }

  void add(Machine& machine, InternetAddress address) { owners_[address] = &machine; }
  /// Who is reached at `address` from `from`; null when there is nobody.
  Machine* find(Machine& from, const InternetAddress& address) const;

  /// Keeps track of a connection that begins.
  void add(const std::shared_ptr<TcpConnection>& connection);
  /// Resets every TCP connection between the two, as a middlebox might.
  void reset_connections(const Machine& a, const Machine& b);

  /// The way from one to the other, to be changed at will. Segments that are under way keep their time of arrival.
  Link& link(const Machine& from, const Machine& to);
  /// What new pairs of machines get; a machine's way to itself is always as fast as loopback at first.
  void set_default_link(const Link& link) { default_link_ = link; }

  /// True when nothing is lost for sure: the link is up and both machines run.
  bool is_up(const Machine& from, const Machine& to);

  /// When a TCP segment sent now arrives, repetitions included; nothing when it cannot arrive.
  std::optional<TimePoint> arrival_of_segment(const Machine& from, const Machine& to, std::size_t bytes);
  /// When an acknowledgement sent now arrives: as fast as anything may. Nothing when it cannot.
  std::optional<TimePoint> arrival_of_reply(const Machine& from, const Machine& to);
  /// When a datagram sent now arrives: not at all, once or twice.
  struct Arrivals {
    std::optional<TimePoint> first;
    std::optional<TimePoint> second;
  };
  Arrivals arrivals_of_datagram(const Machine& from, const Machine& to, std::size_t bytes);
  /// How many bytes the next segment of at most `bytes` carries.
  std::size_t segment_size(const Machine& from, const Machine& to, std::size_t bytes);

 private:
  struct Way {
    Link link;
    TimePoint free_at{};  // when what was sent before has left
  };

  Way& way(const Machine& from, const Machine& to);
  TimePoint travel(Way& way, std::size_t bytes);

  Timeline& timeline_;
  Random& random_;
  Trace& trace_;
  Link default_link_;
  std::map<InternetAddress, Machine*> owners_;
  std::map<std::pair<int, int>, Way> ways_;
  std::vector<std::weak_ptr<TcpConnection>> connections_;
  std::size_t tidy_at_ = 64;  // how many connections there are when the gone ones are forgotten
};

}  // namespace weir::sys
