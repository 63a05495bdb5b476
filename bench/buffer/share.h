// weir: M11 and M12: one payload to many outputs, and memory of the program's.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "bench/measure/cases.h"
#include "bench/measure/data.h"
#include "bench/measure/two_threads.h"

namespace bench {

/// M11: one payload goes to a thousand outputs, and all of them are drained.
template <class Subject>
class Multicast final : public Workload {
 public:
  static constexpr std::size_t outputs = 1000;

  explicit Multicast(std::size_t size)
      : size_(size),
        payload_(Subject::make_shared_bytes(letters(size))),
        outputs_(outputs) {}

  void run(std::size_t rounds) override {
    for (std::size_t round = 0; round < rounds; ++round) {
      for (auto& output : outputs_) Subject::append_shared(output, payload_);
      clobber();
      for (auto& output : outputs_) Subject::drop(output, size_);
    }
  }

 private:
  std::size_t size_;
  typename Subject::Shared payload_;
  std::vector<typename Subject::Buffer> outputs_;
};

/// M11: the same, where half of the outputs go to another thread, which drains them. Processor time of both threads at
/// work, for each output.
template <class Subject>
double multicast_to_two_threads(std::size_t size, double seconds) {
  constexpr std::size_t half = Multicast<Subject>::outputs / 2;
  const typename Subject::Shared payload = Subject::make_shared_bytes(letters(size));
  std::vector<typename Subject::Parcel> parcels(half);
  std::atomic<std::size_t> handed{0}, drained{0};
  std::array<double, 2> working{};
  const auto rounds = static_cast<std::size_t>(seconds * 1e9 / 50000) + 1;
  run_together(2, [&](unsigned thread) {
    std::vector<typename Subject::Buffer> outputs(half);
    for (std::size_t round = 0; round < rounds; ++round) {
      if (thread == 1) wait_until([&] { return handed.load(std::memory_order_acquire) > round; });
      const double start = cpu_nanoseconds();
      if (thread == 0) {
        for (auto& parcel : parcels) {
          typename Subject::Buffer output;
          Subject::append_shared(output, payload);
          parcel = Subject::pack(std::move(output));
        }
        handed.store(round + 1, std::memory_order_release);
        for (auto& output : outputs) Subject::append_shared(output, payload);
        for (auto& output : outputs) Subject::drop(output, size);
      } else {
        for (auto& parcel : parcels) {
          typename Subject::Buffer output = Subject::unpack(std::move(parcel));
          Subject::drop(output, size);
        }
      }
      working[thread] += cpu_nanoseconds() - start;
      if (thread == 1) drained.store(round + 1, std::memory_order_release);
      if (thread == 0) wait_until([&] { return drained.load(std::memory_order_acquire) > round; });
    }
  });
  return (working[0] + working[1]) / static_cast<double>(2 * half * rounds);
}

/// M12: memory of the program's is appended, and dropped again.
template <class Subject>
class AppendReference final : public Workload {
 public:
  explicit AppendReference(std::size_t size) : source_(letters(size)) {}

  void run(std::size_t rounds) override {
    for (std::size_t round = 0; round < rounds; ++round) {
      Subject::append_reference(buffer_, source_);
      clobber();
      Subject::drop(buffer_, source_.size());
    }
  }

 private:
  Text source_;
  typename Subject::Buffer buffer_;
};

template <class Subject>
void add_share_cases(Cases& cases, const std::string& subject) {
  for (const std::size_t size : {kib, 64 * kib, mib}) {
    cases.add_with_mallocs<Multicast<Subject>>("M11", "multicast/" + std::to_string(size), subject,
                                               Multicast<Subject>::outputs, size);
  }
  if constexpr (requires { typename Subject::Parcel; }) {
    cases.add_figure("M11", "multicast/65536/two-threads", subject, "ns/op", Kind::time,
                     [](double seconds) { return multicast_to_two_threads<Subject>(64 * kib, seconds); });
  }
  for (const std::size_t size : {2 * kib, 64 * kib}) {
    cases.add_with_mallocs<AppendReference<Subject>>("M12", "reference/" + std::to_string(size), subject, 1, size);
  }
}

}  // namespace bench
