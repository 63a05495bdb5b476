// weir: an echo server with callbacks.
// SPDX-License-Identifier: MIT
#include <weir/weir.h>

int main() {
  weir::EventLoop loop;
  auto server = weir::Server::listen(loop, {.address = "127.0.0.1:7777"});
  if (!server) return weir::report(server.error());
  (*server)->on_stream(
      [](weir::Stream& stream) { stream.on_data([](weir::Stream& s) { s.write(s.input().take_all()); }); });
  return weir::report(loop.run());
}
