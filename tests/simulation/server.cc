// weir: a server with many clients and few descriptors, whose callbacks throw and whose streams are taken from it.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <stdexcept>
#include <utility>

#include "tests/simulation/echo.h"

namespace weir::testing_support {
namespace {

using namespace weir::literals;

class Rough;

/// Echoes, until it throws, or is taken from its server.
class RoughAnswerer final : public EchoAnswerer {
 public:
  RoughAnswerer(Rough& net, Stream& stream);

 private:
  bool surprises() override;

  Rough& net_;
};

class Rough final : public EchoNet {
 public:
  Rough(sim::Trial& run, const Play& play)
      : EchoNet(run, play, play.is_calm ? 3 : run.random().between(1, 30)),
        most_streams_(chance(0.3) ? random().between(1, 10) : unlimited) {
    if (chance(0.3)) server_host().set_descriptor_limit(random().between(8, 20));
  }

  void start() override {
    EchoNet::start();
    if (server() == nullptr) return;
    server()->on_exception([this](Stream& stream, std::exception_ptr exception) { threw(stream, exception); });
  }

  std::unique_ptr<Stream> take(Stream& stream) { return server()->take(stream); }

  /// Ends one of the others, whose event may have been fetched together with that of the one who does it. Its slot goes to
  /// something else, which the event must not reach.
  void strike(const Party& striker) {
    EchoAnswerer& other = *answerers()[random().below(answerers().size())];
    if (&other == &striker || other.is_over()) return;
    run().probe(other.is_owned() ? "one stream destroys another" : "one stream aborts another");
    other.is_owned() ? other.vanish() : other.abort();
    timers_.push_back(std::make_unique<Timer>(server_host().loop(), [](Timer&) {}));
  }

  Stream* thrower = nullptr;  ///< whose callback has just thrown

 private:
  std::unique_ptr<EchoAnswerer> answer(Stream& stream) override {
    auto answerer = std::make_unique<RoughAnswerer>(*this, stream);
    if (server() != nullptr && server()->stream_count() > most_streams_) {
      run().probe("one connection too many");
      answerer->finish();
    }
    return answerer;
  }

  void threw(Stream& stream, std::exception_ptr exception) {
    run().expect(&stream == thrower, "the exception is told of the stream that threw");
    run().expect(exception != nullptr, "the exception is handed on");
    run().probe("a callback throws");
    thrower = nullptr;
  }

  std::uint64_t most_streams_;
  std::vector<std::unique_ptr<Timer>> timers_;
};

RoughAnswerer::RoughAnswerer(Rough& net, Stream& stream) : EchoAnswerer(net, stream), net_(net) {}

bool RoughAnswerer::surprises() {
  if (!is_owned() && net_.chance(0.02)) {
    net_.thrower = stream();
    silenced();
    throw std::runtime_error("a callback");
  }
  if (!is_owned() && net_.chance(0.02)) {
    run().probe("a stream is taken from its server");
    taken_over(net_.take(*stream()));
  }
  if (net_.chance(net_.is_in_step() ? 0.3 : 0.02)) net_.strike(*this);
  if (is_owned() && net_.chance(0.02)) {
    destroy();
    return true;
  }
  return EchoAnswerer::surprises();
}

}  // namespace

sim::Swarm server_swarm(const Play& play) {
  sim::SwarmOptions options = swarm_options("server_swarm()");
  options.probes = {"a callback throws",
                    "a partition is outlived",
                    "a partition outlasts a time limit",
                    "a stale event is dropped",
                    "a stream is taken from its server",
                    "a transfer is interrupted",
                    "closed: Broken pipe",
                    "half close after the peer's",
                    "linger cut",
                    "one connection too many",
                    "one stream aborts another",
                    "one stream destroys another",
                    "the loop cannot listen to a descriptor"};
  return sim::Swarm(std::move(options), [play](sim::Trial& run) { return std::make_unique<Rough>(run, play); });
}

}  // namespace weir::testing_support
