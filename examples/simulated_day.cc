// weir: a day of heartbeats, and what a silent death of the peer looks like; simulated in moments.
// SPDX-License-Identifier: MIT
#include <chrono>
#include <cstdio>
#include <memory>

#include <weir/sim/world.h>
#include <weir/weir.h>

using namespace weir::literals;

int main() {
  weir::sim::World world({.link = {.latency = 40ms}});
  weir::sim::Host& server = world.add_host("server");
  weir::sim::Host& client = world.add_host("client");

  // The server answers each heartbeat, and gives a client up that was silent for three minutes.
  auto listening = server.run([&] {
    const weir::StreamOptions options{.time_limits = {.idle = 3min}};
    return weir::Server::listen(server.loop(), {.address = "0.0.0.0:9", .stream = options});
  });
  if (!listening) return weir::report(listening.error());
  std::error_code end;
  bool has_ended = false;
  (*listening)->on_stream([&](weir::Stream& stream) {
    stream.on_data([](weir::Stream& s) { s.write(s.input().take_all()); });
    stream.on_closed([&](weir::Stream&, std::error_code error) {
      has_ended = true;
      end = error;
    });
  });

  auto stream = client.run([&] { return weir::Stream::connect(client.loop(), server.address(9), {}); });
  if (!stream) return weir::report(stream.error());
  int answers = 0;
  (*stream)->on_data([&](weir::Stream& s) {
    s.input().clear();
    ++answers;
  });
  weir::Timer heartbeat(client.loop(), [&](weir::Timer& timer) {
    (*stream)->write("still here");
    timer.start(1min);
  });
  heartbeat.start(1min);

  const auto begin = std::chrono::steady_clock::now();
  (void)world.run_for(24h);
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begin);
  std::printf("after a day, simulated in %lld microseconds: %d heartbeats answered, %s\n",
              static_cast<long long>(took.count()), answers, has_ended ? "but it has ended" : "still open");
  const bool day_went_well = answers == 1439 && !has_ended;  // the last one is under way

  client.crash();  // the plug is pulled: no end, no reset
  const weir::Duration before = world.elapsed();
  (void)world.run_until([&] { return has_ended; }, 1h);
  const auto noticed = std::chrono::duration_cast<std::chrono::seconds>(world.elapsed() - before);
  std::printf("the server gave the dead client up after %d s: %s\n", static_cast<int>(noticed.count()),
              end.message().c_str());
  return day_went_well && end == weir::errc::idle_timed_out ? 0 : 1;
}
