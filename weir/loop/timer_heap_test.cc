// weir: tests of the heap of precise timers, against a sorted multimap.
// SPDX-License-Identifier: MIT
#include "weir/loop/timer_heap.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <random>
#include <vector>

#include "tests/support/throws.h"

namespace weir {
namespace {

using testing_support::can_throw;
using testing_support::throw_something;
using testing_support::throws_something;

constexpr bool keeps_on = false;

struct Probe final : HeapTimer {
  std::function<void()> on_fired;

 private:
  void fired() override {
    if (on_fired) on_fired();
  }
};

TimePoint at(int nanoseconds) { return TimePoint(Duration(nanoseconds)); }

TEST(TimerHeap, fires_in_the_order_of_deadlines_and_then_of_arming) {
  TimerHeap heap;
  std::vector<Probe> probes(6);
  std::vector<int> fired;
  const int deadlines[] = {30, 10, 20, 10, 30, 10};
  for (int i = 0; i < 6; ++i) {
    heap.add_place();
    auto& probe = probes[static_cast<std::size_t>(i)];
    probe.on_fired = [&, i] { fired.push_back(i); };
    heap.arm(probe, at(deadlines[i]));
  }
  EXPECT_EQ(heap.next_deadline(), at(10));

  heap.advance(at(29), keeps_on);
  EXPECT_EQ(fired, (std::vector<int>{1, 3, 5, 2}));
  EXPECT_EQ(heap.next_deadline(), at(30));

  heap.advance(at(30), keeps_on);
  EXPECT_EQ(fired, (std::vector<int>{1, 3, 5, 2, 0, 4}));
  EXPECT_EQ(heap.next_deadline(), TimePoint::max());
}

TEST(TimerHeap, what_is_armed_for_the_past_while_others_fire_waits_for_the_next_time) {
  TimerHeap heap;
  Probe again;
  Probe other;
  heap.add_place();
  heap.add_place();
  int fired = 0;
  again.on_fired = [&] {
    ++fired;
    heap.arm(again, at(0));
    EXPECT_TRUE(again.is_armed());
  };
  other.on_fired = [&] { heap.cancel(again); };
  heap.arm(again, at(1));

  heap.advance(at(5), keeps_on);
  EXPECT_EQ(fired, 1);
  EXPECT_EQ(heap.size(), 1U);
  EXPECT_EQ(heap.next_deadline(), at(0));
  heap.arm(other, at(3));
  heap.advance(at(5), keeps_on);

  EXPECT_EQ(fired, 2);
  EXPECT_FALSE(again.is_armed()) << "cancelled while it waited";
  EXPECT_EQ(heap.size(), 0U);
}

TEST(TimerHeap, the_rest_is_due_again_when_one_throws_or_asks_to_stop) {
  TimerHeap heap;
  std::vector<Probe> probes(3);
  std::vector<int> fired;
  bool must_stop = false;
  for (int i = 0; i < 3; ++i) {
    heap.add_place();
    auto& probe = probes[static_cast<std::size_t>(i)];
    probe.on_fired = [&, i] { fired.push_back(i); };
    heap.arm(probe, at(i));
  }
  probes[0].on_fired = [&] {
    fired.push_back(0);
    must_stop = true;
  };
  heap.advance(at(9), must_stop);
  EXPECT_EQ(fired, (std::vector<int>{0}));

  if (can_throw()) {
    probes[1].on_fired = [&] {
      fired.push_back(1);
      heap.arm(probes[1], at(0));
      throw_something();
    };
    EXPECT_TRUE(throws_something([&] { heap.advance(at(9), keeps_on); }));
    EXPECT_TRUE(probes[1].is_armed());
    heap.cancel(probes[1]);
  }
  heap.advance(at(9), keeps_on);

  EXPECT_EQ(fired, (std::vector<int>{0, 1, 2}));
}

TEST(TimerHeap, does_what_a_sorted_multimap_does) {
  std::mt19937 random(20261127);
  TimerHeap heap;
  std::vector<Probe> probes(200);
  std::multimap<TimePoint, Probe*> model;  // equal deadlines in the order of their insertion
  std::vector<Probe*> fired;
  const auto forget = [&](Probe& probe) {
    for (auto entry = model.begin(); entry != model.end(); ++entry) {
      if (entry->second != &probe) continue;
      model.erase(entry);
      return;
    }
  };
  for (Probe& probe : probes) {
    heap.add_place();
    probe.on_fired = [&] { fired.push_back(&probe); };
  }
  int now = 0;
  for (int step = 0; step < 100'000; ++step) {
    Probe& probe = probes[random() % probes.size()];
    switch (random() % 4) {
      case 0:
      case 1: {
        const TimePoint deadline = at(now + 1 + static_cast<int>(random() % 50));
        forget(probe);
        model.emplace(deadline, &probe);
        heap.arm(probe, deadline);
        break;
      }
      case 2:
        forget(probe);
        heap.cancel(probe);
        break;
      default: {
        now += static_cast<int>(random() % 4);
        std::vector<Probe*> expected;
        while (!model.empty() && model.begin()->first <= at(now)) {
          expected.push_back(model.begin()->second);
          model.erase(model.begin());
        }
        fired.clear();
        heap.advance(at(now), keeps_on);
        ASSERT_EQ(fired, expected) << "step " << step;
      }
    }
    ASSERT_EQ(heap.size(), model.size());
    ASSERT_EQ(heap.next_deadline(), model.empty() ? TimePoint::max() : model.begin()->first);
  }
}

}  // namespace
}  // namespace weir
