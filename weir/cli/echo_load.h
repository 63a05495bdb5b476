// weir: load for an echo server: connections that send, compare what comes back, and measure.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "weir/base/result.h"
#include "weir/base/time.h"
#include "weir/cli/latency_histogram.h"
#include "weir/cli/pattern.h"
#include "weir/loop/event_loop.h"
#include "weir/net/address.h"
#include "weir/stream/stream.h"

namespace weir::cli {

struct EchoLoadOptions {
  Address address;
  std::size_t connections = 50;
  std::size_t size = 64;     ///< bytes of a request
  std::size_t pipeline = 1;  ///< requests in flight on each connection
};

/// Keeps `pipeline` requests in flight on each of its connections and checks every byte of the answers.
///
///     EchoLoad load(loop, options);
///     if (auto connected = load.connect(); !connected) …
///     load.start();
///     …run the loop…
///     load.stop();
///
/// A connection that breaks, ends or sends back something else counts as an error and is not replaced.
/// Lifetime: the loop must outlive it. Its destructor resets what is still connected, so that no port stays in TIME_WAIT.
/// Threads:  the loop's.
class EchoLoad {
 public:
  EchoLoad(EventLoop& loop, const EchoLoadOptions& options);
  EchoLoad(const EchoLoad&) = delete;
  EchoLoad& operator=(const EchoLoad&) = delete;
  ~EchoLoad();

  /// Runs the loop until all connections stand, or one of them does not come about.
  Result<void> connect();
  std::size_t connected() const noexcept { return connected_; }

  /// Sends the first requests.
  void start();
  /// Answers that still come are not counted any more. What is in flight stays there.
  void stop() noexcept { is_measuring_ = false; }
  /// False after `stop`, and when no connection is left.
  bool is_measuring() const noexcept { return is_measuring_; }

  /// Requests answered between `start` and `stop`.
  std::uint64_t requests() const noexcept { return latency_.count(); }
  /// Requests sent whose answers were not counted.
  std::uint64_t in_flight() const noexcept;
  const LatencyHistogram& latency() const noexcept { return latency_; }
  std::uint64_t errors() const noexcept { return errors_; }
  /// What went wrong first.
  const std::string& first_error() const noexcept { return first_error_; }

 private:
  struct Connection {
    std::unique_ptr<Stream> stream;
    std::uint64_t sent = 0;      // bytes
    std::uint64_t received = 0;  // bytes
    std::uint64_t asked = 0;     // requests
    std::uint64_t answered = 0;  // requests
    bool is_open = true;
  };

  void open_more();
  void open(Connection& connection);
  void stands();
  void receive(Connection& connection);
  void count_answers(Connection& connection);
  void send(Connection& connection, TimePoint now);
  void fail(Connection& connection, std::string_view why);
  TimePoint& sent_at(const Connection& connection, std::uint64_t request) noexcept;

  EventLoop& loop_;
  const EchoLoadOptions options_;
  const StreamSettings settings_;
  const Pattern pattern_;
  std::vector<Connection> connections_;
  std::vector<TimePoint> sent_at_;  // `pipeline` for each connection, used in turn
  std::size_t opened_ = 0;
  std::size_t connected_ = 0;
  std::size_t open_ = 0;
  std::error_code connect_error_;
  LatencyHistogram latency_;
  std::uint64_t errors_ = 0;
  std::string first_error_;
  bool is_measuring_ = false;
};

}  // namespace weir::cli
