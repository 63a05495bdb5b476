// weir: how many connections servers may have, together and of one address; internal.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

#include "weir/loop/post_queue.h"
#include "weir/net/address.h"

namespace weir {

class ConnectionLimits;

/// A connection's place among those that are allowed; given back when this goes. A move-only value.
class ConnectionPlace {
 public:
  using Host = std::array<std::uint8_t, 16>;

  ConnectionPlace() noexcept = default;
  ConnectionPlace(std::shared_ptr<ConnectionLimits> limits, const Host& host) noexcept
      : limits_(std::move(limits)),
        host_(host) {}
  ConnectionPlace(ConnectionPlace&& other) noexcept = default;
  ConnectionPlace& operator=(ConnectionPlace&& other) noexcept {
    std::swap(limits_, other.limits_);
    std::swap(host_, other.host_);
    return *this;
  }
  ~ConnectionPlace();

 private:
  std::shared_ptr<ConnectionLimits> limits_;
  Host host_{};
};

/// Counts the connections of one server, or of several on as many loops.
///
/// Threads: any.
class ConnectionLimits : public std::enable_shared_from_this<ConnectionLimits> {
 public:
  enum class Answer {
    admitted,
    full,              ///< `waiting` hears of the next place that is free
    too_many_of_host,  ///< its address has as many connections as one may have
  };

  ConnectionLimits(std::size_t most, std::size_t most_of_host) noexcept : most_(most), most_of_host_(most_of_host) {}

  /// `waiting` waits no more.
  void forget(const PostQueueRef& waiting) noexcept;

  /// Asks for a place, which `place` then holds. When there is none, PostQueue::place_freed is raised at `waiting` as soon
  /// as there is one: once, and also for everybody else who waits. Throws std::bad_alloc.
  Answer enter(const Address& peer, ConnectionPlace& place, const PostQueueRef& waiting);

 private:
  friend class ConnectionPlace;

  struct HashOfHost {
    std::size_t operator()(const ConnectionPlace::Host& host) const noexcept;
  };

  bool is_waiting(const PostQueueRef& queue) const noexcept;
  void leave(const ConnectionPlace::Host& host) noexcept;

  const std::size_t most_;
  const std::size_t most_of_host_;
  std::mutex mutex_;  ///< guards what follows
  std::size_t count_ = 0;
  std::unordered_map<ConnectionPlace::Host, std::size_t, HashOfHost> of_host_;
  std::vector<PostQueueRef> waiting_;
};

}  // namespace weir
