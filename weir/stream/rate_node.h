// weir: the tree behind rate limits; internal.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "weir/base/list.h"
#include "weir/loop/event_loop.h"
#include "weir/stream/rate_limit.h"
#include "weir/stream/token_bucket.h"

namespace weir {

/// Which way bytes go; indexes what exists for each.
enum class Direction : std::uint8_t { read, write };
inline constexpr std::array directions = {Direction::read, Direction::write};
constexpr std::size_t index_of(Direction direction) noexcept { return static_cast<std::size_t>(direction); }

struct ReadWaitTag;
struct WriteWaitTag;
struct MemberTag;
struct ChildTag;

/// Somebody who moves bytes within limits: a stream. Waits in the line of the node that has nothing left.
class RateMember : public ListHook<ReadWaitTag>, public ListHook<WriteWaitTag>, public ListHook<MemberTag> {
 public:
  /// It may move `grant` bytes now, on which it need not wait for others of the `node`; then it has to wait in line again.
  void allow(Direction direction, RateNode& node, std::size_t grant) noexcept {
    turns_[index_of(direction)] = {&node, grant};
    rate_allows(direction);
  }

  /// The group has gone: there is none now.
  virtual void group_ends() noexcept = 0;
  void forget(const RateNode& node) noexcept {
    for (Turn& turn : turns_) {
      if (turn.node == &node) turn = {};
    }
  }

  bool is_waiting(Direction direction) const noexcept {
    return direction == Direction::read ? ListHook<ReadWaitTag>::is_linked() : ListHook<WriteWaitTag>::is_linked();
  }
  void stop_waiting(Direction direction) noexcept {
    if (direction == Direction::read) {
      ListHook<ReadWaitTag>::unlink();
    } else {
      ListHook<WriteWaitTag>::unlink();
    }
  }

 protected:
  ~RateMember() = default;

  struct Turn {
    RateNode* node = nullptr;  ///< that gave it; none: it has not waited yet
    std::size_t grant = 0;     ///< what is left of it
  };

  /// What it waited for is there.
  virtual void rate_allows(Direction direction) noexcept = 0;

  std::array<Turn, 2> turns_{};

 private:
  friend class RateNode;
};

/// A limit each way, below another one or none. What is taken from it is taken from those above, too.
class RateNode final : public ListHook<ChildTag>, private WheelTimer {
 public:
  RateNode(EventLoop& loop, const RateLimits& limits, RateNode* above, SharedRate* shared);
  ~RateNode();

  void set_limits(const RateLimits& limits);
  void set_minimum_share(std::size_t bytes);
  RateTotals totals() const noexcept { return {totals_[0], totals_[1]}; }
  EventLoop& loop() const noexcept { return loop_; }

  void add(RateMember& member) noexcept { members_.push_back(member); }

  /// How much one of its members may move now, the nodes above included. 0: not before `blocked` has more. Who has its turn
  /// takes what there is; others only what is worth while.
  std::size_t allowance(Direction direction, bool has_turn, RateNode*& blocked) noexcept;
  void count(Direction direction, std::size_t bytes) noexcept;
  void wait(Direction direction, RateMember& member) noexcept;

 private:
  struct Way {
    TokenBucket bucket;
    std::int64_t leased = 0;  // of what is shared
  };

  std::int64_t available(Direction direction) noexcept;
  TimePoint time_of_more(Direction direction) const noexcept;
  std::int64_t worth_while(Direction direction) const noexcept;
  bool is_limited(Direction direction) const noexcept;
  void serve(Direction direction) noexcept;
  RateMember* front(Direction direction) noexcept;
  std::size_t count_waiting(Direction direction) noexcept;
  void forget_in_members(const RateNode& node) noexcept;
  void arm_for_next() noexcept;
  void fired() override;

  static constexpr std::int64_t unlimited_rate = std::int64_t{1} << 62;
  static constexpr Duration shortest_wait = std::chrono::milliseconds(1);  // a line is served again: the wheel's tick

  EventLoop& loop_;
  RateNode* above_;
  SharedRate::State* const shared_;
  std::array<Way, 2> ways_;
  std::array<std::uint64_t, 2> totals_{};
  std::size_t minimum_share_ = RateGroup::default_minimum_share;
  List<RateMember, ReadWaitTag> readers_;
  List<RateMember, WriteWaitTag> writers_;
  List<RateMember, MemberTag> members_;
  List<RateNode, ChildTag> children_;
};

}  // namespace weir
