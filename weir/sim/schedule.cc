// weir: a schedule of troubles for a simulated network: how it is applied and reduced.
// SPDX-License-Identifier: MIT
#include "weir/sim/schedule.h"

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "weir/sim/host_state.h"

namespace weir::sim {
namespace {

using Kind = Mishap::Kind;

void make_worse(Link& link, const Link& by) {
  link.latency = std::max(link.latency, by.latency);
  link.jitter = std::max(link.jitter, by.jitter);
  link.bytes_per_second = std::min(link.bytes_per_second, by.bytes_per_second);
  link.chunk = std::min(link.chunk, by.chunk);
  link.has_random_chunks |= by.has_random_chunks;
  link.loss = std::max(link.loss, by.loss);
  link.duplication = std::max(link.duplication, by.duplication);
  link.reordering = std::max(link.reordering, by.reordering);
  link.is_down |= by.is_down;
}

bool is_between_two(Kind kind) {
  return kind == Kind::partition || kind == Kind::one_way_partition || kind == Kind::reset || kind == Kind::bad_link;
}

/// Carries a schedule out. Each beginning and end makes what it concerns anew: what was there before, and on top of it all
/// mishaps in force.
class Campaign : public std::enable_shared_from_this<Campaign> {
 public:
  Campaign(World& world, std::vector<Mishap> mishaps)
      : world_(world),
        mishaps_(std::move(mishaps)),
        is_in_force_(mishaps_.size()) {}

  void plan() {
    for (std::size_t i = 0; i < mishaps_.size(); ++i) {
      if (mishaps_[i].begin <= world_.elapsed()) {
        begin(i);
      } else {
        world_.at(mishaps_[i].begin, [self = shared_from_this(), i] { self->begin(i); });
      }
    }
  }

 private:
  using Way = std::pair<Host*, Host*>;

  void begin(std::size_t number) {
    const Mishap& mishap = mishaps_[number];
    Host* host = world_.find(mishap.host);
    Host* other = world_.find(mishap.other);
    if (host == nullptr || (is_between_two(mishap.kind) && (other == nullptr || other == host))) return;
    if (mishap.kind == Kind::reset) return world_.reset_connections(*host, *other);
    remember(mishap, *host, other);
    remark(mishap, "begins");
    is_in_force_[number] = true;
    renew(mishap.kind, *host, other);
    if (mishap.length == World::for_ever) return;
    world_.after(mishap.length, [self = shared_from_this(), number, host, other] {
      self->remark(self->mishaps_[number], "ends");
      self->is_in_force_[number] = false;
      self->renew(self->mishaps_[number].kind, *host, other);
    });
  }

  /// Links and limits change without a word of their own; the others say so themselves.
  void remark(const Mishap& mishap, const std::string& what) {
    Host& host = *world_.find(mishap.host);
    switch (mishap.kind) {
      case Kind::partition:
      case Kind::one_way_partition:
        return host.state().remark("a partition of " + mishap.host + " and " + mishap.other + " " + what);
      case Kind::bad_link:
        return host.state().remark("a bad link between " + mishap.host + " and " + mishap.other + " " + what);
      case Kind::few_descriptors: return host.state().remark("a lack of descriptors of " + mishap.host + " " + what);
      case Kind::failing_calls: return host.state().remark("a failing of system calls of " + mishap.host + " " + what);
      case Kind::reset:
      case Kind::pause: return;
    }
  }

  /// Keeps what is there now, unless a mishap has changed it already.
  void remember(const Mishap& mishap, Host& host, Host* other) {
    if (mishap.kind == Kind::few_descriptors && count(Kind::few_descriptors, host) == 0) {
      limits_[&host] = host.state().machine.options().descriptor_limit;
    }
    if (!is_between_two(mishap.kind)) return;
    for (const Way& way : {Way(&host, other), Way(other, &host)}) {
      if (!is_touched(way)) links_[way] = world_.link(*way.first, *way.second);
    }
  }

  void renew(Kind kind, Host& host, Host* other) {
    switch (kind) {
      case Kind::partition:
      case Kind::one_way_partition:
      case Kind::bad_link: return renew_links(host, *other);
      case Kind::few_descriptors: return renew_limit(host);
      case Kind::pause: return count(Kind::pause, host) > 0 ? host.pause() : host.resume();
      case Kind::failing_calls: return renew_faults(host);
      case Kind::reset: return;
    }
  }

  void renew_links(Host& host, Host& other) {
    for (const Way& way : {Way(&host, &other), Way(&other, &host)}) {
      Link link = links_[way];
      for_each_in_force([&](const Mishap& mishap) {
        if (!concerns(mishap, way)) return;
        if (mishap.kind == Kind::bad_link) return make_worse(link, mishap.link);
        link.is_down = true;
      });
      world_.set_link_one_way(*way.first, *way.second, link);
    }
  }

  void renew_limit(Host& host) {
    std::size_t limit = limits_[&host];
    for_each_in_force([&](const Mishap& mishap) {
      if (mishap.kind == Kind::few_descriptors && is_of(mishap, host)) limit = std::min(limit, mishap.limit);
    });
    host.set_descriptor_limit(limit);
  }

  void renew_faults(Host& host) {
    std::vector<FaultRule> rules;
    for_each_in_force([&](const Mishap& mishap) {
      if (mishap.kind == Kind::failing_calls && is_of(mishap, host)) rules.push_back(mishap.rule);
    });
    host.set_faults(rules.empty() ? FaultPlan() : FaultPlan::script(std::move(rules), world_.random().next()));
  }

  template <class Function>
  void for_each_in_force(Function function) const {
    for (std::size_t i = 0; i < mishaps_.size(); ++i) {
      if (is_in_force_[i]) function(mishaps_[i]);
    }
  }

  bool is_of(const Mishap& mishap, const Host& host) const { return world_.find(mishap.host) == &host; }

  bool concerns(const Mishap& mishap, const Way& way) const {
    if (!is_between_two(mishap.kind)) return false;
    const Way named(world_.find(mishap.host), world_.find(mishap.other));
    return way == named || (mishap.kind != Kind::one_way_partition && way == Way(named.second, named.first));
  }

  bool is_touched(const Way& way) const {
    bool found = false;
    const Way back(way.second, way.first);
    for_each_in_force([&](const Mishap& mishap) { found |= concerns(mishap, way) || concerns(mishap, back); });
    return found;
  }

  std::size_t count(Kind kind, const Host& host) const {
    std::size_t found = 0;
    for_each_in_force([&](const Mishap& mishap) { found += mishap.kind == kind && is_of(mishap, host) ? 1U : 0U; });
    return found;
  }

  World& world_;
  std::vector<Mishap> mishaps_;
  std::vector<bool> is_in_force_;
  std::map<Way, Link> links_;  // as they were before
  std::map<Host*, std::size_t> limits_;
};

/// Runs `fails` as often as it may.
class Trial {
 public:
  Trial(Callback<bool(const Schedule&)> fails, std::size_t tries) : fails_(std::move(fails)), tries_(tries) {}

  bool operator()(const std::vector<Mishap>& mishaps) {
    return tries_ > 0 && tries_-- > 0 && fails_(Schedule(mishaps));
  }

 private:
  Callback<bool(const Schedule&)> fails_;
  std::size_t tries_;
};

/// Leaves out a part of the list, smaller and smaller ones, for as long as the rest still fails.
std::vector<Mishap> fewer(std::vector<Mishap> mishaps, Trial& fails) {
  if (!mishaps.empty() && fails({})) return {};
  for (std::size_t part = (mishaps.size() + 1) / 2; part > 0;) {
    bool has_left_out = false;
    for (std::size_t at = 0; at < mishaps.size();) {
      std::vector<Mishap> rest = mishaps;
      const auto first = rest.begin() + static_cast<std::ptrdiff_t>(at);
      rest.erase(first, first + static_cast<std::ptrdiff_t>(std::min(part, rest.size() - at)));
      if (!rest.empty() && fails(rest)) {
        mishaps = std::move(rest);
        has_left_out = true;
      } else {
        at += part;
      }
    }
    if (!has_left_out || part > mishaps.size()) part /= 2;
  }
  return mishaps;
}

/// Halves lengths for as long as that still fails.
void shorten(std::vector<Mishap>& mishaps, Trial& fails) {
  for (Mishap& mishap : mishaps) {
    while (mishap.length > std::chrono::milliseconds(1) && mishap.length != World::for_ever) {
      const Duration before = mishap.length;
      mishap.length = std::chrono::floor<std::chrono::milliseconds>(before / 2);
      if (fails(mishaps)) continue;
      mishap.length = before;
      break;
    }
  }
}

}  // namespace

Duration Schedule::end() const {
  Duration last{};
  for (const Mishap& mishap : mishaps_) {
    last = std::max(last, mishap.begin + (mishap.length == World::for_ever ? Duration::zero() : mishap.length));
  }
  return last;
}

void Schedule::apply(World& world) const { std::make_shared<Campaign>(world, mishaps_)->plan(); }

Schedule minimised(const Schedule& schedule, Callback<bool(const Schedule&)> fails, std::size_t most_tries) {
  Trial trial(std::move(fails), most_tries);
  std::vector<Mishap> mishaps = fewer(schedule.mishaps(), trial);
  shorten(mishaps, trial);
  return Schedule(std::move(mishaps));
}

}  // namespace weir::sim
