// weir: a client that tries again, tested across a cut network: 30 simulated seconds in milliseconds.
// SPDX-License-Identifier: MIT
#include <cstdio>
#include <memory>

#include <weir/sim/world.h>
#include <weir/weir.h>

#include "retrying_client.h"

using namespace weir::literals;

namespace {

bool check(bool condition, const char* what) {
  std::printf("%s: %s\n", condition ? "ok  " : "FAIL", what);
  return condition;
}

}  // namespace

int main() {
  weir::sim::World world({.seed = 7, .link = {.latency = 20ms}});
  weir::sim::Host& server = world.add_host("server");
  weir::sim::Host& client = world.add_host("client");

  auto clock = server.run([&] { return weir::Server::listen(server.loop(), {.address = "0.0.0.0:13"}); });
  if (!clock) return weir::report(clock.error());
  (*clock)->on_stream([](weir::Stream& stream) {
    stream.on_data([](weir::Stream& s) {
      s.input().clear();
      s.write("late");
      s.finish();
    });
  });

  world.partition(server, client);
  world.at(20s, [&] { world.heal(server, client); });
  auto asking = client.run([&] { return std::make_unique<RetryingClient>(client.loop(), server.address(13)); });

  const weir::sim::Outcome outcome = world.run_until([&] { return !asking->answer().empty(); }, 60s);

  bool passed = check(outcome == weir::sim::Outcome::met, "the client is answered in the end");
  passed &= check(world.elapsed() > 20s && world.elapsed() < 30s, "soon after the network is whole again");
  passed &= check(asking->attempts() == 5, "at the fifth attempt: 2 s each, after pauses of 1, 2, 4 and 8 s");
  if (!passed) std::printf("%s", world.trace().c_str());
  return passed ? 0 : 1;
}
