// weir: how many bytes a second streams may move, alone and in groups.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>

#include "weir/base/export.h"

namespace weir {

class EventLoop;
class RateNode;
class Stream;

/// So many bytes a second.
///
/// It is kept by a bucket that fills at that rate up to `burst`, and from which every byte is taken: over any time t no more
/// than `burst + rate × t` bytes pass, and a stream that always has something to move gets all of it.
struct Rate {
  static constexpr std::uint64_t unlimited = std::numeric_limits<std::uint64_t>::max();

  std::uint64_t bytes_per_second = unlimited;  ///< at least 1
  std::size_t burst = 0;                       ///< bytes; 0: what comes in a tenth of a second, but at least 16 KiB

  bool is_limited() const noexcept { return bytes_per_second != unlimited; }
};

struct RateLimits {
  Rate read{};
  Rate write{};
};

/// Bytes that were moved, by those that are or were in a group.
struct RateTotals {
  std::uint64_t read = 0;
  std::uint64_t written = 0;
};

/// A limit that groups of several loops share, on any threads.
///
///     weir::SharedRate all({.write = {.bytes_per_second = 10'000'000}});
///     weir::RateGroup group(loop, all);   // on each loop
///
/// Each group takes what a few milliseconds bring in advance, so at most that much stays unused.
///
/// Lifetime: must outlive its groups.
/// Threads:  any.
class WEIR_API SharedRate {
 public:
  explicit SharedRate(const RateLimits& limits);
  SharedRate(const SharedRate&) = delete;
  SharedRate& operator=(const SharedRate&) = delete;
  ~SharedRate();

  /// Holds for what is taken from now on.
  void set_limits(const RateLimits& limits) noexcept;
  /// All that was handed out to its groups: at most a few milliseconds' worth for each more than they have moved.
  RateTotals totals() const noexcept;

 private:
  friend class RateNode;
  class State;

  std::unique_ptr<State> state_;
};

/// Streams, and groups of them, that share a limit. A tree: a stream moves what its own limit, its group's and those of all
/// groups above permit.
///
///     all 10 MB/s ──┬── customer A 4 MB/s ──┬── stream        weir::RateGroup all(loop, {.write = {10'000'000}});
///                   │                       └── stream 1 MB/s weir::RateGroup a(all, {.write = {4'000'000}});
///                   └── customer B 8 MB/s ───── stream        stream.set_rate_group(&a);
///
/// What a group permits is shared out evenly among the streams that wait for it, in turn, each at least
/// `minimum_share` bytes at a time; if that is not there for all, the others come first next time.
/// No stream needs a timer for it: a group has one, and a stream's own limit uses the timer of its time limits.
///
/// Lifetime: a handle on the loop, which must outlive it. Streams and groups that are in it when it is destroyed are limited
///           by it no more, nor by those above it.
/// Threads:  the loop's; all of a tree belong to one loop. See SharedRate.
class WEIR_API RateGroup {
 public:
  static constexpr std::size_t default_minimum_share = 1024;

  RateGroup(EventLoop& loop, const RateLimits& limits);
  /// Within another group.
  RateGroup(RateGroup& above, const RateLimits& limits);
  /// Within what all loops have together.
  RateGroup(EventLoop& loop, SharedRate& shared, const RateLimits& limits = {});
  RateGroup(const RateGroup&) = delete;
  RateGroup& operator=(const RateGroup&) = delete;
  ~RateGroup();

  /// Takes effect at once, also for those that wait.
  void set_limits(const RateLimits& limits);
  /// Bytes; at least 1. More is less work for many slow streams, less is smoother.
  void set_minimum_share(std::size_t bytes);
  RateTotals totals() const noexcept;

 private:
  friend class Stream;

  std::unique_ptr<RateNode> node_;
};

}  // namespace weir
