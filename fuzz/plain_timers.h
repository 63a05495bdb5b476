// weir: timers as they would be without any cleverness, for the fuzz target `timers`.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <utility>

namespace weir::fuzz {

/// Timers by moment, then by the order in which they were armed. Numbers stand for the timers.
class SortedTimers {
 public:
  void arm(std::size_t timer, std::uint64_t moment) { armed_.emplace(moment, timer); }
  void cancel(std::size_t timer) {
    std::erase_if(armed_, [&](const auto& entry) { return entry.second == timer; });
  }
  bool has(std::size_t timer) const {
    return std::any_of(armed_.begin(), armed_.end(), [&](const auto& entry) { return entry.second == timer; });
  }
  bool is_due(std::uint64_t moment) const { return !armed_.empty() && armed_.begin()->first <= moment; }
  std::uint64_t first_moment() const { return armed_.begin()->first; }
  std::size_t take_first() {
    const std::size_t timer = armed_.begin()->second;
    armed_.erase(armed_.begin());
    return timer;
  }
  std::size_t size() const { return armed_.size(); }

 private:
  std::multimap<std::uint64_t, std::size_t> armed_;  // equal keys stay in the order of their insertion
};

/// What TimerWheel says it does: all of a tick becomes due at once; what is armed for a tick that an `advance` has reached,
/// or is about to, is late, and due first of all at the next one.
class PlainWheel {
 public:
  void arm(std::size_t timer, std::uint64_t tick) {
    cancel(timer);
    if (tick <= horizon_) {
      late_.push_back(timer);
    } else {
      sorted_.arm(timer, tick);
    }
  }
  void cancel(std::size_t timer) {
    std::erase(due_, timer);
    std::erase(late_, timer);
    sorted_.cancel(timer);
  }
  bool is_armed(std::size_t timer) const {
    return std::count(due_.begin(), due_.end(), timer) + std::count(late_.begin(), late_.end(), timer) > 0 ||
           sorted_.has(timer);
  }
  std::size_t size() const { return due_.size() + late_.size() + sorted_.size(); }
  /// Requires that a timer is armed.
  std::uint64_t next() const { return due_.empty() && late_.empty() ? sorted_.first_moment() : 0; }

  template <class Fire>
  void advance(std::uint64_t tick, const bool& must_stop, Fire fire) {
    due_.insert(due_.end(), late_.begin(), late_.end());
    late_.clear();
    horizon_ = std::max(horizon_, tick);
    while (!must_stop) {
      if (due_.empty() && !sorted_.is_due(tick)) return;
      if (due_.empty()) {
        const std::uint64_t next = sorted_.first_moment();
        while (sorted_.is_due(next)) due_.push_back(sorted_.take_first());
      }
      const std::size_t timer = due_.front();
      due_.pop_front();
      fire(timer);
    }
  }

 private:
  std::deque<std::size_t> due_;
  std::deque<std::size_t> late_;
  SortedTimers sorted_;
  std::uint64_t horizon_ = 0;
};

/// What TimerHeap says it does: what is armed while it advances, for a moment that has come, waits for the next `advance`.
class PlainHeap {
 public:
  void arm(std::size_t timer, std::uint64_t moment) {
    cancel(timer);
    if (is_advancing_ && moment <= now_) {
      late_.emplace_back(moment, timer);
    } else {
      sorted_.arm(timer, moment);
    }
  }
  void cancel(std::size_t timer) {
    std::erase_if(late_, [&](const auto& entry) { return entry.second == timer; });
    sorted_.cancel(timer);
  }
  bool is_armed(std::size_t timer) const {
    return sorted_.has(timer) ||
           std::any_of(late_.begin(), late_.end(), [&](const auto& entry) { return entry.second == timer; });
  }
  std::size_t size() const { return late_.size() + sorted_.size(); }
  /// Requires that a timer is armed.
  std::uint64_t next() const { return sorted_.first_moment(); }

  template <class Fire>
  void advance(std::uint64_t now, const bool& must_stop, Fire fire) {
    is_advancing_ = true;
    now_ = now;
    while (!must_stop && sorted_.is_due(now)) fire(sorted_.take_first());
    is_advancing_ = false;
    for (const auto& [moment, timer] : late_) sorted_.arm(timer, moment);
    late_.clear();
  }

 private:
  SortedTimers sorted_;
  std::deque<std::pair<std::uint64_t, std::size_t>> late_;
  std::uint64_t now_ = 0;
  bool is_advancing_ = false;
};

}  // namespace weir::fuzz
