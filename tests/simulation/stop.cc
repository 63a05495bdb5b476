// weir: a server that is stopped while its clients are at it, once or twice, or destroyed.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <utility>

#include "tests/simulation/echo.h"

namespace weir::testing_support {
namespace {

using namespace weir::literals;

class Stop final : public EchoNet {
 public:
  Stop(sim::Trial& run, const Play& play)
      : EchoNet(run, play, play.is_calm ? 2 : run.random().between(1, 12)),
        is_destroyed_instead_(chance(0.1)),
        at_(play.is_calm ? Duration(20ms) : up_to(5s)),
        within_(play.is_calm ? Duration(5s) : up_to(chance(0.5) ? 100ms : 20s)),
        again_after_(chance(0.2) ? std::optional(up_to(5s)) : std::nullopt),
        timer_(server_host().loop(), [this](Timer&) { fired(); }),
        overdue_(server_host().loop(), [this](Timer&) { is_overdue(); }) {}

  void start() override {
    EchoNet::start();
    if (server() == nullptr) return;
    deadline_ = TimePoint::max();
    timer_.start(at_);
  }

  bool is_done() override { return EchoNet::is_done() && (server() == nullptr || has_stopped_); }

 private:
  std::unique_ptr<EchoAnswerer> answer(Stream& stream) override {
    run().expect(!is_stopping_, "a server that stops accepts nobody");
    return EchoNet::answer(stream);
  }

  void fired() {
    if (has_stopped_) return;
    if (is_destroyed_instead_) return destroy();
    for (auto& answerer : answerers()) {
      if (!answerer->is_over()) answerer->finished();
    }
    const TimePoint now = server_host().loop().now();
    deadline_ = std::min(deadline_, now + within_);
    is_stopping_ = true;
    server()->stop(within_, [this] { stopped(); });
    overdue_.start(deadline_ - now + 20ms);
    if (!again_after_) return;
    run().probe("a second stop");
    timer_.start(*again_after_);
    within_ /= 2;
    again_after_.reset();
  }

  /// Its streams flush in the background.
  void destroy() {
    run().probe("a server is destroyed");
    for (auto& answerer : answerers()) {
      if (!answerer->is_over()) answerer->silenced();
    }
    server() = nullptr;
  }

  void stopped() {
    run().expect(!has_stopped_, "a stop is told once");
    run().expect(server()->stream_count() == 0, "no stream is left when the server has stopped");
    has_stopped_ = true;
    overdue_.cancel();
    bool was_cut = false;
    for (auto& answerer : answerers()) {
      if (answerer->is_over()) continue;
      was_cut = true;
      answerer->silenced();
    }
    if (was_cut) run().expect(server_host().loop().now() >= deadline_, "nothing is aborted before the time is over");
    run().probe(was_cut ? "stopped at the deadline" : "stopped in time");
  }

  /// What the loop had to do when this timer fired, late perhaps, is done when it fires again.
  void is_overdue() {
    if (std::exchange(is_very_overdue_, true)) {
      run().expect(false, "the server has stopped in time");
    } else {
      overdue_.start(20ms);
    }
  }

  bool is_destroyed_instead_;
  Duration at_;
  Duration within_;
  std::optional<Duration> again_after_;
  TimePoint deadline_{};
  bool is_stopping_ = false;
  bool has_stopped_ = false;
  bool is_very_overdue_ = false;
  Timer timer_;
  Timer overdue_;
};

}  // namespace

sim::Swarm stop_swarm(const Play& play) {
  sim::SwarmOptions options = swarm_options("stop_swarm()");
  options.probes = {"a second stop", "a server is destroyed", "closed: Connection refused", "stopped at the deadline",
                    "stopped in time"};
  return sim::Swarm(std::move(options), [play](sim::Trial& run) { return std::make_unique<Stop>(run, play); });
}

}  // namespace weir::testing_support
