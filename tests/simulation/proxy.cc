// weir: a client and a server that talk through a proxy, which pumps; plain, filtered, with rate limits.
// SPDX-License-Identifier: MIT
#include <list>
#include <memory>
#include <utility>

#include "tests/simulation/scenario.h"
#include "tests/simulation/speaker.h"
#include "tests/support/stream_kinds.h"
#include "weir/stream/pump.h"
#include "weir/stream/rate_limit.h"

namespace weir::testing_support {
namespace {

using namespace weir::literals;

/// client ── pump on a host of its own ── server; between the last two there may be filters.
class Proxy final : public NetScenario {
 public:
  Proxy(sim::Trial& run, const Play& how)
      : NetScenario(run, how),
        has_filters_(chance(0.4)),
        has_limits_(chance(0.4)),
        client_options_(eager_options()),
        server_options_(eager_options()),
        left_options_(eager_options()),
        right_options_(eager_options()) {
    talk_.up.key = 1;
    talk_.down.key = 2;
    talk_.up.is_whole = talk_.down.is_whole = !how.is_calm;
  }
  ~Proxy() override {
    server_ = nullptr;
    upstream_.reset();
    proxy_ = nullptr;
    if (proxy_host().loop().counters().turns != 0 && proxy_host().calls(sim::Call::fill_pipe) != 0)
      run().probe("bytes go past the program");
  }

  void start() override {
    server_ = listen(server_options_, [this](Stream& stream) { serve(stream); });
    group_ = std::make_unique<RateGroup>(proxy_host().loop(), limits());
    proxy_ = proxy_host().run([&]() -> std::unique_ptr<Server> {
      auto listening = Server::listen(proxy_host().loop(), {.address = "0.0.0.0:8888", .stream = left_options_});
      if (!listening) return nullptr;
      (*listening)->on_stream([this](Stream& stream) { lead_on(stream); });
      return *std::move(listening);
    });
    sim::Host& host = *run().world().find("client");
    client_end_ = std::make_unique<Speaker>(*this, host.loop(), "client", talk_.up, talk_.down, most);
    auto opened = host.run([&] {
      return Stream::connect(host.loop(), proxy_host().address(8888),
                             {.connect = connect_options(), .stream = client_options_});
    });
    if (!run().expect(static_cast<bool>(opened), "connect reports failures later")) return;
    client_end_->own(*std::move(opened), client_options_);
    client_end_->start();
  }

  bool is_done() override {
    return client_end_->is_over() && (server_end_ == nullptr || server_end_->is_over()) && pumps_ == pumps_ended_;
  }
  void check() override {
    NetScenario::check();
    client_end_->check();
    run().expect(pumps_ended_ == pumps_, "every pump tells that it is done");
    if (server_end_ == nullptr) return;
    server_end_->check();
    check_no_stall(*client_end_, *server_end_);
  }

 private:
  static constexpr std::uint64_t most = 2'000'000;

  sim::Host& proxy_host() { return *run().world().find("client-2"); }
  RateLimits limits() {
    const auto rate = [this] {
      return chance(0.5) ? Rate{.bytes_per_second = random().between(20'000, 2'000'000)} : Rate{};
    };
    return {.read = rate(), .write = rate()};
  }
  std::unique_ptr<Stream> filtered(std::unique_ptr<Stream> stream, const StreamOptions& options) {
    if (!has_filters_) return stream;
    return Stream::filter(Stream::filter(std::move(stream), std::make_unique<MaskFilter>(), options),
                          std::make_unique<FrameFilter>(chance(0.5)), options);
  }

  void serve(Stream& stream) {
    server_end_ = std::make_unique<Speaker>(*this, stream.loop(), "server", talk_.down, talk_.up, most);
    server_end_->own(filtered(server_->take(stream), server_options_), server_options_);
    server_end_->start();
  }

  void lead_on(Stream& client) {
    auto opened =
        Stream::connect(client.loop(), server_address(), {.connect = connect_options(), .stream = right_options_});
    if (!run().expect(static_cast<bool>(opened), "connect reports failures later")) return client.abort();
    upstream_ = filtered(*std::move(opened), right_options_);
    if (has_limits_) {
      client.set_rate_group(group_.get());
      upstream_->set_rate_group(group_.get());
      if (chance(0.5)) client.set_rate_limits(limits());
      if (chance(0.5)) upstream_->set_rate_limits(limits());
    }
    ++pumps_;
    pump(client, *upstream_, [this](const PumpEnd& end) {
      ++pumps_ended_;
      if (has_filters_) run().probe(end.error ? "a filtered pump fails" : "a filtered pump ends in order");
      if (has_limits_) run().probe(end.error ? "a limited pump fails" : "a limited pump ends in order");
      run().expect(end.error || end.forth == talk_.up.accepted, "all that was written has passed");
      run().expect(end.error || end.back == talk_.down.accepted, "all that was answered has passed");
    });
  }

  Conversation talk_;
  const bool has_filters_;
  const bool has_limits_;
  StreamOptions client_options_;
  StreamOptions server_options_;
  StreamOptions left_options_;
  StreamOptions right_options_;
  std::unique_ptr<RateGroup> group_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<Server> proxy_;
  std::unique_ptr<Stream> upstream_;
  std::unique_ptr<Speaker> server_end_;
  std::unique_ptr<Speaker> client_end_;
  int pumps_ = 0;
  int pumps_ended_ = 0;
};

}  // namespace

sim::Swarm proxy_swarm(const Play& play) {
  sim::SwarmOptions options = swarm_options("proxy_swarm()");
  options.probes = {"bytes go past the program",    "a filtered pump fails", "a filtered pump ends in order",
                    "a limited pump ends in order", "a limited pump fails",  "a short count"};
  return sim::Swarm(std::move(options), [play](sim::Trial& run) { return std::make_unique<Proxy>(run, play); });
}

}  // namespace weir::testing_support
