// weir: how many simulated events a second one core makes: an echo between two hosts.
// SPDX-License-Identifier: MIT
//
//     sim_events [SECONDS]      a line for each number of connections and size of message
//
// An event is a system call of a simulated program or an arrival in the simulated network: what a trace has a line for.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include "weir/server/server.h"
#include "weir/sim/world.h"
#include "weir/stream/stream.h"

namespace {

using namespace weir::literals;

struct Figures {
  double events_per_second;
  double echoes_per_second;
};

double cpu_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

/// Every connection has one message under way: it sends the next when the last came back whole.
Figures measure(std::size_t connections, std::size_t size, double seconds) {
  weir::sim::World world({.seed = 1, .link = {.latency = 1ms, .jitter = 1ms}});
  weir::sim::Host& server_host = world.add_host("server");
  weir::sim::Host& client_host = world.add_host("client");
  auto server = server_host.run([&] { return *weir::Server::listen(server_host.loop(), {.address = "0.0.0.0:7777"}); });
  server->on_stream(
      [](weir::Stream& stream) { stream.on_data([](weir::Stream& s) { s.write(s.input().take_all()); }); });
  const std::string message(size, 'x');
  std::uint64_t echoes = 0;
  std::vector<std::unique_ptr<weir::Stream>> streams;
  for (std::size_t i = 0; i < connections; ++i) {
    streams.push_back(
        client_host.run([&] { return *weir::Stream::connect(client_host.loop(), server_host.address(7777), {}); }));
    streams.back()->on_data([&](weir::Stream& s) {
      if (s.input().size() < message.size()) return;
      s.input().clear();
      ++echoes;
      s.write(message);
    });
    streams.back()->write(message);
  }
  const double begin = cpu_seconds();
  const std::uint64_t events_before = world.event_count();
  double spent = 0;
  while (spent < seconds) {
    (void)world.run_for(100ms);
    spent = cpu_seconds() - begin;
  }
  return {static_cast<double>(world.event_count() - events_before) / spent, static_cast<double>(echoes) / spent};
}

}  // namespace

int main(int count, char** arguments) {
  const double seconds = count > 1 ? std::atof(arguments[1]) : 1.0;
  std::printf("connections   bytes   million events/s   thousand echoes/s\n");
  for (const std::size_t connections : {1U, 10U, 100U, 1000U}) {
    for (const std::size_t size : {64U, 16384U}) {
      const Figures figures = measure(connections, size, seconds);
      std::printf("%11zu %7zu %18.2f %19.1f\n", connections, size, figures.events_per_second / 1e6,
                  figures.echoes_per_second / 1e3);
    }
  }
  return 0;
}
