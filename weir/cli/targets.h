// weir: where a proxy's connections go: which target is next, and which are set aside.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "weir/base/time.h"
#include "weir/net/address.h"

namespace weir::cli {

/// Addresses that connections are spread over: each goes to the one with the fewest, and among equal ones they take turns.
///
///     std::optional<Targets::Use> use = targets.choose(tried, loop.now());
///     … connects to use->address() …
///     use->connected();                     // or use->failed(loop.now()), and then the next one
///
/// One that failed is set aside, for a second, then twice as long each time it fails again, up to 30 s, until it works:
///
///     good ──failed──► aside ──time is over──► due ──the next connection tries it──► on trial ──connected──► good
///                        ▲                                                              └──failed──► aside, for longer
///
/// While it is aside, and for others while one connection tries it, it is chosen only where no other target is left: a
/// proxy with one target, or with none that works, does not refuse what would succeed.
/// Threads:  any. A connection takes a lock twice; choosing and counting in one step is what keeps two threads from both
///           choosing the same target for having the fewest.
class Targets {
 public:
  static constexpr Duration first_time_aside = std::chrono::seconds(1);
  static constexpr Duration longest_time_aside = std::chrono::seconds(30);

  class Use;

  struct Figures {
    std::size_t connections = 0;  ///< now, those that are being established included
    std::uint64_t total = 0;      ///< that were established
    std::uint64_t failures = 0;   ///< to establish one
    bool is_aside = false;
  };

  /// Requires at least one.
  explicit Targets(const std::vector<Address>& addresses);

  /// The target for a connection that was tried with those at `tried` in vain; none when there is no other.
  std::optional<Use> choose(std::span<const std::size_t> tried, TimePoint now);

  std::size_t count() const noexcept { return targets_.size(); }
  const Address& address(std::size_t index) const noexcept { return targets_[index].address; }
  std::vector<Figures> figures() const;

 private:
  struct Target {
    Address address;
    Figures figures{};
    Duration time_aside{};  ///< the last one; 0 for a good one
    TimePoint due{};        ///< when that is over
    bool is_on_trial = false;
  };

  static bool is_free(const Target& target, TimePoint now) noexcept;

  mutable std::mutex mutex_;  ///< guards all but the addresses
  std::vector<Target> targets_;
  std::size_t next_ = 0;  ///< where the search for the fewest begins
};

/// A connection's place at a target, until it goes. A move-only value; the Targets must outlive it.
class Targets::Use {
 public:
  Use(Targets& targets, std::size_t index, bool is_trial) noexcept
      : targets_(&targets),
        index_(index),
        is_trial_(is_trial) {}
  Use(Use&& other) noexcept
      : targets_(std::exchange(other.targets_, nullptr)),
        index_(other.index_),
        is_trial_(other.is_trial_) {}
  Use& operator=(Use&& other) noexcept {
    std::swap(targets_, other.targets_);
    std::swap(index_, other.index_);
    std::swap(is_trial_, other.is_trial_);
    return *this;
  }
  ~Use();

  std::size_t index() const noexcept { return index_; }
  const Address& address() const noexcept { return targets_->address(index_); }

  /// The connection is established: the target is good.
  void connected();
  /// It could not be: the target is at fault. For how long it is set aside, if it was not already.
  std::optional<Duration> failed(TimePoint now);

 private:
  Target& target() const noexcept { return targets_->targets_[index_]; }

  Targets* targets_;  ///< null when moved from
  std::size_t index_;
  bool is_trial_;  ///< the target is due, and others wait for what becomes of this
};

}  // namespace weir::cli
