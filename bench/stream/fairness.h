// weir: L12: what a small echo waits for beside connections that never stop sending.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "bench/measure/cases.h"
#include "bench/stream/links.h"

namespace bench {

/// A Subject is made of nothing, then told `echo(socket)` and `swallow(socket)`, both of which it closes; `turn()` makes one
/// turn of its loop; `swallowed()` tells how many bytes it has thrown away in all.
template <class Subject>
class Fairness {
 public:
  Fairness(std::size_t echoes, std::size_t firehoses) : echoes_(echoes), firehoses_(firehoses) {
    for (Link& link : echoes_) subject_.echo(link.give());
    for (Link& link : firehoses_) subject_.swallow(link.give());
  }

  /// The most bytes of others that were served from when a message was there to be read until its echo had come.
  std::size_t most_served_before_an_echo(std::size_t tries) {
    std::size_t most = 0;
    for (std::size_t i = 0; i < tries; ++i) {
      refill();
      subject_.turn();
      refill();
      Link& link = echoes_[i % echoes_.size()];
      const std::size_t before = subject_.swallowed();
      link.fill(64);
      for (std::size_t received = 0; received < 64; received += link.drain()) {
        subject_.turn();
        refill();
      }
      most = std::max(most, subject_.swallowed() - before);
    }
    return most;
  }

 private:
  void refill() {
    for (Link& link : firehoses_) link.fill(std::size_t{4} << 20);
  }

  std::vector<Link> echoes_;
  std::vector<Link> firehoses_;
  Subject subject_;
};

template <class Subject>
void add_fairness_cases(Cases& cases, const std::string& subject) {
  cases.add_figure("L12", "served-before-an-echo", subject, "bytes", Kind::once, [](double) {
    return static_cast<double>(Fairness<Subject>(100, 4).most_served_before_an_echo(is_smoke() ? 2 : 200));
  });
}

}  // namespace bench
