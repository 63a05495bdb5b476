// weir: an echo server on as many threads as there are processors, which stops in order.
// SPDX-License-Identifier: MIT
#include <weir/weir.h>

#include <csignal>

int main() {
  auto threads = weir::LoopThreads::create({});
  if (!threads) return weir::report(threads.error());
  auto server = weir::ServerGroup::listen((*threads)->loops(), {.address = "127.0.0.1:7777"}, [](weir::Stream& stream) {
    stream.on_data([](weir::Stream& s) { s.write(s.input().take_all()); });
  });
  if (!server) return weir::report(server.error());

  auto stop = weir::Signal::subscribe((*threads)->loop(0), SIGTERM, [&](int) {
    (*server)->stop(std::chrono::seconds(10), [&] { (*threads)->stop(); });
  });
  if (!stop) return weir::report(stop.error());
  return weir::report((*threads)->run());
}
