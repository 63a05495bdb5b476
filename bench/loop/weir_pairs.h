// weir: L4 with weir: a Watch for each descriptor.
// SPDX-License-Identifier: MIT
#pragma once

#include <utility>
#include <vector>

#include "bench/loop/chained_writes.h"
#include "weir/loop/event_loop.h"
#include "weir/loop/watch.h"

namespace bench {

template <weir::WatchMode mode>
class WeirPairs {
 public:
  void watch(Pair& pair) {
    pairs_.push_back(&pair);
    watches_.push_back(start(pair));
  }
  void renew(std::size_t index) {
    watches_[index] = {};
    watches_[index] = start(*pairs_[index]);
  }
  void turn() { (void)loop_.run_once(); }

 private:
  weir::Watch start(Pair& pair) {
    auto watch = weir::Watch::start(loop_, pair.descriptor(), {.interest = {.readable = true}, .mode = mode},
                                    [&pair](weir::Readiness) { pair.became_readable(); });
    return *std::move(watch);
  }

  weir::EventLoop loop_;
  std::vector<Pair*> pairs_;
  std::vector<weir::Watch> watches_;
};

}  // namespace bench
