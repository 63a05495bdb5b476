// weir: fuzz target: the wheel of timers and the heap of the precise ones against sorted multimaps.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <string>

#include "fuzz/fuzz.h"
#include "fuzz/plain_timers.h"
#include "weir/base/time.h"
#include "weir/loop/timer_heap.h"
#include "weir/loop/timer_wheel.h"

namespace weir::fuzz {
namespace {

constexpr std::size_t timer_count = 16;

/// Told when timers fire, whose own number that is.
using Listener = std::function<void(std::size_t)>;

/// A timer that tells which one it is when it fires.
template <class Timer>
struct Told final : Timer {
  void set(std::size_t n, const Listener& l) {
    number = n;
    listener = &l;
  }
  void fired() override { (*listener)(number); }

  std::size_t number = 0;
  const Listener* listener = nullptr;
};

class Wheel {
 public:
  explicit Wheel(const Listener& listener) {
    for (std::size_t i = 0; i < timer_count; ++i) timers_[i].set(i, listener);
  }

  void arm(std::size_t timer, std::uint64_t tick) { wheel_.arm(timers_[timer], tick); }
  void cancel(std::size_t timer) { wheel_.cancel(timers_[timer]); }
  bool is_armed(std::size_t timer) const { return timers_[timer].is_armed(); }
  std::size_t size() const { return wheel_.size(); }
  void advance(std::uint64_t tick, const bool& must_stop) { wheel_.advance(tick, must_stop); }
  bool wakes_by(std::uint64_t tick) const { return wheel_.next_tick() <= tick; }
  bool is_idle() const { return wheel_.next_tick() == TimerWheel::never; }

 private:
  TimerWheel wheel_;
  std::array<Told<WheelTimer>, timer_count> timers_;
};

class Heap {
 public:
  explicit Heap(const Listener& listener) {
    for (std::size_t i = 0; i < timer_count; ++i) {
      timers_[i].set(i, listener);
      heap_.add_place();
    }
  }

  void arm(std::size_t timer, std::uint64_t moment) { heap_.arm(timers_[timer], at(moment)); }
  void cancel(std::size_t timer) { heap_.cancel(timers_[timer]); }
  bool is_armed(std::size_t timer) const { return timers_[timer].is_armed(); }
  std::size_t size() const { return heap_.size(); }
  void advance(std::uint64_t moment, const bool& must_stop) { heap_.advance(at(moment), must_stop); }
  bool wakes_by(std::uint64_t moment) const { return heap_.next_deadline() <= at(moment); }
  bool is_idle() const { return heap_.next_deadline() == TimePoint::max(); }

 private:
  static TimePoint at(std::uint64_t moment) { return TimePoint(Duration(static_cast<Duration::rep>(moment))); }

  TimerHeap heap_;
  std::array<Told<HeapTimer>, timer_count> timers_;
};

/// What a timer does when it fires.
struct Deed {
  enum class What : std::uint8_t { nothing, arm, cancel, stop };

  What what = What::nothing;
  std::size_t timer = 0;
  std::uint64_t after = 0;
};

/// The same done to both, step by step.
template <class Subject, class Plain>
class Twins {
 public:
  void step(Input& input) {
    const std::size_t timer = input.below(timer_count);
    switch (input.below(6)) {
      case 0:
      case 1: arm(timer, now_ + distance(input)); break;
      case 2: cancel(timer); break;
      case 3: deeds_[timer] = deed(input); break;
      default: advance(now_ + distance(input)); break;
    }
    compare();
  }

 private:
  /// Around where a level of the wheel begins, or far beyond all of them.
  static std::uint64_t distance(Input& input) {
    constexpr std::array<unsigned, 7> bits = {0, 3, 8, 14, 20, 26, 40};
    const std::uint64_t around = std::uint64_t{1} << bits[input.below(bits.size())];
    return around + input.below(5) - std::min<std::uint64_t>(around, 2);
  }
  static Deed deed(Input& input) {
    return {static_cast<Deed::What>(input.below(4)), input.below(timer_count), distance(input)};
  }

  void arm(std::size_t timer, std::uint64_t moment) {
    subject_.arm(timer, moment);
    plain_.arm(timer, moment);
  }
  void cancel(std::size_t timer) {
    subject_.cancel(timer);
    plain_.cancel(timer);
  }

  /// Until it is at the end, or some times stopped on the way.
  void advance(std::uint64_t moment) {
    now_ = moment;
    std::string fired;
    fired_.clear();
    must_stop_ = false;
    subject_.advance(moment, must_stop_);
    bool must_stop = false;
    plain_.advance(moment, must_stop, [&](std::size_t timer) {
      fired += static_cast<char>('a' + timer);
      apply(plain_, timer, must_stop);
    });
    require_same(fired_, fired, "the timers that fire, in order");
    require(must_stop == must_stop_, "an advance was stopped on one side only");
  }

  template <class Timers>
  void apply(Timers& timers, std::size_t timer, bool& must_stop) {
    const Deed& what = deeds_[timer];
    switch (what.what) {
      case Deed::What::nothing: break;
      case Deed::What::arm: timers.arm(what.timer, now_ + what.after - std::min<std::uint64_t>(what.after, 3)); break;
      case Deed::What::cancel: timers.cancel(what.timer); break;
      case Deed::What::stop: must_stop = true; break;
    }
  }

  void compare() const {
    require(subject_.size() == plain_.size(), "another number of timers is armed");
    require(subject_.is_idle() == (plain_.size() == 0), "a deadline where no timer is armed, or none where one is");
    if (plain_.size() != 0) require(subject_.wakes_by(std::max(plain_.next(), now_)), "a timer is overslept");
    for (std::size_t i = 0; i < timer_count; ++i) {
      require(subject_.is_armed(i) == plain_.is_armed(i), "a timer is armed on one side only");
    }
  }

  const Listener listener_ = [this](std::size_t timer) {
    fired_ += static_cast<char>('a' + timer);
    apply(subject_, timer, must_stop_);
  };
  Subject subject_{listener_};
  Plain plain_;
  std::array<Deed, timer_count> deeds_{};
  std::string fired_;
  std::uint64_t now_ = 0;
  bool must_stop_ = false;
};

template <class Subject, class Plain>
void play(Input& input) {
  Twins<Subject, Plain> twins;
  while (!input.is_empty()) twins.step(input);
}

}  // namespace
}  // namespace weir::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir::fuzz;
  Input input(data, size);
  if (input.coin()) {
    play<Wheel, PlainWheel>(input);
  } else {
    play<Heap, PlainHeap>(input);
  }
  return 0;
}
