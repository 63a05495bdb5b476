// weir: L5: timers that are armed, cancelled, armed again, and fire.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string>
#include <thread>
#include <vector>

#include "bench/measure/cases.h"
#include "bench/measure/data.h"

namespace bench {

using Microseconds = std::chrono::microseconds;

// A Subject is made with so many timers, none of them armed, and offers
//     arm(index, Microseconds)   and of one that is armed: instead of before
//     touch(index)               arm for `keep_alive`, by the best way there is for a time that is the same for many
//     cancel(index)
//     in_callback(work)          runs work() in a callback of the loop, where programs arm and cancel most timers, and where
//                                some libraries need not look at the clock
//     turn()                     one turn of the loop, without waiting
//     fired()                    how many have fired in all

inline constexpr std::chrono::seconds keep_alive{60};

/// Which timers, in which order, and for how long.
struct TimerPlan {
  std::size_t count;  ///< far fewer in a smoke run
  bool is_shuffled;   ///< the order is another one than that in which the timers were made and lie in memory

  std::size_t size() const noexcept { return scaled(count); }

  std::vector<std::size_t> order() const {
    std::vector<std::size_t> order(size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    Random random(6);
    for (std::size_t i = order.size(); is_shuffled && i > 1; --i) std::swap(order[i - 1], order[random.next() % i]);
    return order;
  }

  std::vector<Microseconds> durations(Microseconds least, Microseconds most) const {
    Random random(5);
    std::vector<Microseconds> durations(size());
    for (Microseconds& duration : durations) {
      duration =
          Microseconds(random.between(static_cast<std::size_t>(least.count()), static_cast<std::size_t>(most.count())));
    }
    return durations;
  }
};

enum class TimerPart { add, cancel, touch };

/// All are armed for 10 to 70 seconds, and cancelled. One of the two counts; or all are armed again while they are.
template <class Subject, TimerPart part>
class ArmTimers final : public Workload {
 public:
  explicit ArmTimers(TimerPlan plan)
      : order_(plan.order()),
        durations_(plan.durations(std::chrono::seconds(10), std::chrono::seconds(70))),
        subject_(plan.size()) {
    if constexpr (part == TimerPart::touch) subject_.in_callback([this] { touch_all(); });
  }

  void run(std::size_t rounds) override { (void)measure(rounds); }

  double measure(std::size_t rounds) override {
    double taken = 0;
    for (std::size_t round = 0; round < rounds; ++round) {
      subject_.in_callback([this, &taken] {
        if constexpr (part == TimerPart::touch) {
          taken += time_of([this] { touch_all(); });
        } else {
          const double adding = time_of([this] { add_all(); });
          const double cancelling = time_of([this] { cancel_all(); });
          taken += part == TimerPart::add ? adding : cancelling;
        }
      });
    }
    return taken;
  }

 private:
  template <class Work>
  static double time_of(Work work) {
    const double start = cpu_nanoseconds();
    work();
    return cpu_nanoseconds() - start;
  }
  void add_all() {
    for (std::size_t i = 0; i < order_.size(); ++i) subject_.arm(order_[i], durations_[i]);
  }
  void cancel_all() {
    for (const std::size_t index : order_) subject_.cancel(index);
  }
  void touch_all() {
    for (const std::size_t index : order_) subject_.touch(index);
  }

  std::vector<std::size_t> order_;
  std::vector<Microseconds> durations_;
  Subject subject_;
};

/// All are armed for up to `spread`, then time passes, and then all of them fire, which counts.
template <class Subject>
class FireTimers final : public Workload {
 public:
  /// A thousand in each millisecond; of few only 250, so that a round takes no less time than the sleep is exact.
  explicit FireTimers(TimerPlan plan)
      : spread_(plan.size() < 100000 ? plan.size() * 4 : plan.size()),
        durations_(plan.durations(Microseconds(1), spread_)),
        subject_(plan.size()) {}

  void run(std::size_t rounds) override { (void)measure(rounds); }

  double measure(std::size_t rounds) override {
    double taken = 0;
    for (std::size_t round = 0; round < rounds; ++round) {
      const std::size_t all = subject_.fired() + durations_.size();
      subject_.in_callback([this] {
        for (std::size_t i = 0; i < durations_.size(); ++i) subject_.arm(i, durations_[i]);
      });
      std::this_thread::sleep_for(spread_ + std::chrono::milliseconds(3));  // more than the coarsest clock's step
      const double start = cpu_nanoseconds();
      while (subject_.fired() < all) subject_.turn();
      taken += cpu_nanoseconds() - start;
    }
    return taken;
  }

 private:
  Microseconds spread_;
  std::vector<Microseconds> durations_;
  Subject subject_;
};

template <class Subject>
void add_timer_cases(Cases& cases, const std::string& subject) {
  for (const std::size_t count : {4000, 1000000}) {
    const std::string number = std::to_string(count);
    for (const bool is_shuffled : {false, true}) {
      if (is_shuffled && count < 100000) continue;  // all of them fit into the caches
      const std::string name = number + (is_shuffled ? "/shuffled" : "");
      const TimerPlan plan{count, is_shuffled};
      cases.add<ArmTimers<Subject, TimerPart::add>>("L5", "add/" + name, subject, count, plan);
      cases.add<ArmTimers<Subject, TimerPart::cancel>>("L5", "cancel/" + name, subject, count, plan);
      cases.add<ArmTimers<Subject, TimerPart::touch>>("L5", "touch/" + name, subject, count, plan);
    }
    cases.add<FireTimers<Subject>>("L5", "fire/" + number, subject, count, TimerPlan{count, false});
  }
}

}  // namespace bench
