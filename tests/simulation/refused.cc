// weir: attempts to connect to where nobody listens, or not yet, or not any more.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <list>
#include <memory>
#include <utility>

#include "tests/simulation/party.h"
#include "tests/simulation/scenario.h"
#include "weir/loop/timer.h"

namespace weir::testing_support {
namespace {

using namespace weir::literals;

/// Tries until it is connected once, or has had enough.
class Caller final : public Party {
 public:
  Caller(NetScenario& net, sim::Host& host, Address address, bool can_be_there, Flow& flow)
      : Party(net.run(), "caller"),
        net_(net),
        host_(host),
        address_(address),
        can_be_there_(can_be_there),
        timer_(host.loop(), [this](Timer&) { fired(); }) {
    out = &flow;
  }

  void start() {
    has_begun_ = true;
    begin_ = host_.loop().now();
    const ConnectOptions options = net_.connect_options();
    limit_ = options.timeout;
    auto opened = host_.run(
        [&] { return Stream::connect(host_.loop(), address_, {.connect = options, .stream = StreamOptions{}}); });
    if (!expect(static_cast<bool>(opened), "connect reports failures later")) return;
    own(*std::move(opened), {});
    (void)write(10);
    when_sent();
    if (net_.chance(0.2)) timer_.start(net_.up_to(2s));
  }
  bool is_done() const { return has_begun_ && is_over(); }

 private:
  void fired() {
    if (is_over()) return;
    run().probe(is_connected_ ? "destroyed when connected" : "destroyed while connecting");
    destroy();
  }
  void connected() override {
    is_connected_ = true;
    expect(can_be_there_, "who connects to nobody is not told that the connection stands");
    expect(host_.loop().now() - begin_ <= limit_ + 30s, "a connection in time, or none");
    run().probe("connected");
    timer_.cancel();
    net_.chance(0.5) ? abort() : finish();
  }
  void data() override {}
  void closed() override {
    expect(is_connected_ || error(), "an attempt that comes to nothing has an error");
    if (!is_connected_) expect(untold() == 0, "who waits for a write that never was is told");
  }

  NetScenario& net_;
  sim::Host& host_;
  Address address_;
  bool can_be_there_;
  TimePoint begin_{};
  Duration limit_{};
  bool has_begun_ = false;
  bool is_connected_ = false;
  Timer timer_;
};

class Refused final : public NetScenario {
 public:
  Refused(sim::Trial& run, const Play& how)
      : NetScenario(run, how),
        timer_(server_host().loop(), [this](Timer&) { toggle(); }) {
    const std::uint64_t count = how.is_calm ? 3 : random().between(1, 8);
    for (std::uint64_t i = 0; i < count; ++i) {
      flows_.emplace_back();
      const Address to = address(i);
      callers_.emplace_back(*this, client_host(), to, to == server_address(), flows_.back());
    }
  }
  ~Refused() override { server_ = nullptr; }

  void start() override {
    toggle();
    for (Caller& caller : callers_) {
      if (play().is_calm) {
        caller.start();
      } else {
        run().world().after(up_to(5s), [&caller] { caller.start(); });
      }
    }
  }
  bool is_done() override {
    return std::all_of(callers_.begin(), callers_.end(), [](const Caller& caller) { return caller.is_done(); });
  }

 private:
  Address address(std::uint64_t number) {
    if (play().is_local) return *Address::parse(number == 0 ? listening_address() : "unix:@nobody");
    switch (play().is_calm ? number : random().below(4)) {
      case 0: return server_address();
      case 1: return server_host().address(9);            // nobody listens
      case 2: return *Address::parse("10.200.0.1:80");    // there is no such host
      default: return *Address::parse("203.0.113.1:80");  // nor such a network
    }
  }

  /// Listens, or does so no more.
  void toggle() {
    if (server_ != nullptr) {
      server_ = nullptr;
    } else {
      server_ = listen(StreamOptions{}, [](Stream& stream) { stream.finish(); });
    }
    if (++toggles_ < 6 && !play().is_calm) timer_.start(up_to(3s));
  }

  int toggles_ = 0;
  Timer timer_;
  std::unique_ptr<Server> server_;
  std::list<Flow> flows_;
  std::list<Caller> callers_;
};

}  // namespace

sim::Swarm refused_swarm(const Play& play) {
  sim::SwarmOptions options = swarm_options("refused_swarm()");
  options.probes = {"closed: Network is unreachable", "closed: No route to host", "connected",
                    "destroyed while connecting"};
  return sim::Swarm(std::move(options), [play](sim::Trial& run) { return std::make_unique<Refused>(run, play); });
}

}  // namespace weir::testing_support
