// weir: an end of a connection that sends what it has and reads until the other end has ended.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <string>
#include <utility>

#include "tests/simulation/party.h"
#include "tests/simulation/scenario.h"
#include "weir/loop/timer.h"

namespace weir::testing_support {

/// Sends its flow after a while, and ends then; reads until the other end has ended.
class Speaker final : public Party {
 public:
  /// It has up to `most` bytes to send.
  Speaker(NetScenario& net, EventLoop& loop, std::string name, Flow& own, Flow& others, std::uint64_t most = 300'000)
      : Party(net.run(), std::move(name)),
        net_(net),
        goal_(net.play().is_calm ? 100'000 : net.of_any_size(most)),
        piece_(1 + goal_ / 50 + net.of_any_size(100'000)),
        begin_(net.up_to(std::chrono::seconds(3))),
        timer_(loop, [this](Timer&) { go_on(); }) {
    out = &own;
    in = &others;
  }

  void start() { timer_.start(begin_); }
  void check() {
    if (!is_closed() || error()) return;
    expect(in->received == in->accepted || !in->is_whole, "everything is there after orderly ends");
    expect(out->accepted == goal_, "everything was written");
  }

 private:
  void go_on() {
    while (!is_over() && stream()->is_writable() && !is_told_to_slow_down()) {
      if (out->accepted == goal_) return finish_writing();
      if (!write(std::min<std::size_t>(piece_, goal_ - out->accepted))) {
        if (piece_ > 1000) piece_ /= 2;
        return timer_.start(std::chrono::milliseconds(50));
      }
      when_sent();
      if (net_.chance(0.3)) return timer_.start(net_.up_to(std::chrono::milliseconds(500)));
    }
  }
  void data() override { (void)take(stream()->input().size()); }
  void ended() override {}
  void drained() override { go_on(); }

  NetScenario& net_;
  std::uint64_t goal_;
  std::size_t piece_;
  Duration begin_;
  Timer timer_;
};

}  // namespace weir::testing_support
