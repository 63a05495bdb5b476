// weir: L8: what comes from one connection goes to another.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>

#include "bench/measure/cases.h"
#include "bench/stream/links.h"

namespace bench {

/// `size` bytes go through in a round, as fast as the subject passes them on. Only its turns count.
///
/// A Subject is made of two sockets, which it closes; `turn()` makes one turn of its loop, without waiting.
template <class Subject>
class Relay final : public Workload {
 public:
  explicit Relay(std::size_t size)
      : size_(is_smoke() ? std::min(size, smallest_bulk) : size),
        subject_(left_.give(), right_.give()) {}

  void run(std::size_t rounds) override { (void)measure(rounds); }

  double measure(std::size_t rounds) override {
    double spent = 0;
    for (std::size_t round = 0; round < rounds; ++round) {
      std::size_t sent = 0;
      std::size_t received = 0;
      while (received < size_) {
        sent += left_.fill(size_ - sent);
        const double before = cpu_nanoseconds();
        subject_.turn();
        spent += cpu_nanoseconds() - before;
        received += right_.drain();
      }
    }
    return spent;
  }

 private:
  static constexpr std::size_t smallest_bulk = std::size_t{1} << 20;

  const std::size_t size_;
  Link left_;
  Link right_;
  Subject subject_;
};

template <class Subject>
void add_relay_cases(Cases& cases, const std::string& subject) {
  constexpr std::size_t bulk = std::size_t{64} << 20;
  cases.add<Relay<Subject>>("L8.relay", "relay/bulk/MiB", subject, bulk >> 20, bulk);
  cases.add<Relay<Subject>>("L8.relay", "relay/64", subject, 1, std::size_t{64});
  cases.add<Relay<Subject>>("L8.relay", "relay/16384", subject, 1, std::size_t{16384});
}

}  // namespace bench
