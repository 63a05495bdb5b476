// weir: loops of one host that post to each other, as the threads of a program do.
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

class Posts final : public sim::Scenario {
 public:
  Posts(sim::Trial& run, const Play& play)
      : run_(run),
        host_(run.world().add_host("server")),
        is_calm_(play.is_calm),
        left_(play.is_calm ? 400 : run.random().between(1, 1500)) {
    const std::uint64_t count = play.is_calm ? 3 : run.random().between(1, 5);
    for (std::uint64_t i = 0; i < count; ++i) loops_.push_back(i == 0 ? &host_.loop() : &host_.add_loop());
    next_.resize(count * (count + 1));
    expected_.resize(next_.size());
    for (std::uint64_t i = 0; i < count; ++i) {
      timers_.push_back(std::make_unique<Timer>(*loops_[i], [this, i](Timer&) { act(i); }));
    }
  }

  void start() override {
    for (auto& timer : timers_) timer->start(random().up_to(100ms));
    from_outside();
  }
  bool is_done() override { return left_ == 0 && under_way_ == 0; }
  void check() override { run_.expect(under_way_ == 0, "every task has run"); }

 private:
  sim::Random& random() { return run_.random(); }

  /// What `from` hands to `to`, in order of each pair; the last row is for tasks that come from no loop at all.
  std::size_t pair(std::uint64_t from, std::uint64_t to) const { return from * loops_.size() + to; }

  void post(std::uint64_t from, std::uint64_t to) {
    if (left_ == 0) return;
    --left_;
    ++under_way_;
    EventLoop& loop = *loops_[to];
    const bool sleeps = from != to && !timers_[to]->is_armed() && loop.next_deadline() == TimePoint::max();
    loop.post([this, from, to, number = next_[pair(from, to)]++, turn = loop.counters().turns, sleeps] {
      run_.expect(expected_[pair(from, to)]++ == number, "tasks of one loop run once, and in order");
      --under_way_;
      if (sleeps && loops_[to]->counters().turns > turn) run_.probe("a post wakes a loop that sleeps");
      if (from == to) run_.probe("a loop posts to itself");
      if (random().chance(is_calm_ ? 0.1 : 0.4)) act(to);
    });
  }

  void act(std::uint64_t from) {
    const bool is_large = !is_calm_ && random().chance(0.05);
    const std::uint64_t burst = is_large ? random().between(500, 700) : random().between(1, 4);
    if (burst > 512) run_.probe("more posts than one turn takes");
    const std::uint64_t target = random().below(loops_.size());
    for (std::uint64_t i = 0; i < burst; ++i) post(from, burst > 4 ? target : random().below(loops_.size()));
    if (left_ > 0 && random().chance(0.5)) timers_[from]->start(random().up_to(50ms));
  }

  /// A task from something that is no loop, a thread that computes say.
  void from_outside() {
    if (left_ == 0) return;
    post(loops_.size(), random().below(loops_.size()));
    run_.world().after(random().up_to(200ms), [this] { from_outside(); });
  }

  sim::Trial& run_;
  sim::Host& host_;
  bool is_calm_;
  std::uint64_t left_;
  std::uint64_t under_way_ = 0;
  std::vector<EventLoop*> loops_;
  std::vector<std::uint64_t> next_;
  std::vector<std::uint64_t> expected_;
  std::vector<std::unique_ptr<Timer>> timers_;
};

}  // namespace

sim::Swarm posts_swarm(const Play& play) {
  sim::SwarmOptions options = swarm_options("posts_swarm()");
  options.draw.hosts = {"server"};
  options.probes = {"a loop posts to itself", "a post wakes a loop that sleeps", "more posts than one turn takes"};
  return sim::Swarm(std::move(options), [play](sim::Trial& run) { return std::make_unique<Posts>(run, play); });
}

}  // namespace weir::testing_support
