// weir: both ends send what they have, and each ends when it has, in either order.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <list>
#include <memory>
#include <utility>
#include <vector>

#include "tests/simulation/party.h"
#include "tests/simulation/scenario.h"
#include "weir/loop/timer.h"

namespace weir::testing_support {
namespace {

using namespace weir::literals;

/// Sends its flow after a while, and ends then; reads until the other end has ended.
class Speaker final : public Party {
 public:
  Speaker(NetScenario& net, EventLoop& loop, std::string name, Flow& own, Flow& others)
      : Party(net.run(), std::move(name)),
        net_(net),
        goal_(net.play().is_calm ? 100'000 : net.of_any_size(300'000)),
        piece_(1 + goal_ / 50 + net.of_any_size(100'000)),
        begin_(net.up_to(3s)),
        timer_(loop, [this](Timer&) { go_on(); }) {
    out = &own;
    in = &others;
  }

  void start() { timer_.start(begin_); }
  void check() {
    if (!is_closed() || error()) return;
    expect(in->received == in->accepted || !in->is_whole, "everything is there after orderly ends");
    expect(out->accepted == goal_, "everything was written");
  }

 private:
  void go_on() {
    while (!is_over() && stream()->is_writable() && !is_told_to_slow_down()) {
      if (out->accepted == goal_) return finish_writing();
      if (!write(std::min<std::size_t>(piece_, goal_ - out->accepted))) {
        if (piece_ > 1000) piece_ /= 2;
        return timer_.start(50ms);
      }
      when_sent();
      if (net_.chance(0.3)) return timer_.start(net_.up_to(500ms));
    }
  }
  void data() override { (void)take(stream()->input().size()); }
  void ended() override {}
  void drained() override { go_on(); }

  NetScenario& net_;
  std::uint64_t goal_;
  std::size_t piece_;
  Duration begin_;
  Timer timer_;
};

/// One connection.
class HalfClose final : public NetScenario {
 public:
  HalfClose(sim::Trial& run, const Play& how)
      : NetScenario(run, how),
        client_options_(eager_options()),
        server_options_(eager_options()) {
    talk_.up.key = 1;
    talk_.down.key = 2;
    talk_.up.is_whole = talk_.down.is_whole = !how.is_local && !how.is_calm;
  }
  ~HalfClose() override { server_ = nullptr; }

  void start() override {
    server_ = listen(server_options_, [this](Stream& stream) {
      server_end_ = std::make_unique<Speaker>(*this, stream.loop(), "server", talk_.down, talk_.up);
      server_end_->watch(stream, server_options_);
      server_end_->start();
    });
    sim::Host& host = client_host();
    client_end_ = std::make_unique<Speaker>(*this, host.loop(), "client", talk_.up, talk_.down);
    auto opened = host.run([&] {
      return Stream::connect(host.loop(), server_address(), {.connect = connect_options(), .stream = client_options_});
    });
    if (!run().expect(static_cast<bool>(opened), "connect reports failures later")) return;
    client_end_->own(*std::move(opened), client_options_);
    client_end_->start();
  }
  bool is_done() override { return client_end_->is_over() && (server_end_ == nullptr || server_end_->is_over()); }
  void check() override {
    NetScenario::check();
    client_end_->check();
    if (server_end_ == nullptr) return;
    server_end_->check();
    check_no_stall(*client_end_, *server_end_);
  }

 private:
  Conversation talk_;
  StreamOptions client_options_;
  StreamOptions server_options_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<Speaker> server_end_;
  std::unique_ptr<Speaker> client_end_;
};

}  // namespace

sim::Swarm half_close_swarm(const Play& play) {
  sim::SwarmOptions options = swarm_options("half_close_swarm()");
  options.probes = {"half close after the peer's", "half close before the peer's"};
  return sim::Swarm(std::move(options), [play](sim::Trial& run) { return std::make_unique<HalfClose>(run, play); });
}

}  // namespace weir::testing_support
