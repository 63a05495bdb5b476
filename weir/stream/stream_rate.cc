// weir: a byte stream with an input and an output buffer: its rate limits.
// SPDX-License-Identifier: MIT
#include "weir/stream/rate_node.h"
#include "weir/stream/stream_state.h"

namespace weir {

/// What a limited stream has beside the others.
class StreamCore::RateState final : public RateMember {
 public:
  explicit RateState(StreamCore& stream) noexcept : stream_(stream) {}

  void set_limits(const RateLimits& limits) {
    ways_[0].bucket.set(limits.read, stream_.loop().now());
    ways_[1].bucket.set(limits.write, stream_.loop().now());
    allow_all();
  }

  void set_group(RateNode* group) {
    group_ends();
    group_ = group;
    if (group != nullptr) group->add(*this);
  }

  bool is_limiting() const noexcept {
    return group_ != nullptr || ways_[0].bucket.is_limited() || ways_[1].bucket.is_limited();
  }

  /// How much may be moved now. 0: the stream is to stop, and hears when it may go on.
  std::size_t allowance(Direction direction) {
    const std::size_t own = own_allowance(direction);
    if (own == 0 || group_ == nullptr) return own;
    const Turn& turn = turns_[index_of(direction)];
    RateNode* blocked = turn.node;
    const bool has_turn = turn.node != nullptr;
    const bool is_used_up = has_turn && turn.grant == 0;
    const std::size_t of_group = is_used_up ? 0 : group_->allowance(direction, has_turn, blocked);
    if (of_group == 0) {
      if (!is_waiting(direction)) blocked->wait(direction, *this);
      return 0;
    }
    return std::min({own, of_group, has_turn ? turn.grant : of_group});
  }

  void count(Direction direction, std::size_t bytes) noexcept {
    ways_[index_of(direction)].bucket.take(bytes);
    Turn& turn = turns_[index_of(direction)];
    turn.grant -= std::min(turn.grant, bytes);
    if (group_ != nullptr) group_->count(direction, bytes);
  }

  /// When the stream's own limit lets it go on, if it waits for that.
  TimePoint resumes_at() const noexcept { return std::min(ways_[0].resumes_at, ways_[1].resumes_at); }
  void resume_due() noexcept {
    for (const Direction direction : directions) {
      TimePoint& time = ways_[index_of(direction)].resumes_at;
      if (time > stream_.loop().now()) continue;
      time = TimePoint::max();
      rate_allows(direction);
    }
  }

 private:
  struct Way {
    TokenBucket bucket;
    TimePoint resumes_at = TimePoint::max();
  };

  std::size_t own_allowance(Direction direction) noexcept {
    Way& way = ways_[index_of(direction)];
    if (!way.bucket.is_limited()) return unlimited;
    const std::int64_t there = way.bucket.available(stream_.loop().now());
    if (there >= way.bucket.worth_while()) return static_cast<std::size_t>(there);
    way.resumes_at = way.bucket.time_of(way.bucket.worth_while());
    stream_.limit_time();
    return 0;
  }

  void rate_allows(Direction direction) noexcept override {
    if (direction == Direction::read) {
      stream_.unsuspend(by_rate);
    } else {
      stream_.sending_suspended_ &= static_cast<std::uint8_t>(~by_rate);
      stream_.loop().defer(stream_);
    }
  }

  void group_ends() noexcept override {
    group_ = nullptr;
    ListHook<MemberTag>::unlink();
    turns_ = {};
    allow_all();
  }

  /// Whatever holds has to be asked anew.
  void allow_all() noexcept {
    for (const Direction direction : directions) {
      stop_waiting(direction);
      ways_[index_of(direction)].resumes_at = TimePoint::max();
      rate_allows(direction);
    }
  }

  StreamCore& stream_;
  RateNode* group_ = nullptr;
  std::array<Way, 2> ways_;
};

StreamCore::RateState& StreamCore::rate_state() {
  Extras& more = extras();
  if (more.rate == nullptr) more.rate = std::make_unique<RateState>(*this);
  return *more.rate;
}

void Stream::set_rate_limits(const RateLimits& limits) {
  RateState& rate = rate_state();
  rate.set_limits(limits);
  set_rate_limited(rate.is_limiting());
}

void Stream::set_rate_group(RateGroup* group) {
  RateState& rate = rate_state();
  rate.set_group(group != nullptr ? group->node_.get() : nullptr);
  set_rate_limited(rate.is_limiting());
}

std::size_t StreamCore::receive_allowance() {
  if (!is_rate_limited() || is_discarding_) return unlimited;
  const std::size_t allowed = extras_->rate->allowance(Direction::read);
  if (allowed == 0) suspend(by_rate);
  return allowed;
}

std::size_t StreamCore::send_allowance() {
  if (!is_rate_limited()) return unlimited;
  const std::size_t allowed = extras_->rate->allowance(Direction::write);
  if (allowed == 0) {
    sending_suspended_ |= by_rate;
    is_waiting_to_send_ = false;
    stop_sending();
  }
  return allowed;
}

void StreamCore::count_received(std::size_t bytes) noexcept { extras_->rate->count(Direction::read, bytes); }

void StreamCore::count_sent(std::size_t bytes) noexcept { extras_->rate->count(Direction::write, bytes); }

TimePoint StreamCore::rate_resumes_at() const noexcept { return extras_->rate->resumes_at(); }

void StreamCore::resume_due_rates() noexcept { extras_->rate->resume_due(); }

StreamCore::Extras::Extras() = default;
StreamCore::Extras::~Extras() = default;

}  // namespace weir
