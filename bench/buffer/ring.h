// weir: M26: a stream through a ring of 64 KiB.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>

#include "bench/measure/cases.h"
#include "bench/measure/data.h"

namespace bench {

/// The ring is half full; so many bytes go in, and as many come out.
template <class Ring>
class ThroughRing final : public Workload {
 public:
  explicit ThroughRing(std::size_t size) : in_(letters(size)), out_(letters(size)) {
    const Text half(letters(32 * kib));
    ring_.put(half);
  }

  void run(std::size_t rounds) override {
    for (std::size_t round = 0; round < rounds; ++round) {
      ring_.put(in_);
      clobber();
      ring_.take(out_.data(), out_.size());
      clobber();
    }
  }

 private:
  Text in_;
  Text out_;
  Ring ring_;
};

template <class Ring>
void add_ring_cases(Cases& cases, const std::string& subject) {
  for (const std::size_t size : {1UL, 64UL, 4 * kib}) {
    cases.add<ThroughRing<Ring>>("M26", "ring/" + std::to_string(size), subject, 1, size);
  }
}

}  // namespace bench
