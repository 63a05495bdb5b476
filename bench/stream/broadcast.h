// weir: L11: one message to a thousand connections.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "bench/measure/cases.h"
#include "bench/stream/links.h"

namespace bench {

inline constexpr std::size_t message_size = std::size_t{64} << 10;

/// A Subject is made of nothing, then told `add(socket)`, which it closes; `broadcast()` begins to send the message to all,
/// `turn()` goes on.
template <class Subject>
class Broadcast final : public Workload {
 public:
  explicit Broadcast(std::size_t count) : links_(scaled(count)) {
    for (Link& link : links_) subject_.add(link.give());
  }

  void run(std::size_t rounds) override { (void)measure(rounds); }

  double measure(std::size_t rounds) override {
    double spent = 0;
    for (std::size_t round = 0; round < rounds; ++round) {
      std::size_t received = 0;
      bool is_begun = false;
      while (received < links_.size() * message_size) {
        const double before = cpu_nanoseconds();
        if (!std::exchange(is_begun, true)) subject_.broadcast();
        subject_.turn();
        spent += cpu_nanoseconds() - before;
        for (Link& link : links_) received += link.drain();
      }
    }
    return spent;
  }

 private:
  std::vector<Link> links_;
  Subject subject_;
};

template <class Subject>
void add_broadcast_cases(Cases& cases, const std::string& subject) {
  constexpr std::size_t count = 1000;
  cases.add<Broadcast<Subject>>("L11", "broadcast/65536", subject, count, count);
}

}  // namespace bench
