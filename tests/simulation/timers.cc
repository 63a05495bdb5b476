// weir: timers against a model that knows when each is due.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <memory>
#include <vector>

#include "tests/simulation/scenario.h"
#include "weir/loop/event_loop.h"
#include "weir/loop/timer.h"

namespace weir::testing_support {
namespace {

using namespace weir::literals;

class Timers final : public sim::Scenario {
 public:
  Timers(sim::Trial& run, const Play& play)
      : run_(run),
        host_(run.world().add_host("server")),
        steps_left_(play.is_calm ? 100 : run.random().between(10, 400)) {
    (void)host_.loop();
    // A program that stands still, or whose waits fail, is late; it is never early.
    is_exact_ = run.schedule().mishaps().empty();
    models_.resize(play.is_calm ? 5 : run.random().between(1, 30));
  }

  void start() override {
    for (Model& model : models_) renew(model);
    for (Model& model : models_) start(model);
  }

  bool is_done() override {
    return std::none_of(models_.begin(), models_.end(), [](const Model& model) { return model.due != never; });
  }

 private:
  static constexpr TimePoint never = TimePoint::max();

  struct Model {
    std::unique_ptr<Timer> timer;
    TimePoint due = never;
    Duration period{};  // 0: once
    std::uint64_t started_in_turn = 0;
    bool was_started_in_callback = false;
  };

  EventLoop& loop() { return host_.loop(); }
  sim::Random& random() { return run_.random(); }

  void renew(Model& model) {
    model.timer = std::make_unique<Timer>(loop(), [this, &model](Timer&) { fired(model); });
    model.due = never;
  }

  Duration draw_length() {
    constexpr Duration longest[] = {0ns, 1us, 1ms, 3ms, 100ms, 5s, 1h, 24h * 30};
    const Duration most = longest[random().below(std::size(longest))];
    return random().chance(0.3) ? most : random().up_to(most);
  }

  void start(Model& model) {
    if (steps_left_ == 0) return cancel(model);
    --steps_left_;
    Duration length = draw_length();
    model.started_in_turn = loop().counters().turns;
    model.was_started_in_callback = is_in_callback_;
    if (random().chance(0.2)) {
      length = std::clamp<Duration>(length, 1ms, 1h);
      model.timer->start_every(length);
      model.period = length;
    } else {
      model.timer->start(length);
      model.period = {};
    }
    model.due = loop().now() + length;
    if (length > 10h) run_.probe("a timer far away");
    run_.expect(model.timer->is_armed(), "a timer that was started is armed");
  }

  void cancel(Model& model) {
    model.timer->cancel();
    model.due = never;
    run_.expect(!model.timer->is_armed(), "a timer that was cancelled is not armed");
  }

  void fired(Model& model) {
    const TimePoint now = run_.world().now();
    if (!run_.expect(model.due != never, "a timer that is not armed does not fire")) return;
    run_.expect(now >= model.due, "a timer is never early");
    if (model.was_started_in_callback) {
      run_.expect(model.started_in_turn < loop().counters().turns, "a timer fires in a later turn");
    }
    const Duration late = now - model.due;
    if (is_exact_) run_.expect(late <= 1ms, "a timer is late by a millisecond at most");
    if (late > 10ms) run_.probe("a timer is late, for the program stood still");
    if (model.period > Duration::zero()) {
      if (late >= model.period) run_.probe("a period is missed altogether");
      model.due += model.period * (1 + late / model.period);  // what was missed altogether is skipped
    } else {
      model.due = never;
    }
    run_.expect(model.timer->is_armed() == (model.due != never), "what is armed after firing is what repeats");
    is_in_callback_ = true;
    act(model);
    is_in_callback_ = false;
  }

  /// Does something to this timer, or to another.
  void act(Model& self) {
    Model& other = models_[random().below(models_.size())];
    switch (random().below(6)) {
      case 0: start(self); break;
      case 1: start(other); break;
      case 2:
        run_.probe(&self == &other ? "a timer destroys itself" : "a timer destroys another");
        renew(other);
        start(other);
        break;
      case 3:
        if (other.due <= run_.world().now()) run_.probe("a timer that is due is cancelled");
        cancel(other);
        break;
      case 4:
        start(self);
        start(other);
        break;
      default: break;
    }
    if (self.period > Duration::zero() && (steps_left_ == 0 || --steps_left_ == 0)) cancel(self);
    if (steps_left_ == 0) {
      for (Model& model : models_) {
        if (model.period > Duration::zero()) cancel(model);
      }
    }
  }

  sim::Trial& run_;
  sim::Host& host_;
  std::uint64_t steps_left_;
  bool is_exact_ = false;
  bool is_in_callback_ = false;
  std::vector<Model> models_;
};

}  // namespace

sim::Swarm timers_swarm(const Play& play) {
  sim::SwarmOptions options = swarm_options("timers_swarm()");
  options.draw.hosts = {"server"};
  options.patience = 24h * 365;
  options.probes = {"a period is missed altogether",    "a timer destroys another",
                    "a timer destroys itself",          "a timer far away",
                    "a timer that is due is cancelled", "a timer is late, for the program stood still"};
  return sim::Swarm(std::move(options), [play](sim::Trial& run) { return std::make_unique<Timers>(run, play); });
}

}  // namespace weir::testing_support
