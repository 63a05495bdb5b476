// weir: tests of the timing wheel, most of them against a sorted model.
// SPDX-License-Identifier: MIT
#include "weir/loop/timer_wheel.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "tests/support/throws.h"

namespace weir {
namespace {

using namespace weir::testing_support;

/// Writes its name into a log when it fires, then does what it was told.
class Probe final : public WheelTimer {
 public:
  Probe(int name, std::vector<int>& log) : name_(name), log_(log) {}

  std::function<void()> then;

 private:
  void fired() override {
    log_.push_back(name_);
    if (then) then();
  }

  int name_;
  std::vector<int>& log_;
};

class TimerWheelTest : public testing::Test {
 protected:
  Probe& probe() {
    probes_.push_back(std::make_unique<Probe>(static_cast<int>(probes_.size()), log_));
    return *probes_.back();
  }

  /// What fired since the last call, in order.
  std::vector<int> fired() { return std::exchange(log_, {}); }

  TimerWheel wheel_;
  std::vector<int> log_;
  std::vector<std::unique_ptr<Probe>> probes_;
};

using Names = std::vector<int>;

TEST_F(TimerWheelTest, a_timer_fires_at_its_tick_and_not_before) {
  for (const std::uint64_t tick : {1ULL, 255ULL, 256ULL, 257ULL, (1ULL << 14) - 1, 1ULL << 14, (1ULL << 20) + 1,
                                   (1ULL << 26) - 1, 1ULL << 26, (1ULL << 26) + 1, 5ULL << 26, 1ULL << 43}) {
    TimerWheel wheel;
    Probe timer(7, log_);
    wheel.arm(timer, tick);

    wheel.advance(tick - 1);
    EXPECT_EQ(fired(), Names{}) << tick;
    wheel.advance(tick);

    EXPECT_EQ(fired(), Names{7}) << tick;
    EXPECT_FALSE(timer.is_armed());
    EXPECT_EQ(wheel.size(), 0U);
  }
}

TEST_F(TimerWheelTest, timers_of_one_tick_fire_in_the_order_of_arming_whatever_level_they_came_by) {
  constexpr std::uint64_t due = (std::uint64_t{3} << 26) + 70'000;
  Names expected;
  for (std::uint64_t now : {std::uint64_t{0}, due - (1 << 26), due - (1 << 20), due - 20'000, due - 300, due - 2}) {
    wheel_.advance(now);
    wheel_.arm(probe(), due);
    expected.push_back(static_cast<int>(probes_.size()) - 1);
  }

  wheel_.advance(due);

  EXPECT_EQ(fired(), expected);
}

TEST_F(TimerWheelTest, a_tick_that_has_come_already_fires_with_the_next_advance) {
  wheel_.advance(1000);
  wheel_.arm(probe(), 0);
  wheel_.arm(probe(), 1000);
  EXPECT_LE(wheel_.next_tick(), 1000U);

  wheel_.advance(1000);

  EXPECT_EQ(fired(), (Names{0, 1}));
}

// hazard: E13
TEST_F(TimerWheelTest, a_timer_armed_again_while_it_fires_waits_for_the_next_advance) {
  Probe& timer = probe();
  for (const std::uint64_t tick : {0ULL, 5ULL, 7ULL, 20ULL}) {  // the past, the present, the rest of the way, its end
    const std::uint64_t begin = wheel_.present();
    timer.then = [&] { wheel_.arm(timer, begin + tick); };
    wheel_.arm(timer, begin + 5);

    wheel_.advance(begin + 20);
    EXPECT_EQ(fired(), Names{0}) << tick;
    timer.then = nullptr;
    wheel_.advance(begin + 20);

    EXPECT_EQ(fired(), Names{0}) << tick;
  }
}

TEST_F(TimerWheelTest, a_callback_cancels_siblings_of_the_same_tick_and_itself) {
  Probe& first = probe();
  Probe& second = probe();
  Probe& third = probe();
  first.then = [&] {
    wheel_.cancel(first);
    wheel_.cancel(second);
  };
  for (Probe* timer : {&first, &second, &third}) wheel_.arm(*timer, 10);

  wheel_.advance(10);

  EXPECT_EQ(fired(), (Names{0, 2}));
  EXPECT_EQ(wheel_.size(), 0U);
}

TEST_F(TimerWheelTest, a_callback_destroys_its_own_timer_and_a_sibling) {
  auto first = std::make_unique<Probe>(1, log_);
  auto second = std::make_unique<Probe>(2, log_);
  first->then = [&] {
    wheel_.cancel(*second);
    second.reset();
    std::function<void()> keep = std::move(first->then);  // what runs may not be destroyed under its own feet
    first.reset();
  };
  wheel_.arm(*first, 3);
  wheel_.arm(*second, 3);

  wheel_.advance(3);

  EXPECT_EQ(fired(), Names{1});
}

TEST_F(TimerWheelTest, what_a_throwing_callback_left_fires_with_the_next_advance) {
  if (!can_throw()) GTEST_SKIP() << "needs exceptions";
  Probe& first = probe();
  first.then = [] { throw_something(); };
  wheel_.arm(first, 10);
  wheel_.arm(probe(), 10);
  wheel_.arm(probe(), 11);

  EXPECT_TRUE(throws_something([&] { wheel_.advance(20); }));
  EXPECT_EQ(fired(), Names{0});
  EXPECT_LE(wheel_.next_tick(), 11U);
  wheel_.advance(20);

  EXPECT_EQ(fired(), (Names{1, 2}));
  EXPECT_EQ(wheel_.size(), 0U);
}

TEST_F(TimerWheelTest, without_timers_there_is_never_anything_to_do) {
  EXPECT_EQ(wheel_.next_tick(), TimerWheel::never);
  wheel_.arm(probe(), 77);
  wheel_.cancel(*probes_.back());
  EXPECT_EQ(wheel_.next_tick(), TimerWheel::never);
}

// hazard: RE5
TEST_F(TimerWheelTest, a_lone_timer_costs_few_steps_however_far_it_is) {
  for (const std::uint64_t tick : {5ULL, 300ULL, 20'000ULL, 3ULL << 20, (1ULL << 26) - 1, (1ULL << 26) + 12'345}) {
    TimerWheel wheel;
    Probe timer(1, log_);
    wheel.arm(timer, tick);
    std::uint64_t steps = 0;
    for (; fired().empty(); ++steps) {
      const std::uint64_t next = wheel.next_tick();
      ASSERT_LE(next, tick);
      wheel.advance(next);
    }
    EXPECT_LE(steps, 5U) << tick;
  }
}

TEST_F(TimerWheelTest, a_million_timers_of_one_deadline_fire_in_order) {
  constexpr std::size_t count = 1'000'000;
  struct Counted final : WheelTimer {
    std::size_t* next = nullptr;
    std::size_t number = 0;
    void fired() override { *next += *next == number ? 1U : count; }
  };
  std::size_t next = 0;
  std::vector<Counted> timers(count);
  for (std::size_t i = 0; i < count; ++i) {
    timers[i].next = &next;
    timers[i].number = i;
    wheel_.arm(timers[i], 100'000);
  }

  wheel_.advance(100'000);

  EXPECT_EQ(next, count);
  EXPECT_EQ(wheel_.size(), 0U);
}

/// The same wheel as a sorted map: tick and order of arming; what is late counts as due at the present.
class Model {
 public:
  using Key = std::pair<std::uint64_t, std::uint64_t>;

  void arm(int name, std::uint64_t tick) {
    cancel(name);
    const Key key{std::max(tick, present_), ++armed_};
    keys_[name] = key;
    timers_[key] = name;
  }
  void cancel(int name) {
    const auto found = keys_.find(name);
    if (found == keys_.end()) return;
    timers_.erase(found->second);
    keys_.erase(found);
  }
  void begin_advance(std::uint64_t tick) {
    present_ = std::max(present_, tick);
    armed_before_ = armed_;
  }
  /// The next timer to fire in this advance, taken off; -1 when there is none.
  int next() {
    for (const auto& [key, name] : timers_) {
      if (key.first > present_) return -1;
      if (key.second > armed_before_) continue;  // armed during this very advance
      const int result = name;
      cancel(name);
      return result;
    }
    return -1;
  }
  std::uint64_t first_tick() const { return timers_.empty() ? TimerWheel::never : timers_.begin()->first.first; }
  std::size_t size() const { return timers_.size(); }

 private:
  std::map<Key, int> timers_;
  std::map<int, Key> keys_;
  std::uint64_t present_ = 0;
  std::uint64_t armed_ = 0;
  std::uint64_t armed_before_ = 0;
};

/// Wheel and model side by side; every firing is checked against the model on the spot.
class Comparison {
 public:
  explicit Comparison(std::uint32_t seed) : random_(seed) {
    for (int name = 0; name < timers; ++name) {
      probes_.push_back(std::make_unique<Probe>(name, log_));
      probes_.back()->then = [this, name] { check_fired(name); };
    }
  }

  void run(int operations) {
    for (int i = 0; i < operations && !testing::Test::HasFailure(); ++i) {
      if (below(4) == 0) {
        advance(present_ + distance());
      } else {
        change(any());
      }
      ASSERT_EQ(wheel_.size(), model_.size());
      ASSERT_LE(wheel_.next_tick(), model_.first_tick());
      ASSERT_EQ(wheel_.next_tick() == TimerWheel::never, model_.size() == 0);
    }
    advance(present_ + (std::uint64_t{1} << 37));
  }

 private:
  static constexpr int timers = 50;

  std::uint64_t below(std::uint64_t limit) { return random_() % limit; }
  int any() { return static_cast<int>(below(timers)); }

  /// Near, or around a border of the levels, or far.
  std::uint64_t distance() {
    switch (below(5)) {
      case 0: return below(4);
      case 1: return below(600);
      case 2: return (std::uint64_t{1} << below(29)) + below(3) - 1;
      case 3: return below(std::uint64_t{1} << (8 + below(20)));
      default: return below(40) == 0 ? std::uint64_t{1} << (30 + below(6)) : below(50'000);
    }
  }

  void change(int name) {
    Probe& timer = *probes_[static_cast<std::size_t>(name)];
    if (below(5) == 0) {
      wheel_.cancel(timer);
      model_.cancel(name);
    } else {
      const std::uint64_t away = distance();
      const std::uint64_t tick = below(20) == 0 ? present_ - std::min(away, present_) : present_ + away;
      wheel_.arm(timer, tick);
      model_.arm(name, tick);
    }
  }

  void advance(std::uint64_t tick) {
    present_ = tick;
    model_.begin_advance(tick);
    wheel_.advance(tick);
    ASSERT_EQ(model_.next(), -1) << "the wheel fired too few";
  }

  void check_fired(int name) {
    ASSERT_EQ(name, model_.next());
    while (below(3) == 0) change(any());  // itself, or one that is due in the same advance, or any other
  }

  std::mt19937_64 random_;
  TimerWheel wheel_;
  Model model_;
  std::vector<int> log_;
  std::vector<std::unique_ptr<Probe>> probes_;
  std::uint64_t present_ = 0;
};

TEST(TimerWheelModel, random_arming_cancelling_and_advancing_fire_what_a_sorted_map_does) {
  for (std::uint32_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Comparison(seed).run(300);
    if (HasFailure()) return;
  }
}

TEST(TimerWheel, what_a_timer_arms_that_an_earlier_stop_has_left_waits_for_the_next_advance) {
  TimerWheel wheel;
  std::vector<int> log;
  Probe first(1, log);
  Probe left(2, log);
  bool must_stop = false;
  first.then = [&] { must_stop = true; };
  left.then = [&] {
    if (log.size() < 3) wheel.arm(left, 15);
  };
  wheel.arm(first, 10);
  wheel.arm(left, 10);
  wheel.advance(10, must_stop);
  EXPECT_EQ(log, (std::vector{1}));

  must_stop = false;
  wheel.advance(20, must_stop);
  EXPECT_EQ(log, (std::vector{1, 2})) << "in the same advance it could go on for ever";
  wheel.advance(20, must_stop);

  EXPECT_EQ(log, (std::vector{1, 2, 2}));
}

TEST(TimerWheelModel, with_throwing_callbacks_each_timer_still_fires_once_and_none_early) {
  if (!can_throw()) GTEST_SKIP() << "needs exceptions";
  std::mt19937_64 random(5);
  TimerWheel wheel;
  std::vector<int> log;
  std::vector<std::unique_ptr<Probe>> probes;
  std::vector<std::uint64_t> due(2'000);
  std::uint64_t now = 0;
  for (std::size_t i = 0; i < due.size(); ++i) {
    due[i] = random() % 3'000;
    probes.push_back(std::make_unique<Probe>(static_cast<int>(i), log));
    probes.back()->then = [&, i] {
      EXPECT_GE(now, due[i]);
      if (i % 3 == 0) throw_something();
    };
    wheel.arm(*probes.back(), due[i]);
  }
  std::size_t thrown = 0;
  while (wheel.size() > 0) {
    now += random() % 50;
    if (throws_something([&] { wheel.advance(now); })) ++thrown;
  }

  EXPECT_EQ(thrown, (due.size() + 2) / 3);
  EXPECT_EQ(log.size(), due.size());
  std::sort(log.begin(), log.end());
  EXPECT_EQ(std::unique(log.begin(), log.end()), log.end());
}

}  // namespace
}  // namespace weir
