// weir: how many bytes a second streams may move, alone and in groups.
// SPDX-License-Identifier: MIT
#include "weir/stream/rate_limit.h"

#include <atomic>

#include "weir/stream/rate_node.h"
#include "weir/stream/shared_rate.h"

namespace weir {

// --- what loops share ---

SharedRate::SharedRate(const RateLimits& limits) : state_(std::make_unique<State>()) { set_limits(limits); }

SharedRate::~SharedRate() = default;

void SharedRate::set_limits(const RateLimits& limits) noexcept {
  state_->way(Direction::read).set(limits.read);
  state_->way(Direction::write).set(limits.write);
}

RateTotals SharedRate::totals() const noexcept {
  return {state_->way(Direction::read).total(), state_->way(Direction::write).total()};
}

// --- groups ---

RateGroup::RateGroup(EventLoop& loop, const RateLimits& limits)
    : node_(std::make_unique<RateNode>(loop, limits, nullptr, nullptr)) {}

RateGroup::RateGroup(RateGroup& above, const RateLimits& limits)
    : node_(std::make_unique<RateNode>(above.node_->loop(), limits, above.node_.get(), nullptr)) {}

RateGroup::RateGroup(EventLoop& loop, SharedRate& shared, const RateLimits& limits)
    : node_(std::make_unique<RateNode>(loop, limits, nullptr, &shared)) {}

RateGroup::~RateGroup() = default;

void RateGroup::set_limits(const RateLimits& limits) { node_->set_limits(limits); }

void RateGroup::set_minimum_share(std::size_t bytes) { node_->set_minimum_share(bytes); }

RateTotals RateGroup::totals() const noexcept { return node_->totals(); }

// --- nodes ---

RateNode::RateNode(EventLoop& loop, const RateLimits& limits, RateNode* above, SharedRate* shared)
    : loop_(loop),
      above_(above),
      shared_(shared != nullptr ? shared->state_.get() : nullptr) {
  set_limits(limits);
  if (above != nullptr) above->children_.push_back(*this);
}

RateNode::~RateNode() {
  loop_.cancel(*this);
  children_.for_each([](RateNode& child) { child.above_ = nullptr; });
  forget_in_members(*this);
  children_.for_each([this](RateNode& child) { child.forget_in_members(*this); });
  for (const Direction direction : directions) {
    while (RateMember* member = front(direction)) {
      member->stop_waiting(direction);
      member->rate_allows(direction);
    }
  }
  while (RateMember* member = members_.pop_front()) member->group_ends();
}

/// Nobody below has its turn from `node` any more.
void RateNode::forget_in_members(const RateNode& node) noexcept {
  members_.for_each([&](RateMember& member) { member.forget(node); });
  children_.for_each([&](RateNode& child) { child.forget_in_members(node); });
}

void RateNode::set_limits(const RateLimits& limits) {
  ways_[0].bucket.set(limits.read, loop_.now());
  ways_[1].bucket.set(limits.write, loop_.now());
  for (const Direction direction : directions) serve(direction);
  arm_for_next();
}

void RateNode::set_minimum_share(std::size_t bytes) {
  expects(bytes > 0);
  minimum_share_ = bytes;
}

bool RateNode::is_limited(Direction direction) const noexcept {
  return ways_[index_of(direction)].bucket.is_limited() || (shared_ != nullptr && shared_->way(direction).is_limited());
}

/// What this node has, without those above it. Leases of what is shared when its own share of that runs out.
std::int64_t RateNode::available(Direction direction) noexcept {
  Way& way = ways_[index_of(direction)];
  std::int64_t least = unlimited_rate;
  if (way.bucket.is_limited()) least = way.bucket.available(loop_.now());
  if (shared_ == nullptr || !shared_->way(direction).is_limited()) return least;
  SharedWay& shared = shared_->way(direction);
  const std::int64_t wanted = shared.worth_while();
  if (way.leased < wanted) way.leased += shared.lease(wanted - way.leased, loop_.now());
  return std::min(least, way.leased);
}

std::int64_t RateNode::worth_while(Direction direction) const noexcept {
  const Way& way = ways_[index_of(direction)];
  std::int64_t least = unlimited_rate;
  if (way.bucket.is_limited()) least = way.bucket.worth_while();
  if (shared_ != nullptr && shared_->way(direction).is_limited())
    least = std::min(least, shared_->way(direction).worth_while());
  return least;
}

TimePoint RateNode::time_of_more(Direction direction) const noexcept {
  const Way& way = ways_[index_of(direction)];
  const std::int64_t wanted = worth_while(direction);
  TimePoint time = way.bucket.is_limited() ? way.bucket.time_of(wanted) : loop_.now();
  if (shared_ != nullptr && shared_->way(direction).is_limited() && way.leased < wanted)
    time = std::max(time, shared_->way(direction).time_of(wanted - way.leased, loop_.now()));
  return time;
}

std::size_t RateNode::allowance(Direction direction, bool has_turn, RateNode*& blocked) noexcept {
  std::int64_t least = unlimited_rate;
  for (RateNode* node = this; node != nullptr; node = node->above_) {
    if (!node->is_limited(direction)) continue;
    const std::int64_t here = node->available(direction);
    if (here < (has_turn ? 1 : node->worth_while(direction))) {
      blocked = node;
      return 0;
    }
    least = std::min(least, here);
  }
  return static_cast<std::size_t>(least);
}

void RateNode::count(Direction direction, std::size_t bytes) noexcept {
  for (RateNode* node = this; node != nullptr; node = node->above_) {
    Way& way = node->ways_[index_of(direction)];
    way.bucket.take(bytes);
    if (node->shared_ != nullptr) {
      way.leased -= static_cast<std::int64_t>(bytes);
      if (!node->shared_->way(direction).is_limited()) {
        way.leased = 0;
        node->shared_->way(direction).count(bytes);
      }
    }
    node->totals_[index_of(direction)] += bytes;
  }
}

// --- the line ---

void RateNode::wait(Direction direction, RateMember& member) noexcept {
  if (direction == Direction::read) {
    readers_.push_back(member);
  } else {
    writers_.push_back(member);
  }
  arm_for_next();
}

RateMember* RateNode::front(Direction direction) noexcept {
  return direction == Direction::read ? readers_.front() : writers_.front();
}

std::size_t RateNode::count_waiting(Direction direction) noexcept {
  std::size_t count = 0;
  const auto add = [&](RateMember&) { ++count; };
  if (direction == Direction::read) {
    readers_.for_each(add);
  } else {
    writers_.for_each(add);
  }
  return count;
}

/// Shares out what there is among those at the front of the line: as many as get the minimum share each.
void RateNode::serve(Direction direction) noexcept {
  if (front(direction) == nullptr) return;
  const bool is_free = !is_limited(direction);
  const std::int64_t there = is_free ? unlimited_rate : available(direction);
  if (!is_free && there < worth_while(direction)) return;
  const std::size_t waiting = count_waiting(direction);
  const auto most = static_cast<std::size_t>(there) / minimum_share_;
  const std::size_t served = std::min(waiting, std::max<std::size_t>(most, 1));
  const std::size_t grant = static_cast<std::size_t>(there) / served;
  for (std::size_t i = 0; i < served; ++i) {
    RateMember* member = front(direction);
    member->stop_waiting(direction);
    member->allow(direction, *this, std::max<std::size_t>(grant, 1));
  }
}

void RateNode::arm_for_next() noexcept {
  TimePoint next = TimePoint::max();
  for (const Direction direction : directions) {
    if (front(direction) != nullptr) next = std::min(next, time_of_more(direction));
  }
  if (next == TimePoint::max()) return;
  next = std::max(next, loop_.now() + shortest_wait);
  if (!is_armed() || loop_.time_of(tick()) > next) loop_.arm(*this, next);
}

void RateNode::fired() {
  for (const Direction direction : directions) serve(direction);
  arm_for_next();
}

}  // namespace weir
