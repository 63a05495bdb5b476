// weir: a callback after a time, or every so often.
// SPDX-License-Identifier: MIT
#include "weir/loop/timer.h"

#include "weir/loop/event_loop.h"
#include "weir/sys/calls.h"

namespace weir {

class TimerSlot final : public Slot, public WheelTimer {
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
    loop().arm(*this, deadline_);
  }

  void cancel() noexcept { loop().cancel(*this); }

  void replace(Callback<void(Timer&)> callback) {
    expects(static_cast<bool>(callback));
    loop().replace_callback(callback_, std::move(callback));
  }

  void destroy() noexcept {
    cancel();
    release();
  }

 private:
  void fired() override {
    SlotHold hold(*this);
    if (period_ > Duration::zero()) {
      const auto missed = std::max<Duration::rep>((loop().now() - deadline_) / period_, 0);
      deadline_ = add_saturated(deadline_, period_ * (missed + 1));
      loop().arm(*this, deadline_);
    }
    Slot* outer = loop().exchange_running_slot(this);
    loop().invoke(callback_, timer_);
    loop().exchange_running_slot(outer);
  }

  Timer& timer_;
  Callback<void(Timer&)> callback_;
  TimePoint deadline_{};
  Duration period_{};
};

Timer::Timer(EventLoop& loop, Callback<void(Timer&)> callback)
    : slot_(new TimerSlot(loop, *this, std::move(callback))) {}

Timer::~Timer() { slot_->destroy(); }

void Timer::start(Duration after) { slot_->start(after, Duration::zero()); }

void Timer::start_every(Duration period) {
  expects(period > Duration::zero());
  slot_->start(period, period);
}

void Timer::cancel() noexcept { slot_->cancel(); }

bool Timer::is_armed() const noexcept { return slot_->is_armed(); }

void Timer::on_fired(Callback<void(Timer&)> callback) { slot_->replace(std::move(callback)); }

}  // namespace weir
