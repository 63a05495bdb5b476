// weir: L6: tasks that other threads hand to a loop.
// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "bench/measure/cases.h"
#include "bench/measure/two_threads.h"

namespace bench {

// A Subject is one loop, and offers
//     post(Work)              on any thread: runs the work on the loop's; it captures two pointers at most
//     post_batch(count, Work) the same for several copies of the work at once, where there is such a thing
//     run()                   until `stop()`, also while there is nothing to do
//     stop()                  on the loop's thread

/// So many posts are made in all, evenly by all producers; the last one that runs stops the loop. Nobody runs ahead by more
/// than `backlog`, as producers do not for long: without a limit it would be measured how fast memory can be had from the
/// system.
template <class Subject>
class PostCount {
 public:
  static constexpr std::size_t backlog = 4096;
  static constexpr std::size_t step = 64;  ///< how often the two sides look at each other

  PostCount(unsigned producers, std::size_t each) : producers_(producers), total_(producers * each) {}

  Subject& subject() noexcept { return subject_; }
  /// On the loop's thread, by each task.
  void ran() noexcept {
    if (++count_ % step == 0) progress_.store(count_, std::memory_order_relaxed);
    if (count_ == total_) subject_.stop();
  }
  /// By a producer that has posted so many, once in `step`.
  void wait_for_room(std::size_t posted) const noexcept {
    while (posted * producers_ >= progress_.load(std::memory_order_relaxed) + backlog) {
      std::this_thread::sleep_for(std::chrono::microseconds(20));  // spinning would count as work
    }
  }

 private:
  Subject subject_;
  std::size_t count_ = 0;  // the loop's thread only
  std::size_t producers_;
  std::size_t total_;
  alignas(64) std::atomic<std::size_t> progress_{0};
};

/// The loop runs on the first core, the first producer on the second, the next on the first, and so on. From the start to the
/// end of the last task.
template <class Subject, class Produce>
Together run_posts(unsigned producers, std::size_t each, Produce produce) {
  PostCount<Subject> posts(producers, each);
  return run_together(1 + producers, [&](unsigned thread) {
    if (thread == 0) {
      posts.subject().run();
    } else {
      produce(posts);
    }
  });
}

template <class Subject>
Together post_singly(unsigned producers, std::size_t each) {
  return run_posts<Subject>(producers, each, [each](PostCount<Subject>& posts) {
    for (std::size_t i = 0; i < each; ++i) {
      if (i % PostCount<Subject>::step == 0) posts.wait_for_room(i);
      posts.subject().post([&posts] { posts.ran(); });
    }
  });
}

template <class Subject>
Together post_in_batches(unsigned producers, std::size_t batches, std::size_t batch) {
  return run_posts<Subject>(producers, batches * batch, [=](PostCount<Subject>& posts) {
    for (std::size_t i = 0; i < batches; ++i) {
      posts.wait_for_room(i * batch);
      posts.subject().post_batch(batch, [&posts] { posts.ran(); });
    }
  });
}

/// Two loops, each of which posts to the other when it is told: one of them always sleeps. Nanoseconds from a post to the
/// task that it wakes a loop for.
template <class Subject>
double wake_latency(bool on_one_core, double seconds) {
  struct Table {
    Subject sides[2];
    std::size_t left;

    void hit(std::size_t side) {  // on the thread of that side
      const std::size_t other = 1 - side;
      if (left == 0) {
        sides[side].stop();
        return sides[other].post([this, other] { sides[other].stop(); });
      }
      --left;
      sides[other].post([this, other] { hit(other); });
    }
  };
  const std::size_t wakes = static_cast<std::size_t>(seconds * 1e9 / 5000) + 2;
  Table table{.sides = {}, .left = wakes};
  table.sides[0].post([&table] { table.hit(0); });
  const Together cost = run_together(2, [&](unsigned thread) {
    if (on_one_core) use_core(0);
    table.sides[thread].run();
  });
  return cost.wall / static_cast<double>(wakes);
}

/// A case of what passes for each task until all have run, and one of the processor time of all threads.
template <class Run>
void add_post_case(Cases& cases, const std::string& name, const std::string& subject, std::size_t operations, Run run) {
  const auto rounds = [operations](double seconds) {  // at some 10 million a second
    return static_cast<std::size_t>(seconds * 1e7 / static_cast<double>(operations)) + 1;
  };
  const auto each = [=](double time, double seconds) {
    return time / static_cast<double>(rounds(seconds) * operations);
  };
  cases.add_figure("L6", name, subject, "ns/op", Kind::time,
                   [=](double seconds) { return each(run(rounds(seconds)).wall, seconds); });
  cases.add_figure("L6", name + "/processor", subject, "ns/op", Kind::time,
                   [=](double seconds) { return each(run(rounds(seconds)).processor, seconds); });
}

template <class Subject>
void add_post_cases(Cases& cases, const std::string& subject) {
  for (const unsigned producers : {1U, 2U}) {
    add_post_case(cases, "post/producers=" + std::to_string(producers), subject, producers,
                  [=](std::size_t each) { return post_singly<Subject>(producers, each); });
  }
  for (const bool on_one_core : {false, true}) {
    cases.add_figure("L6", on_one_core ? "wake/one-core" : "wake/two-cores", subject, "ns/op", Kind::time,
                     [=](double seconds) { return wake_latency<Subject>(on_one_core, seconds); });
  }
}

template <class Subject>
void add_post_batch_cases(Cases& cases, const std::string& subject) {
  constexpr std::size_t batch = 64;
  for (const unsigned producers : {1U, 2U}) {
    add_post_case(cases, "post-batch/64/producers=" + std::to_string(producers), subject, producers * batch,
                  [=](std::size_t batches) { return post_in_batches<Subject>(producers, batches, batch); });
  }
}

}  // namespace bench
