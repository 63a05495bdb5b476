// weir: both ends send what they have, and each ends when it has, in either order.
// SPDX-License-Identifier: MIT
#include <memory>
#include <utility>

#include "tests/simulation/scenario.h"
#include "tests/simulation/speaker.h"

namespace weir::testing_support {
namespace {

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
