// weir: a callback after a time, or every so often.
// SPDX-License-Identifier: MIT
#include "weir/loop/timer.h"

#include "weir/loop/event_loop.h"
#include "weir/sys/calls.h"

namespace weir {

/// A timer's own half; how it is armed is a matter of the two kinds below.
class TimerSlot : public Slot {
 public:
  TimerSlot(EventLoop& loop, Timer& timer, Callback<void(Timer&)> callback)
      : Slot(loop),
        timer_(timer),
        callback_(std::move(callback)) {
    expects(static_cast<bool>(callback_));
  }

  void start(Duration after, Duration period) {
    deadline_ = add_saturated(sys::monotonic_now(), std::max(after, Duration::zero()));
    period_ = period;
    arm(deadline_);
  }

  void replace(Callback<void(Timer&)> callback) {
    expects(static_cast<bool>(callback));
    loop().replace_callback(callback_, std::move(callback));
  }

  void destroy() noexcept {
    cancel();
    release();
  }

  void describe(ObjectState& state) const noexcept override {
    state.kind = ObjectKind::timer;
    state.phase = is_armed() ? "armed" : "idle";
    if (is_armed()) state.deadline = deadline_;
  }

  virtual void cancel() noexcept = 0;
  virtual bool is_armed() const noexcept = 0;

 protected:
  void fire() {
    const SlotHold hold(*this);
    const CallbackSpan span(*this);
    loop().recorder().timer_fired(deadline_);
    if (period_ > Duration::zero()) {
      const auto missed = std::max<Duration::rep>((loop().now() - deadline_) / period_, 0);
      deadline_ = add_saturated(deadline_, period_ * (missed + 1));
      arm(deadline_);
    }
    Slot* outer = loop().exchange_running_slot(this);
    loop().invoke(callback_, timer_);
    loop().exchange_running_slot(outer);
  }

 private:
  virtual void arm(TimePoint deadline) noexcept = 0;

  Timer& timer_;
  Callback<void(Timer&)> callback_;
  TimePoint deadline_{};
  Duration period_{};
};

namespace {

class CoarseTimerSlot final : public TimerSlot, private WheelTimer {
 public:
  using TimerSlot::TimerSlot;

  void cancel() noexcept override { loop().cancel(*this); }
  bool is_armed() const noexcept override { return WheelTimer::is_armed(); }

 private:
  void arm(TimePoint deadline) noexcept override { loop().arm(*this, deadline); }
  void fired() override { fire(); }
};

class PreciseTimerSlot final : public TimerSlot, private HeapTimer {
 public:
  PreciseTimerSlot(EventLoop& loop, Timer& timer, Callback<void(Timer&)> callback)
      : TimerSlot(loop, timer, std::move(callback)) {
    loop.precise_timers().add_place();
  }

  void cancel() noexcept override { loop().precise_timers().cancel(*this); }
  bool is_armed() const noexcept override { return HeapTimer::is_armed(); }

 private:
  ~PreciseTimerSlot() override { loop().precise_timers().remove_place(); }

  void arm(TimePoint deadline) noexcept override { loop().precise_timers().arm(*this, deadline); }
  void fired() override { fire(); }
};

TimerSlot* make_slot(EventLoop& loop, Timer& timer, const TimerOptions& options, Callback<void(Timer&)> callback) {
  if (options.precise) return new PreciseTimerSlot(loop, timer, std::move(callback));
  return new CoarseTimerSlot(loop, timer, std::move(callback));
}

}  // namespace

Timer::Timer(EventLoop& loop, Callback<void(Timer&)> callback) : Timer(loop, TimerOptions{}, std::move(callback)) {}

Timer::Timer(EventLoop& loop, const TimerOptions& options, Callback<void(Timer&)> callback)
    : Timer(make_slot(loop, *this, options, std::move(callback))) {
  if (!options.name.empty()) set_name(options.name);
}

Timer::~Timer() { slot_->destroy(); }

void Timer::start(Duration after) { slot_->start(after, Duration::zero()); }

void Timer::start_every(Duration period) {
  expects(period > Duration::zero());
  slot_->start(period, period);
}

void Timer::cancel() noexcept { slot_->cancel(); }

bool Timer::is_armed() const noexcept { return slot_->is_armed(); }

void Timer::set_name(std::string_view name) { slot_->set_name(name); }

void Timer::on_fired(Callback<void(Timer&)> callback) { slot_->replace(std::move(callback)); }

}  // namespace weir
