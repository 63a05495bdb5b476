// weir: M20: allocating and freeing blocks, on one thread, across two, and after a burst.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "bench/buffer/connections.h"
#include "bench/measure/cases.h"
#include "bench/measure/data.h"
#include "bench/measure/two_threads.h"

namespace bench {

// An allocator says what a Block is (movable; its destructor frees), and `Block allocate(std::size_t)`; `memory(Block&)`.

/// One block comes and goes.
template <class Allocator>
class SameThread final : public Workload {
 public:
  explicit SameThread(std::size_t size) : size_(size) {}

  void run(std::size_t rounds) override {
    const std::size_t size = opaque(size_);
    for (std::size_t round = 0; round < rounds; ++round) keep(Allocator::allocate(size));
  }

 private:
  std::size_t size_;
};

/// Sizes from 512 B to 64 KiB, as many small as large, in an order that looks random.
inline std::vector<std::size_t> mixed_sizes() {
  Random random(20);
  std::vector<std::size_t> sizes(1024);
  for (std::size_t& size : sizes) size = (std::size_t{512} << random.next() % 7) + random.next() % 512;
  return sizes;
}

/// 256 blocks live; the one that has lived longest goes, and one of another size comes.
template <class Allocator>
class MixedClasses final : public Workload {
 public:
  static constexpr std::size_t live = 256;

  void run(std::size_t rounds) override {
    for (std::size_t round = 0; round < rounds; ++round) {
      for (std::size_t i = 0; i < sizes_.size(); ++i) blocks_[i % live] = Allocator::allocate(sizes_[i]);
    }
  }

  /// Cycles that the slowest thousandth of operations take at least, as nanoseconds, clock reading included.
  double slowest_thousandth() {
    run(8);
    std::vector<std::uint64_t> times;
    for (std::size_t i = 0; i < scaled(200000); ++i) {
      const std::uint64_t start = __builtin_ia32_rdtsc();
      blocks_[i % live] = Allocator::allocate(sizes_[i % sizes_.size()]);
      clobber();
      times.push_back(__builtin_ia32_rdtsc() - start);
    }
    const auto place = times.begin() + static_cast<std::ptrdiff_t>(times.size() - 1 - times.size() / 1000);
    std::nth_element(times.begin(), place, times.end());
    return static_cast<double>(*place) / cycles_per_nanosecond();
  }

 private:
  static double cycles_per_nanosecond() {
    const double start = wall_nanoseconds();
    const std::uint64_t first = __builtin_ia32_rdtsc();
    while (wall_nanoseconds() - start < 1e6) {}
    return static_cast<double>(__builtin_ia32_rdtsc() - first) / (wall_nanoseconds() - start);
  }

  std::vector<std::size_t> sizes_ = mixed_sizes();
  std::array<typename Allocator::Block, live> blocks_;
};

/// One thread allocates batches of 64 blocks, another one frees them. Processor time of both, for each block.
template <class Allocator>
double cross_thread(std::size_t size, double seconds) {
  constexpr std::size_t batch = 64;
  using Batch = std::array<typename Allocator::Block, batch>;
  std::array<Batch, 4> batches;
  std::atomic<std::size_t> filled{0}, emptied{0};
  const auto total = static_cast<std::size_t>(seconds * 1e9 / 100 / batch) + 1;
  const Together cost = run_together(2, [&](unsigned thread) {
    for (std::size_t i = 0; i < total; ++i) {
      Batch& blocks = batches[i % batches.size()];
      if (thread == 0) {
        wait_until([&] { return i - emptied.load(std::memory_order_acquire) < batches.size(); });
        for (auto& block : blocks) block = Allocator::allocate(size);
        filled.store(i + 1, std::memory_order_release);
      } else {
        wait_until([&] { return filled.load(std::memory_order_acquire) > i; });
        for (auto& block : blocks) block = {};
        emptied.store(i + 1, std::memory_order_release);
      }
    }
  });
  return cost.processor / static_cast<double>(total * batch);
}

/// Three seconds in which nothing happens but that a loop would look after its memory.
template <class Allocator>
void idle_for_three_seconds() {
  for (int i = 0; i < 30; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    if constexpr (requires { Allocator::idle_turn(); }) Allocator::idle_turn();
  }
}

/// Resident bytes above those at first, after 256 MiB in blocks of 4 KiB were written to and freed.
template <class Allocator>
double resident_after_burst(bool at_once) {
  keep(Allocator::allocate(4 * kib));
  const std::size_t count = scaled(64 * kib);
  const std::size_t before = resident_bytes();
  {
    std::vector<typename Allocator::Block> blocks(count);
    for (auto& block : blocks) {
      block = Allocator::allocate(4 * kib);
      std::memset(Allocator::memory(block), 'x', 4 * kib);
    }
  }
  if (!at_once) idle_for_three_seconds<Allocator>();
  const std::size_t after = resident_bytes();
  return after <= before ? 0 : static_cast<double>(after - before);
}

template <class Allocator>
void add_pool_cases(Cases& cases, const std::string& subject) {
  for (const std::size_t size : {512UL, 4 * kib, 64 * kib, mib}) {
    cases.add<SameThread<Allocator>>("M20", "same-thread/" + std::to_string(size), subject, 1, size);
  }
  cases.add<MixedClasses<Allocator>>("M20", "mixed-classes", subject, mixed_sizes().size());
  cases.add_figure("M20", "slowest-thousandth/mixed-classes", subject, "ns", Kind::time,
                   [](double) { return MixedClasses<Allocator>().slowest_thousandth(); });
  for (const std::size_t size : {512UL, 4 * kib, 64 * kib}) {
    cases.add_figure("M20", "cross-thread/" + std::to_string(size), subject, "ns/op", Kind::time,
                     [=](double seconds) { return cross_thread<Allocator>(size, seconds); });
  }
  cases.add_figure("M20", "resident-after-burst/at-once", subject, "bytes", Kind::once,
                   [](double) { return resident_after_burst<Allocator>(true); });
  cases.add_figure("M20", "resident-after-burst/3-seconds-later", subject, "bytes", Kind::once,
                   [](double) { return resident_after_burst<Allocator>(is_smoke()); });
}

/// M20 and L13: the same work on two threads, each its own, against one thread. 0.5 of the time for each operation is all
/// that can be had; 1.0 of the processor's is.
template <class Work>
void add_thread_cases(Cases& cases, const std::string& name, const std::string& subject, Work work) {
  const auto cost = [=](unsigned threads, double seconds) {
    constexpr std::size_t once = 1000;
    const auto rounds = static_cast<std::size_t>(seconds * 1e9 / 50 / once) + 1;
    Together sum = run_together(threads, [&](unsigned) {
      for (std::size_t round = 0; round < rounds; ++round) work(once);
    });
    sum.processor /= threads;
    sum.wall /= threads;
    return sum;
  };
  cases.add_figure("M20", "two-threads/" + name, subject, "of one thread's time", Kind::time, [=](double seconds) {
    const Together one = cost(1, seconds);
    return cost(2, seconds).wall / one.wall;
  });
  cases.add_figure("M20", "two-threads/" + name + "/processor", subject, "of one thread's time", Kind::time,
                   [=](double seconds) {
                     const Together one = cost(1, seconds);
                     return cost(2, seconds).processor / one.processor;
                   });
}

}  // namespace bench
