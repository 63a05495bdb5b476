// weir: a client tested under troubles that chance decides: hundreds of seeds, and a test to paste when one fails.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstdio>
#include <memory>
#include <vector>

#include <weir/sim/swarm.h>
#include <weir/weir.h>

#include "retrying_client.h"

namespace {

/// A server that answers, and a client host that asks a question each second of a minute. Whatever happens meanwhile, each
/// must be answered in the end.
class Asking final : public weir::sim::Scenario {
 public:
  explicit Asking(weir::sim::Trial& run)
      : run_(run),
        server_(run.world().add_host("server")),
        client_(run.world().add_host("client")) {
    clock_ = server_.run([&] {
      const weir::StreamOptions options{.time_limits = {.idle = 1min}};
      return *weir::Server::listen(server_.loop(), {.address = "0.0.0.0:13", .stream = options});
    });
    clock_->on_stream([](weir::Stream& stream) {
      stream.on_data([](weir::Stream& s) {
        s.input().clear();
        s.write("late");
        s.finish();
      });
    });
  }

  void start() override {
    each_second_ = std::make_unique<weir::Timer>(client_.loop(), [this](weir::Timer& timer) {
      questions_.push_back(std::make_unique<RetryingClient>(client_.loop(), server_.address(13)));
      if (questions_.size() < 60) timer.start(1s);
    });
    each_second_->start(1s);
  }

  bool is_done() override {
    return questions_.size() == 60 && std::all_of(questions_.begin(), questions_.end(),
                                                  [](const auto& question) { return !question->answer().empty(); });
  }

  void check() override {
    for (const auto& question : questions_) {
      run_.expect(question->answer() == "late", "the answer is what the server sent");
      if (question->attempts() > 1) run_.probe("tried again");
      if (question->attempts() > 4) run_.probe("tried many times");
    }
  }

 private:
  weir::sim::Trial& run_;
  weir::sim::Host& server_;
  weir::sim::Host& client_;
  std::unique_ptr<weir::Server> clock_;
  std::unique_ptr<weir::Timer> each_second_;
  std::vector<std::unique_ptr<RetryingClient>> questions_;
};

weir::sim::Swarm asking_swarm() {
  return weir::sim::Swarm({.code = "asking_swarm()",
                           .draw = {.hosts = {"server", "client"}, .chaos = 1min},
                           .probes = {"tried again", "tried many times"}},
                          [](weir::sim::Trial& run) { return std::make_unique<Asking>(run); });
}

}  // namespace

int main() {
  const weir::sim::SwarmReport report = asking_swarm().run(1, 500);

  std::printf("%llu seeds, %llu events, %lld virtual minutes\n", static_cast<unsigned long long>(report.runs),
              static_cast<unsigned long long>(report.events),
              static_cast<long long>(report.elapsed / std::chrono::minutes(1)));
  for (const auto& [name, count] : report.probes) {
    std::printf("  %s: %llu times\n", name.c_str(), static_cast<unsigned long long>(count));
  }
  std::printf("%s", report.failure.c_str());
  return report.failure.empty() ? 0 : 1;
}
